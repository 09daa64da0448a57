"""What the automation must not do, judged by the simulated tenant's own record."""

import driftwarden
import yaml
from processes import wait_for
from simulation import everything, sam_of, wait_for_baseline, wait_for_state

ADMINISTRATOR = 7  # adminCount is set for one of the simulated people in five hundred


def test_an_administrator_is_paged_and_never_revoked_without_a_second_opinion(simulation,
                                                                              make_daemon):
    daemon = make_daemon(simulation.fast_config(mode="auto")).start()
    wait_for_baseline(daemon)
    simulation.change(sam_of(ADMINISTRATOR), "disable")
    person = wait_for_state(daemon, sam_of(ADMINISTRATOR), "breached")
    assert person["tier"] == "tier0"

    def blocked():
        return [action for action in everything(daemon, "actions")
                if action["user"] == person["id"] and action["state"] == "blocked"]

    action = wait_for(blocked, 20, "the action that waits", 0.2)[0]
    gates = {gate["name"]: gate["ok"] for gate in action["gates"]}
    assert gates["second_dc"] is False, gates
    wait_for(lambda: [alert for alert in simulation.alerts(alertname="DriftwardenPerson",
                                                           severity="critical")
                      if alert["labels"]["tier"] == "tier0"], 20, "the critical page", 0.2)
    assert not simulation.revokes()
    assert daemon.stop() == 0
    assert not simulation.revokes()


def test_a_revocation_in_our_name_that_we_never_meant_stops_the_automation(simulation, make_daemon):
    daemon = make_daemon(simulation.fast_config(mode="auto")).start()
    wait_for_baseline(daemon)

    def guard():
        return next(item for item in daemon.get("guards")["items"]
                    if item["name"] == "call_without_intent")

    # Ours is no matter.
    simulation.sync(stall=True)
    simulation.change(sam_of(1), "disable")
    wait_for_state(daemon, sam_of(1), "contained")
    assert not guard()["tripped"]
    # Somebody else has the secret.
    victim = simulation.entra(sam_of(9))["id"]
    with simulation.application() as session:
        answer = session.post(f"{simulation.graph_url}/v1.0/users/{victim}/revokeSignInSessions",
                              timeout=30)
        assert answer.ok, answer.text
    wait_for(lambda: guard()["tripped"], 60, "the guard of calls without an intent", 0.2)
    assert victim in guard()["detail"], guard()
    simulation.change(sam_of(2), "disable")
    wait_for_state(daemon, sam_of(2), "breached")
    assert len(simulation.revokes(sam_of(2))) == 0
    reset = daemon.command("guard", "reset", "call_without_intent", "--reason", "secret rotated")
    assert reset.returncode == 0, reset.stdout + reset.stderr
    wait_for_state(daemon, sam_of(2), "contained")
    assert not guard()["tripped"]


def test_a_pause_holds_over_a_restart_and_ends_when_somebody_resumes(simulation, make_daemon,
                                                                     tmp_path):
    config = simulation.fast_config(mode="auto", data_dir=str(tmp_path / "data"))
    daemon = make_daemon(config).start()
    wait_for_baseline(daemon)
    paused = daemon.command("automation", "pause", "--reason", "a drill")
    assert paused.returncode == 0 and "PAUSED" in paused.stdout, paused.stdout + paused.stderr
    assert daemon.get("status")["paused"] is True
    assert 'driftwarden_automation_paused{link="' in daemon.metrics()
    simulation.sync(stall=True)
    simulation.change(sam_of(1), "disable")
    wait_for_state(daemon, sam_of(1), "breached")
    action = everything(daemon, "actions")[0]
    assert action["state"] == "blocked", action
    assert [gate["name"] for gate in action["gates"] if not gate["ok"]] == ["not_paused"], action
    assert daemon.stop() == 0
    daemon = make_daemon(config).start()
    assert daemon.get("status")["paused"] is True
    assert ", PAUSED" in daemon.command("status").stdout
    assert not simulation.revokes()
    resumed = daemon.command("automation", "resume")
    assert resumed.returncode == 0 and "PAUSED" not in resumed.stdout, resumed.stderr
    wait_for_state(daemon, sam_of(1), "contained")
    assert len(simulation.revokes(sam_of(1))) == 1
    kinds = [entry["type"] for entry in everything(daemon, "evidence")]
    assert kinds.count("automation_paused") == kinds.count("automation_resumed") == 1
    assert daemon.get("automation")["paused"] is False


def test_who_was_out_before_still_counts_after_the_baseline_is_accepted(simulation, make_daemon,
                                                                        tmp_path):
    simulation.change(sam_of(1), "disable")
    config = simulation.fast_config(mode="observe", data_dir=str(tmp_path / "data"))
    daemon = make_daemon(config).start()
    wait_for_baseline(daemon)
    wait_for_state(daemon, sam_of(1), "inherited")
    accepted = daemon.command("baseline", "accept")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert daemon.stop() == 0
    file = tmp_path / "once.yaml"
    file.write_text(yaml.safe_dump(config))
    once = driftwarden.run_command("run", "--once", "--config", file, timeout=120)
    assert once.returncode == 3, once.stdout + once.stderr
