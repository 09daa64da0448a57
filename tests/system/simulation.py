"""`driftwarden simulate` as a process of its own: the simulated AD and Entra, driven over its
control API, and its own record of what really happened."""

import copy
import re

import requests
import yaml

import driftwarden
from processes import Process, private_folder, remove_folder, wait_for

# Minutes and hours of the real world as seconds: what a test can wait for.
FAST_POLL = "300ms"
FAST_TIERS = [
    {"name": "tier0", "match": {"admin_count": True}, "warn_after": "2s", "revoke_after": "3s",
     "breach_after": "8s"},
    {"name": "standard", "warn_after": "2s", "revoke_after": "3s", "breach_after": "8s"},
]


def sam_of(number):
    """The simulated person's sAMAccountName."""
    return f"u{number:07d}"


class Simulation:
    """Its sync engine runs only when sync(run=True) says so, unless a cycle is named."""

    def __init__(self, users=60, seed=1, cycle="12h", auth_mode="password_hash_sync", forests=1,
                 tenants=1, credential="secret"):
        self.folder = private_folder("sim")
        self._arguments = ["--users", users, "--seed", seed, "--cycle", cycle,
                           "--auth-mode", auth_mode, "--forests", forests, "--tenants", tenants,
                           "--credential", credential]
        self._process = None
        self.imds_url = self.graph_url = ""  # the first with a managed identity only
        self.control_url = self.alerts_url = self.ldaps_url = self.admin_user = ""
        self.ca_file = self.admin_password_file = None
        self.config = {}

    def start(self):
        config_file = self.folder / "driftwarden.yaml"
        log = self.folder / "simulate.log"
        self._process = Process(
            [driftwarden.binary(), "simulate", *self._arguments, "--config-out", config_file,
             "--folder", self.folder / "world"], log)
        self._process.wait_until(lambda: "config   " in log.read_text(), 60, "its addresses")
        said = dict(re.findall(r"^(\w+) +(.*)$", log.read_text(), re.MULTILINE))
        self.control_url, self.alerts_url = said["control"], said["alerts"]
        self.imds_url, self.graph_url = said.get("imds", ""), said["graph"]
        self.ldaps_url, self.ca_file = said["ldaps"], said["ca"]
        self.admin_user, self.admin_password_file = said["admin"].rsplit(" ", 1)
        self.config = yaml.safe_load(config_file.read_text())
        del self.config["data_dir"]
        self.sync(processing="200ms")
        return self

    def close(self):
        if self._process is not None:
            self._process.stop()
            self._process = None
        remove_folder(self.folder)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # The world ---------------------------------------------------------------------------------

    def _call(self, method, path, body=None):
        answer = requests.request(method, f"{self.control_url}{path}", json=body, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def change(self, sam, verb, /, **body):
        """disable, enable, delete, expire, signin, password, cloud, restore, devices or adopt; see
        simulator/control_people.cpp."""
        return self._call("POST", f"/sim/people/{sam}/{verb}", body)

    def sync(self, **body):
        """run, stall, resume, skip, unskip, cycle, processing."""
        return self._call("POST", "/sim/sync", body)

    def fault(self, **body):
        return self._call("POST", "/sim/fault", body)

    def tenant(self, **body):
        """What the tenant says of itself; see simulator/control_tenant.cpp."""
        return self._call("POST", "/sim/tenant", body)

    def mend(self):
        return self.fault(clear=True)

    def person(self, sam):
        return self._call("GET", f"/sim/people/{sam}")

    def entra(self, sam):
        """The person's account in the (first) tenant, as it is."""
        return self.person(sam)["entra"][0]

    def truth(self):
        return self._call("GET", "/sim/truth")

    def revokes(self, sam=None):
        return [call for call in self.truth()["revokes"] if sam in (None, call["sam"])]

    def alerts(self, **labels):
        """What the simulation's own receiver was told, resolved ones too, oldest first."""
        answer = requests.get(f"{self.alerts_url}/sim/alerts", timeout=30).json()
        return [alert for alert in answer
                if all(alert["labels"].get(name) == value for name, value in labels.items())]

    def application(self):
        """A session with Graph under our own application's name, as whoever has its secret may open
        one; the caller closes it."""
        entra = self.config["entra"][0]
        session = requests.Session()
        session.trust_env, session.verify = False, str(self.ca_file)
        secret = (self.folder / "world/graph.secret").read_text()
        token = session.post(f"{self.graph_url}/{entra['tenant_id']}/oauth2/v2.0/token", timeout=30,
                             data={"grant_type": "client_credentials", "client_secret": secret,
                                   "client_id": entra["credential"]["client_id"],
                                   "scope": f"{self.graph_url}/.default"}).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        return session

    # Configurations ----------------------------------------------------------------------------

    def fast_config(self, mode="auto", **changes):
        """A configuration for `run` against this world, its times compressed, its budgets wide
        open. `changes` replaces whole sections."""
        config = copy.deepcopy(self.config)
        for source in config["active_directory"] + config["entra"]:
            source["poll_interval"] = FAST_POLL
        config["policy"] = {"settle": "400ms", "tiers": copy.deepcopy(FAST_TIERS)}
        config["remediation"] = {
            "mode": mode,
            "budgets": {"per_10m": 1000, "per_hour": 1000, "per_person": "100/10m",
                        "max_revokes_per_episode": 3},
            "breakers": {"max_percent_per_day": 100, "quiet_after_first_baseline": "0s"}}
        config["alerting"]["resend_interval"] = "1s"
        config.update(changes)
        return config


def wait_for_baseline(daemon, timeout=60):
    """Until the daemon has read both sides completely."""
    wait_for(lambda: all(item["established_at"] for item in daemon.get("baseline")["items"]),
             timeout, "the first complete read of both sides", 0.2)


def wait_for_state(daemon, user, states, timeout=30):
    """Until the person is in one of `states` (a word or several); the person as the API tells."""
    states = (states,) if isinstance(states, str) else states
    seen = []

    def reached():
        person = daemon.get(f"users/{user}")
        if not seen or seen[-1] != person["state"]:
            seen.append(person["state"])
        return person if person["state"] in states else None

    try:
        return wait_for(reached, timeout, "", 0.2)
    except TimeoutError:
        raise TimeoutError(f"{user} is not {' or '.join(states)} within {timeout} s; was "
                           f"{', '.join(seen)}\n{daemon.process.tail()}") from None


def everything(daemon, path, **parameters):
    """All pages of a list of the API."""
    items, cursor = [], None
    while True:
        page = daemon.get(path, **parameters, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return items
