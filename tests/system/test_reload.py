"""An edited configuration reaches a running daemon as a whole or not at all, and never ends it."""

import pytest

from processes import wait_for
from simulation import Simulation, sam_of, wait_for_baseline, wait_for_state


@pytest.fixture(scope="module")
def simulation(binary):  # pylint: disable=unused-argument
    with Simulation(users=40) as running:
        yield running


@pytest.fixture
def daemon(simulation, make_daemon):
    running = make_daemon(simulation.fast_config(mode="observe")).start()
    wait_for_baseline(running)
    return running


def logged(daemon, event):
    return [line for line in daemon.log_text().splitlines() if f"event={event} " in line]


def test_a_hangup_turns_the_automation_on_for_those_who_wait(simulation, daemon):
    simulation.change(sam_of(1), "disable")
    wait_for_state(daemon, sam_of(1), {"lagging", "breached"})
    assert not simulation.revokes(sam_of(1))
    daemon.config["remediation"]["mode"] = "auto"
    daemon.write_config()
    daemon.reload()
    wait_for(lambda: logged(daemon, "config_reloaded"), 20, "config_reloaded")
    assert daemon.status()["mode"] == "auto"
    wait_for(lambda: simulation.revokes(sam_of(1)), 30, "the revocation")
    assert daemon.stop() == 0


def test_a_faulty_file_changes_nothing_and_says_where(daemon):
    daemon.config["remediation"]["mode"] = "often"
    daemon.write_config()
    daemon.reload()
    wait_for(lambda: logged(daemon, "config_refused"), 20, "config_refused")
    line = logged(daemon, "config_refused")[-1]
    assert f"{daemon.config_file}:" in line and "remediation.mode" in line
    code, problem = daemon.control("POST", "/-/reload")
    assert code == 400
    assert problem["faults"][0].startswith(f"{daemon.config_file}:")
    assert daemon.status()["mode"] == "observe"


def test_what_needs_a_restart_is_named_and_takes_the_rest_with_it(daemon):
    daemon.config["remediation"]["mode"] = "auto"
    daemon.config["alerting"]["resend_interval"] = "2s"
    daemon.write_config()
    code, problem = daemon.control("POST", "/-/reload")
    assert code == 409
    assert problem["restart_keys"] == ["alerting.resend_interval"]
    assert daemon.status()["mode"] == "observe"
    daemon.config["alerting"]["resend_interval"] = "1s"
    daemon.write_config()
    code, answer = daemon.control("POST", "/-/reload")
    assert code == 200
    assert answer["result"] == "reloaded"
    assert daemon.status()["mode"] == "auto"


def test_only_administrators_reload(daemon):
    assert daemon.request("POST", "/-/reload").status_code == 403
    assert daemon.request("GET", "/-/reload").status_code == 405


def test_a_runbook_is_served_without_the_source_tree(daemon):
    answer = daemon.request("GET", "/runbooks/disable_lag")
    assert answer.status_code == 200
    assert answer.text.startswith("# ")
