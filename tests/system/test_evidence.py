"""What the tenant's logs tell: who did it and when, who goes on signing in, and with which devices;
and that a log which cannot be read is a stated limitation."""

import re
from datetime import datetime, timedelta

import pytest

from processes import wait_for
from simulation import Simulation, sam_of, wait_for_baseline, wait_for_state

# The tenant's clock is known to a second.
SURELY_LATER = timedelta(seconds=3)


@pytest.fixture(scope="module")
def simulation(binary):  # pylint: disable=unused-argument
    with Simulation(users=30) as running:
        yield running


@pytest.fixture
def start(simulation, make_daemon):
    def run(**changes):
        config = simulation.fast_config(mode="observe", **changes)
        running = make_daemon(config).start()
        wait_for_baseline(running)
        return running
    return run


def timeline(daemon, sam, kind):
    return [item for item in daemon.get(f"users/{sam}/timeline")["items"] if item["type"] == kind]


def record_of(daemon, sam, change):
    """The audit record of a change of the person, as the timeline tells it."""
    found = wait_for(lambda: [item for item in timeline(daemon, sam, "audit_record")
                              if item["evidence"]["change"] == change],
                     30, f"the record that {sam} was {change}")
    assert len(found) == 1, found
    return found[0]


def ordinary(daemon, numbers):
    return [sam for sam in map(sam_of, numbers)
            if daemon.get(f"users/{sam}")["tier"] == "standard"]


def change_of(simulation, sam, kind):
    """When it really happened."""
    return [change["at"] for change in simulation.truth()["entra_changes"]
            if (change["sam"], change["kind"]) == (sam, kind)][-1]


def wait_surely_past(simulation, moment):
    wait_for(lambda: datetime.fromisoformat(simulation.truth()["now"])
             > datetime.fromisoformat(moment) + SURELY_LATER, 20, "a moment that is surely later")


def findings(daemon):
    return {finding["finding"] for source in daemon.status()["sources"]
            for finding in source["findings"] if source["kind"] == "entra"}


def requests(daemon, route, code):
    found = re.search(rf'graph_requests_total{{code="{code}",entra="[^"]*",route="{route}"}} (\d+)',
                      daemon.metrics())
    return int(found[1]) if found else 0


def remains(daemon, sam):
    """The report's areas by name, once the person's were read."""
    for person in daemon.get("reports/residue")["items"]:
        areas = {area["area"]: area for area in person["areas"]}
        if person["upn"].split("@")[0] == sam and areas["groups"]["evaluated"]:
            return areas
    return None


def test_whoever_disabled_or_revoked_is_named_and_devices_are_known(simulation, start):
    daemon = start()
    synced, revoked = ordinary(daemon, range(1, 10))[:2]
    simulation.change(synced, "disable")
    simulation.sync(run=True)
    record = record_of(daemon, synced, "disabled")
    assert record["evidence"]["by"] == "sync"
    assert record["at"]["lo"] == record["at"]["hi"] == change_of(simulation, synced, "disabled")

    simulation.change(revoked, "devices", devices=[
        {"name": "KIOSK-7", "trust": "ServerAd", "shared_with": [synced]}])
    simulation.change(revoked, "remains", member_of=[
        {"@odata.type": "#microsoft.graph.directoryRole", "id": "r", "roleTemplateId": "t",
         "displayName": "Helpdesk Administrator"}])
    simulation.sync(skip=[revoked])
    departed = simulation.change(revoked, "disable")["at"]
    wait_for_state(daemon, revoked, ("pending", "lagging", "breached"))
    wait_surely_past(simulation, departed)
    simulation.change(revoked, "cloud", do="revoke")
    assert record_of(daemon, revoked, "sessions_revoked")["evidence"]["by"] == "user"
    wait_for_state(daemon, revoked, "contained")
    devices = wait_for(lambda: daemon.get(f"users/{revoked}")["residual"]["devices"]["items"],
                       30, "the devices")
    assert [(device["name"], device["trust"], device["users"], device["enabled"])
            for device in devices] == [("KIOSK-7", "hybrid", 2, True)]
    assert "KIOSK-7" in daemon.command("drift", "show", revoked).stdout
    left = wait_for(lambda: remains(daemon, revoked), 40, "what remains")
    assert [role["name"] for role in left["directory_roles"]["items"]] == ["Helpdesk Administrator"]
    assert left["groups"]["items"] == [] and left["saas_accounts"]["evaluated"] is False
    said = daemon.command("report", "residue", "--from", "1h").stdout
    assert "directory_roles: Helpdesk Administrator" in said
    assert "not evaluated: saas_accounts (not_covered)" in said
    assert not findings(daemon)
    assert requests(daemon, "sign_ins", 429) == requests(daemon, "directory_audits", 429) == 0
    assert daemon.command("evidence", "verify").returncode == 0


def test_a_session_that_goes_on_after_the_disable_is_critical(simulation, start):
    daemon = start()
    leaver = ordinary(daemon, range(10, 20))[0]
    daemon.stop()  # so that the first reading of the log finds it
    simulation.change(leaver, "disable")
    simulation.sync(run=True)
    wait_for(lambda: not simulation.entra(leaver)["enabled"], 20, "the disable in Entra")
    wait_surely_past(simulation, change_of(simulation, leaver, "disabled"))
    simulation.change(leaver, "signin", interactive=False, error_code=0)
    daemon.start()
    drift = wait_for(lambda: [each for each in daemon.get(f"users/{leaver}")["drift"]
                              if each["kind"] == "signin_after_disable"], 60, "the drift")
    assert drift[0]["severity"] == "critical"
    wait_for(lambda: simulation.alerts(kind="signin_after_disable", severity="critical"), 30,
             "the alert")
    assert [item["evidence"]["interactive"] for item in timeline(daemon, leaver, "sign_in")] == ["no"]


def test_without_a_licence_sign_ins_are_a_stated_limitation(simulation, start):
    simulation.tenant(premium=False)
    try:
        daemon = start()
        leaver = ordinary(daemon, range(20, 30))[0]
        simulation.change(leaver, "disable")
        wait_for(lambda: findings(daemon) == {"sign_ins_unread", "token_refreshes_unread"}, 30,
                 "the findings")
        read = requests(daemon, "directory_audits", 200)
        wait_for(lambda: requests(daemon, "directory_audits", 200) >= read + 3, 60, "more rounds")
        assert requests(daemon, "sign_ins", 403) == 2, "asked once, not again and again"
        assert daemon.log_text().count("tenant_sign_ins_unread") == 1
        limits = {log["log"]: log["limit"] for log in daemon.status()["links"][0]["logs"]}
        assert limits["interactive_sign_ins"] == limits["non_interactive_sign_ins"] == "licence"
        assert limits["directory_audits"] is None and limits["devices"] is None
        assert "P1 or P2" in daemon.command("status").stdout
    finally:
        simulation.tenant(premium=True)
