"""Change notifications of Graph: a disable is seen at once although polls are far apart; what is
forged, lost or expired costs no more than the poll's interval."""

import time

import pytest
import requests

from certificates import Authority
from processes import wait_for
from relay import Relay
from simulation import sam_of, wait_for_baseline

URL = "hooks"  # a reverse proxy may put anything before the source's name


def _subscriptions(simulation, **body):
    path = "/sim/subscriptions"
    return simulation._call("POST" if body else "GET", path, body or None)  # pylint: disable=protected-access


def _value(daemon, name, *labels):
    """The sample of that name that carries these labels, in whatever order."""
    for line in daemon.metrics().splitlines():
        if line.startswith(f"driftwarden_{name}{{") and all(label in line for label in labels):
            return int(float(line.rsplit(" ", 1)[1]))
    raise AssertionError(f"{name} {labels} is not exported")


def _counted(daemon, outcome):
    return _value(daemon, "graph_notifications_total", 'entra="contoso"', f'outcome="{outcome}"')


def _polls(daemon):
    return _value(daemon, "source_polls_total", 'source="contoso"', 'result="ok"')


def _findings(daemon):
    return {finding["finding"] for source in daemon.status()["sources"]
            for finding in source["findings"] if source["kind"] == "entra"}


class Hooked:
    """A daemon whose notifications come in through a port that stays, by TLS from end to end."""

    def __init__(self, simulation, make_daemon, folder, **notifications):
        authority = Authority(folder / "hooks")
        certificate, key = authority.issue("hook", addresses=["127.0.0.1"])
        _subscriptions(simulation, ca_file=str(authority.ca_file))
        self.simulation, self.ca_file = simulation, authority.ca_file
        # Nobody is behind it yet: where the daemon listens is known once it runs.
        self.relay = Relay("https://127.0.0.1:1")
        config = simulation.fast_config(mode="observe")
        entra = config["entra"][0]
        entra["poll_interval"] = "2m"
        entra["notifications"] = {
            "listen": "127.0.0.1:0", "public_url": f"{self.relay.url}/{URL}",
            "tls": {"cert_file": str(certificate), "key_file": str(key)},
            "lifetime": "6s", **notifications}
        self.daemon = make_daemon(config)
        self.start()

    def start(self):
        self.daemon.start()
        self.relay.lead_to(self.daemon.run_info["notifications"]["contoso"])
        wait_for_baseline(self.daemon)
        wait_for(self.standing, 30, "a subscription")

    def standing(self):
        return _subscriptions(self.simulation)["items"]

    def see(self, sam, timeout):
        """How long it takes until what happened in Entra is known."""
        begun = time.monotonic()
        wait_for(lambda: not self.daemon.get(f"users/{sam}")["entra"]["enabled"], timeout,
                 f"{sam}'s disable", 0.05)
        return time.monotonic() - begun

    def disable(self, sam):
        self.simulation.change(sam, "cloud", do="disable")

    def close(self):
        self.relay.close()


@pytest.fixture
def hooked(simulation, make_daemon, tmp_path):
    running = Hooked(simulation, make_daemon, tmp_path)
    yield running
    running.close()


def test_a_change_is_known_as_soon_as_it_is_told(hooked):
    wait_for(lambda: _settled(hooked.daemon), 60, "a while without polls", 0.1)
    hooked.disable(sam_of(3))
    assert hooked.see(sam_of(3), 15) < 3, "the poll alone would take up to two minutes"
    assert _counted(hooked.daemon, "woke") >= 1
    assert _counted(hooked.daemon, "validation") >= 2

    # Several of each change: still one poll.
    hooked.simulation.fault(notify_copies=50)
    hooked.disable(sam_of(4))
    hooked.see(sam_of(4), 15)
    assert _counted(hooked.daemon, "coalesced") >= 40

    # The secret is known to nobody but the tenant.
    secret = hooked.standing()[0]["clientState"]
    assert len(secret) >= 32
    assert secret not in hooked.daemon.log_text() + hooked.daemon.metrics()


def test_what_is_forged_or_lost_waits_for_the_poll(hooked):
    quiet = hooked.standing()[0]["id"]
    hooked.simulation.fault(notify_forged=True)
    wait_for(lambda: _settled(hooked.daemon), 60, "a while without polls", 0.1)
    before = _polls(hooked.daemon)
    hooked.disable(sam_of(5))
    wait_for(lambda: _counted(hooked.daemon, "wrong_client_state") > 0, 20, "the forged one")
    state = requests.post(f"{hooked.relay.url}/{URL}/contoso", timeout=20, verify=str(hooked.ca_file),
                          json={"value": [{"subscriptionId": quiet, "clientState": "guess"}]})
    assert (state.status_code, state.text) == (202, "")
    hooked.simulation.fault(notify_forged=False, notify_lost=True)
    hooked.disable(sam_of(6))
    assert _polls(hooked.daemon) == before
    assert hooked.daemon.get(f"users/{sam_of(5)}")["entra"]["enabled"]


_LAST = {}


def _settled(daemon):
    """No poll for as long as two wake-ups are apart."""
    polls, now = _polls(daemon), time.monotonic()
    known = _LAST.get(id(daemon))
    if known is None or known[0] != polls:
        _LAST[id(daemon)] = known = (polls, now)
    return now - known[1] > 6


def test_the_subscription_is_renewed_made_anew_and_ended(hooked):
    wait_for(lambda: hooked.standing()[0]["renewals"] >= 2, 30, "renewals at half-life")
    first = hooked.standing()[0]["id"]
    _subscriptions(hooked.simulation, expire=True)
    wait_for(hooked.standing, 30, "another subscription")
    assert hooked.standing()[0]["id"] != first
    wait_for(lambda: not _findings(hooked.daemon), 30, "no finding")

    _subscriptions(hooked.simulation, lifecycle="subscriptionRemoved")
    wait_for(hooked.standing, 30, "a third subscription")
    assert _counted(hooked.daemon, "lifecycle") == 1

    # What a killed daemon leaves behind is replaced by the next one, what a stopped one had is gone.
    left = hooked.standing()[0]["id"]
    hooked.daemon.kill()
    hooked.start()
    wait_for(lambda: [item["id"] for item in hooked.standing()] not in ([], [left]), 30,
             "a subscription of its own")
    # Known to be its own: the tenant has it before the answer is there.
    wait_for(lambda: _value(hooked.daemon, "graph_subscription_expiry_timestamp_seconds") > 0, 30,
             "the subscription in the metrics")
    assert len(hooked.standing()) == 1
    assert hooked.daemon.stop() == 0
    assert hooked.standing() == []


def test_an_address_that_graph_cannot_reach_is_a_finding(hooked):
    hooked.relay.cut()
    _subscriptions(hooked.simulation, expire=True)
    wait_for(lambda: "notifications_off" in _findings(hooked.daemon), 40, "the finding")
    assert hooked.daemon.status()["ready"]
    hooked.relay.join()
    wait_for(lambda: "notifications_off" not in _findings(hooked.daemon), 60, "the end of it")
    found = hooked.daemon.command("check", timeout=120)
    assert "contoso: notifications" in found.stdout, found.stdout
