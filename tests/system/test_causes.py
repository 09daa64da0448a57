"""What ails many at once is one page: a simulated world, a real Alertmanager."""

import itertools

from processes import wait_for
from simulation import sam_of, wait_for_baseline, wait_for_state

USERS = 80


def _configured(simulation, alertmanager, mode):
    config = simulation.fast_config(mode=mode)
    config["alerting"] = {"alertmanagers": [{"url": alertmanager.url}], "resend_interval": "1s"}
    return config


def _people(simulation, tier0, count):
    found = (sam for sam in map(sam_of, range(1, USERS))
             if simulation.person(sam)["tier0"] == tier0)
    return list(itertools.islice(found, count))


def _evidence(daemon, kind):
    return [entry for entry in daemon.get("evidence", limit=1000)["items"] if entry["type"] == kind]


def test_a_stalled_engine_is_one_page_that_names_its_people(make_simulation, make_daemon,
                                                            alertmanager):
    simulation = make_simulation(users=USERS)
    simulation.sync(stall=True, last_sync_ago="75m")  # two cycles of Connect, ten minutes and more
    people, (admin,) = _people(simulation, False, 22), _people(simulation, True, 1)
    daemon = make_daemon(_configured(simulation, alertmanager, "observe")).start()
    wait_for_baseline(daemon)
    alertmanager.wait_for_alert(alertname="DriftwardenCause", kind="engine_stalled")
    assert [entry["details"]["kind"] for entry in _evidence(daemon, "cause_opened")] == [
        "engine_stalled"]

    for sam in [*people, admin]:
        simulation.change(sam, "disable")
    for sam in [*people, admin]:
        wait_for_state(daemon, sam, "breached", 60)
    alertmanager.wait_for_alert(alertname="DriftwardenPerson", severity="critical")
    wait_for(lambda: alertmanager.alerts(alertname="DriftwardenCause")[0]["annotations"]["count"]
             == str(len(people)), 30, "everybody in it", 0.2)
    cause = alertmanager.alerts(alertname="DriftwardenCause")
    assert len(cause) == 1, "one cause is one page, though more than collapse_after share it"
    told = cause[0]["annotations"]["people"]
    assert sum(sam in told for sam in people) == 20 and "and 2 more" in told, told
    alone = alertmanager.alerts(alertname="DriftwardenPerson")
    assert [alert["annotations"]["sam_account_name"] for alert in alone] == [admin]
    status = daemon.command("status")
    assert "CAUSE: engine_stalled" in status.stdout, status.stdout
    assert "engine_stalled" in daemon.command("drift", "show", people[0]).stdout
    assert daemon.get(f"users/{people[0]}/explain")["cause"]["kind"] == "engine_stalled"
    assert daemon.get(f"users/{admin}/explain")["cause"] is None

    simulation.sync(resume=True)
    for sam in people:
        wait_for(lambda sam=sam: not daemon.get(f"users/{sam}")["entra"]["enabled"], 30,
                 f"{sam} carried", 0.2)
    alertmanager.wait_until_resolved(timeout=60, alertname="DriftwardenCause",
                                     kind="engine_stalled")
    wait_for(lambda: _evidence(daemon, "cause_cleared"), 10, "the end, as evidence")
    receivers = {entry["episode"] for entry in _evidence(daemon, "alert_sent") if entry["episode"]}
    assert len(receivers) == 1, "nobody but the administrator was ever told of alone"
    assert daemon.stop() == 0
    assert daemon.command("store", "check").returncode == 0
    assert daemon.command("evidence", "verify").returncode == 0


def test_a_crowd_is_held_back_until_a_named_person_looked(make_simulation, make_daemon,
                                                          alertmanager):
    simulation = make_simulation(users=USERS)
    crowd = _people(simulation, False, 30)
    config = _configured(simulation, alertmanager, "auto")
    for tier in config["policy"]["tiers"]:
        tier["revoke_after"] = "20s"  # nobody before the last of them was seen
        tier["breach_after"] = "1h"
    daemon = make_daemon(config).start()
    wait_for_baseline(daemon)
    for sam in crowd:
        simulation.change(sam, "disable")
    alertmanager.wait_for_alert(alertname="DriftwardenCause", kind="mass_disable")
    wait_for(lambda: any(action["state"] == "blocked"
                         for action in daemon.get("actions", limit=100)["items"]), 60,
             "an action that is held back", 0.2)
    assert simulation.revokes() == []
    assert not alertmanager.alerts(alertname="DriftwardenPerson")
    assert "mass_disable" in daemon.command("guard", "list").stdout
    reset = daemon.command("guard", "reset", "mass_disable", "--reason", "a closed branch")
    assert reset.returncode == 0, reset.stderr
    wait_for(lambda: {call["sam"] for call in simulation.revokes()} == set(crowd), 60,
             "everybody's sessions revoked", 0.2)
    alertmanager.wait_until_resolved(timeout=30, alertname="DriftwardenCause", kind="mass_disable")
    assert daemon.stop() == 0
