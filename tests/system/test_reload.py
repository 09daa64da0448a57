"""An edited configuration reaches a running daemon as a whole or not at all, and never ends it."""

import hashlib

import pytest
import requests

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
    wait_for(lambda: daemon.status()["links"][0]["policy"]["complete"], 20, "everybody judged")
    policy = daemon.status()["links"][0]["policy"]
    assert policy["epoch"] == 2 and policy["actor"] == "SIGHUP"
    assert policy["judged"] == policy["of"] >= 40
    epochs = [entry["details"] for entry in daemon.get("evidence", limit=1000)["items"]
              if entry["type"] == "policy_epoch"]
    assert [each["actor"] for each in epochs] == ["start", "SIGHUP"]
    assert epochs[1]["changed"] == "remediation" and epochs[1]["policy"] == policy["hash"]
    assert any("epoch=2" in line for line in logged(daemon, "policy_judged"))
    assert daemon.stop() == 0
    daemon.config["policy"]["settle"] = "700ms"
    daemon.write_config()
    daemon.start()
    wait_for(lambda: daemon.status()["links"][0]["policy"]["epoch"] == 3, 20, "the third epoch")
    assert daemon.status()["links"][0]["policy"]["actor"] == "start"
    assert daemon.command("evidence", "verify").returncode == 0


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


def test_tokens_are_read_again_or_the_reload_is_refused(simulation, make_daemon, tmp_path):
    tokens = tmp_path / "tokens.yaml"

    def let_in(*names):
        tokens.write_text("".join(
            f"- {{name: {name}, role: viewer, sha256: {hashlib.sha256(name.encode()).hexdigest()}}}\n"
            for name in names))

    def may(name):
        return requests.get(f"{running.url}/api/v1/status", timeout=30,
                            headers={"Authorization": f"Bearer {name}"}).status_code == 200

    let_in("ann", "bob")
    config = simulation.fast_config(mode="observe")
    config.setdefault("http", {})["tokens_file"] = str(tokens)
    running = make_daemon(config).start()
    assert may("ann") and may("bob")
    tokens.write_text("- {name: ann}\n")
    code, problem = running.control("POST", "/-/reload")
    assert code == 400 and problem["faults"][0].startswith(f"{tokens}:1:")
    assert may("ann") and may("bob")
    let_in("bob", "cyd")
    code, answer = running.control("POST", "/-/reload")
    assert code == 200 and answer["result"] == "reloaded" and answer["tokens"] is True
    assert may("bob") and may("cyd") and not may("ann")


def test_only_administrators_reload(daemon):
    assert daemon.request("POST", "/-/reload").status_code == 403
    assert daemon.request("GET", "/-/reload").status_code == 405


def test_a_runbook_is_served_without_the_source_tree(daemon):
    answer = daemon.request("GET", "/runbooks/disable_lag")
    assert answer.status_code == 200
    assert answer.text.startswith("# ")
