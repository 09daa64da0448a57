"""Two real domain controllers of one forest: one dies, one lags behind, one is put back from an old
copy of its disk. No timer is lost over it, and nothing is taken for a return that is none."""

import re
import time

import pytest

from name_server import NameServer
from processes import wait_for
from proof import PASSWORD, Proof
from samba_dc import ACCOUNT_DISABLED
from samba_forest import Forest
from simulation import wait_for_baseline, wait_for_state

ACCOUNT = "svc-failover"
WARN_AFTER = 10
OPEN = ("pending", "lagging")


@pytest.fixture(scope="module")
def forest():
    with Forest() as made:
        made.first.create_service_account(ACCOUNT, PASSWORD)
        made.second.pull(made.first)
        yield made


@pytest.fixture
def proof(forest, simulation):
    for controller in (forest.first, forest.second):
        if not controller.running():  # a test before this one failed halfway
            controller.start()
    return Proof(forest.first, simulation)


def config_for(proof, folder, *controllers, **source):
    if controllers:
        source["servers"] = [controller.ldaps_url for controller in controllers]
    config = proof.config(folder, user=ACCOUNT, **source)
    config["remediation"]["mode"] = "observe"
    config["policy"]["tiers"] = [{"name": "standard", "warn_after": f"{WARN_AFTER}s",
                                  "revoke_after": "1h", "breach_after": "1h"}]
    return config


def resets(daemon):
    """How many full reads replaced a cursor, by reason; those that there were."""
    found = re.findall(r'^driftwarden_source_resets_total\{.*reason="(\w+)".*source="corp".*\} (\d+)$'
                       r'|^driftwarden_source_resets_total\{.*source="corp".*reason="(\w+)".*\} (\d+)$',
                       daemon.metrics(), re.MULTILINE)
    counts = {(first or second): int(one or two) for first, one, second, two in found}
    return {reason: count for reason, count in counts.items() if count}


def wait_for_resets(daemon, expected):
    """Until that is what was counted and the full read is over."""
    def over():
        source = next(item for item in daemon.status()["sources"] if item["name"] == "corp")
        return resets(daemon) == expected and source["snapshot"] == "complete" and source["up"]

    try:
        wait_for(over, 60, "", 0.2)
    except TimeoutError:
        raise TimeoutError(f"not {expected} but {resets(daemon)}\n{daemon.process.tail()}") from None


def episode_of(daemon, sam):
    """The open one, once the departure has settled."""
    return wait_for(lambda: daemon.get(f"users/{sam}")["drift"], 30, f"{sam}'s episode",
                    0.2)[0]["episode"]


def came_back(daemon, sam):
    return [event for event in daemon.get(f"users/{sam}")["timeline"] if event["type"] == "ad_enabled"]


def enabled(controller, sam):
    return not controller.user_account_control(sam) & ACCOUNT_DISABLED


def test_another_controller_takes_over_and_the_alert_is_in_time(forest, proof, make_daemon, tmp_path):
    ada, grace = proof.hire("ada"), proof.hire("grace")
    forest.second.pull(forest.first)
    daemon = make_daemon(config_for(proof, tmp_path, forest.first, forest.second)).start()
    wait_for_baseline(daemon)
    wait_for_state(daemon, grace, "aligned")

    forest.first.disable(ada)
    disabled = time.monotonic()
    wait_for_state(daemon, ada, "pending")
    episode = episode_of(daemon, ada)
    forest.second.pull(forest.first)
    forest.first.kill()
    alert = wait_for(lambda: proof.simulation.alerts(alertname="DriftwardenPerson"), 60, "the alert")
    assert time.monotonic() - disabled < WARN_AFTER + 15
    assert alert[0]["annotations"]["sam_account_name"] == ada
    assert alert[0]["labels"]["episode"] == episode
    wait_for_resets(daemon, {"dc_changed": 1})
    assert daemon.get(f"users/{ada}")["state"] == "lagging"
    assert not came_back(daemon, ada)

    # What is new there is seen at once, and the first one goes on where it was left.
    forest.second.disable(grace)
    wait_for_state(daemon, grace, OPEN)
    forest.first.start()
    forest.first.pull(forest.second)
    forest.second.kill()
    forest.first.enable(grace)
    wait_for_state(daemon, grace, "aligned")
    assert episode_of(daemon, ada) == episode
    assert resets(daemon) == {"dc_changed": 1}, "a known controller is not read in full"
    assert daemon.stop() == 0
    forest.second.start()
    forest.second.pull(forest.first)


def test_a_controller_that_lags_behind_takes_nothing_back(forest, proof, make_daemon, tmp_path):
    ada = proof.hire("ada")
    forest.second.pull(forest.first)
    daemon = make_daemon(config_for(proof, tmp_path, forest.first, forest.second)).start()
    wait_for_baseline(daemon)
    forest.first.disable(ada)
    wait_for_state(daemon, ada, "pending")
    episode = episode_of(daemon, ada)
    forest.first.kill()
    wait_for_resets(daemon, {"dc_changed": 1})
    assert enabled(forest.second, ada)
    # Read in full and read directly, again and again; the clock goes on.
    wait_for_state(daemon, ada, "lagging", 60)
    assert episode_of(daemon, ada) == episode
    assert not came_back(daemon, ada)

    # Once it has heard of the disable, what it says of the account counts.
    forest.first.start()
    forest.second.pull(forest.first)
    assert not enabled(forest.second, ada)
    forest.second.enable(ada)
    wait_for_state(daemon, ada, "aligned")
    assert daemon.get(f"episodes/{episode}")["result"] == "reversed"
    forest.first.pull(forest.second)


def test_controllers_are_found_by_dns(forest, proof, make_daemon, tmp_path):
    name = f"_ldap._tcp.dc._msdcs.{forest.second.dns_domain}"
    records = {name: [(5, 100, 389, forest.second.host_name), (0, 100, 389, "localhost")]}
    with NameServer(records) as names:
        config = config_for(proof, tmp_path, name_server=names.address)
        del config["active_directory"][0]["servers"]
        daemon = make_daemon(config).start()
        wait_for_baseline(daemon)
        assert (name, "udp") in names.asked and (name, "tcp") in names.asked
    assert f"ldaps://{forest.second.host_name}" in daemon.log_text()


def test_a_disk_put_back_is_read_anew_and_takes_nothing_back(forest, proof, make_daemon, tmp_path):
    controller = forest.first
    ada, grace = proof.hire("ada"), proof.hire("grace")
    controller.stop()
    copy = controller.backup()
    controller.start()
    daemon = make_daemon(config_for(proof, tmp_path, controller)).start()
    wait_for_baseline(daemon)
    controller.disable(ada)
    wait_for_state(daemon, ada, OPEN)
    episode = episode_of(daemon, ada)

    controller.kill()
    controller.restore(copy)
    controller.start()
    wait_for_resets(daemon, {"usn_went_back": 1})
    assert enabled(controller, ada)
    controller.disable(grace)  # what happens from here on is seen
    wait_for_state(daemon, grace, OPEN)
    assert episode_of(daemon, ada) == episode and not came_back(daemon, ada)

    # Put back while nobody looks, its USNs pass the bound: only the newest object tells.
    bound = controller.highest_usn()
    assert daemon.stop() == 0
    controller.kill()
    controller.restore(copy)
    controller.start()
    changes = 0
    while controller.highest_usn() <= bound + 5:
        controller.set_attribute(ACCOUNT, "description", f"change {changes}")
        changes += 1
    daemon.start()
    wait_for_resets(daemon, {"usn_went_back": 1})
    for sam in (ada, grace):
        assert enabled(controller, sam)
        assert daemon.get(f"users/{sam}")["state"] in OPEN and not came_back(daemon, sam)

    # A proper restore gives the database another invocation id.
    controller.stop()
    controller.replace_invocation_id()
    controller.start()
    wait_for_resets(daemon, {"usn_went_back": 1, "invocation_id": 1})
    assert episode_of(daemon, ada) == episode and not came_back(daemon, ada)
