"""The proof: nothing is simulated but Entra. A real domain controller, a real Alertmanager, a real
Prometheus, and the program between them."""

import datetime
import time

import pytest

import driftwarden
from processes import wait_for
from proof import PASSWORD, Proof
from simulation import wait_for_baseline, wait_for_state

def _time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.fixture(scope="module")
def reader(domain_controller):
    """The account that driftwarden binds as."""
    return domain_controller.create_service_account("svc-proof", PASSWORD)


@pytest.fixture
def proof(domain_controller, simulation, reader):  # pylint: disable=unused-argument
    made = Proof(domain_controller, simulation)
    yield made
    for name in made.twins:
        if not domain_controller.read_attribute(name, "isDeleted"):
            domain_controller.delete(name)


def test_from_a_disabled_account_in_samba_to_a_closed_episode(proof, make_daemon, alertmanager,
                                                              prometheus, tmp_path):
    ada, others = proof.hire("ada"), [proof.hire("grace"), proof.hire("edsger")]
    daemon = make_daemon(proof.config(tmp_path, alertmanager)).start()
    prometheus.set_targets([daemon.address])
    wait_for_baseline(daemon)
    assert wait_for_state(daemon, ada, "aligned")["grade"] == "strong"
    assert prometheus.wait_for_query(
        f'driftwarden_users{{state="aligned"}} == {1 + len(others)}')

    before = datetime.datetime.now(datetime.timezone.utc)
    proof.controller.disable(ada)
    person = wait_for_state(daemon, ada, ("pending", "lagging", "breached", "contained"))
    since = person["ad"]["disabled_since"]
    # Originating time: what the controller stamped, in whole seconds, not when we saw it.
    assert since["lo"] == since["hi"]
    assert abs((_time(since["hi"]) - before).total_seconds()) <= 2

    alert = alertmanager.wait_for_alert(alertname="DriftwardenPerson", kind="disable_lag")
    assert f"{ada}@" in alert["annotations"]["upn"]
    assert alert["labels"]["link"] == "corp-contoso"
    episode = alert["labels"]["episode"]

    contained = wait_for_state(daemon, ada, "contained")
    assert [call["applied"] for call in proof.revokes(ada)] == [True]
    assert contained["entra"]["enabled"] is True and proof.entra(ada)["enabled"] is True
    action = contained["actions"][0]
    assert action["state"] == "verified" and action["reason"] == "lag"
    assert proof.revokes(ada)[0]["client_request_id"] in (action["id"], action["request_id"])
    assert prometheus.wait_for_query('driftwarden_users{state="contained"} == 1')
    assert prometheus.query('driftwarden_open_episodes{kind="disable_lag"} == 1')

    proof.sync(ada, "disable")
    converged = wait_for_state(daemon, ada, "converged")
    assert converged["entra"]["enabled"] is False
    # The seal, by the Graph side's own record: revoked again, after the disable there.
    disabled_at = _time(proof.entra(ada)["disabled_at"])
    assert _time(proof.revokes(ada)[-1]["at"]) >= disabled_at
    assert len(proof.revokes(ada)) == 2
    assert converged["actions"][0]["reason"] == "seal"

    alertmanager.wait_until_resolved(alertname="DriftwardenPerson", episode=episode)
    closed = daemon.get(f"episodes/{episode}")
    assert closed["result"] == "converged" and closed["closed"]
    assert prometheus.wait_for_query('driftwarden_users{state="converged"} == 1')
    assert prometheus.wait_for_query(
        'sum(driftwarden_episodes_closed_total{result="converged"}) == 1')
    assert prometheus.query('sum(driftwarden_disable_lag_seconds_count) == 1')
    assert not proof.simulation.truth()["disables"]
    assert {call["sam"] for call in proof.simulation.revokes()} == {proof.twins[ada]}

    # One id for a round: Graph got it, the evidence names it, and so does the log.
    asked = {each["client_request_id"] for each in proof.simulation.truth()["asked"]}
    ours = [entry for entry in daemon.get("evidence", limit=1000)["items"]
            if entry["episode"] == episode]
    assert {entry["intent"] for entry in ours if entry["intent"]} <= asked
    seen = {entry["details"]["batch"] for entry in ours if entry["type"] == "entra_disabled"}
    assert seen and seen <= asked
    assert all(f"batch={batch}" in daemon.log_text() for batch in seen)

    verified = daemon.command("evidence", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert daemon.stop() == 0
    stopped = daemon.command("evidence", "verify")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert daemon.command("store", "check").returncode == 0


def test_a_deletion_in_samba_ends_when_entra_deletes_too(proof, make_daemon, alertmanager, tmp_path):
    grace = proof.hire("grace")
    daemon = make_daemon(proof.config(tmp_path, alertmanager)).start()
    wait_for_baseline(daemon)
    wait_for_state(daemon, grace, "aligned")
    guid = proof.controller.object_guid(grace)
    before = datetime.datetime.now(datetime.timezone.utc)
    proof.controller.delete(grace)
    alert = alertmanager.wait_for_alert(alertname="DriftwardenPerson", kind="deleted_live")
    gone = wait_for_state(daemon, guid, "contained")
    assert gone["ad"]["deleted"] is True
    assert abs((_time(gone["ad"]["deleted_since"]["hi"]) - before).total_seconds()) <= 3
    assert len(proof.revokes(grace)) == 1

    proof.sync(grace, "delete")
    closed = wait_for_state(daemon, guid, ("converged", "unlinked"))
    assert closed["entra"]["deleted"] is True
    assert proof.entra(grace)["presence"] == "soft_deleted"
    episode = wait_for(lambda: daemon.get(f"episodes/{alert['labels']['episode']}"), 10, "")
    assert episode["result"] == "deleted" and episode["deleted_in_ad"] is True
    alertmanager.wait_until_resolved(alertname="DriftwardenPerson")
    assert daemon.command("evidence", "verify").returncode == 0


def test_whoever_comes_back_is_let_go(proof, make_daemon, alertmanager, tmp_path):
    edsger = proof.hire("edsger")
    config = proof.config(tmp_path, alertmanager)
    config["remediation"]["mode"] = "observe"
    daemon = make_daemon(config).start()
    wait_for_baseline(daemon)
    proof.controller.disable(edsger)
    alert = alertmanager.wait_for_alert(alertname="DriftwardenPerson")
    proof.controller.enable(edsger)
    wait_for_state(daemon, edsger, "aligned")
    alertmanager.wait_until_resolved(alertname="DriftwardenPerson")
    assert daemon.get(f"episodes/{alert['labels']['episode']}")["result"] == "reversed"
    assert not proof.revokes(edsger)


def test_a_person_who_was_out_before_the_first_look_is_left_alone(proof, make_daemon, alertmanager,
                                                                  tmp_path):
    edsger = proof.hire("edsger")
    proof.controller.disable(edsger)
    daemon = make_daemon(proof.config(tmp_path, alertmanager)).start()
    wait_for_baseline(daemon)
    wait_for_state(daemon, edsger, "inherited")
    told = alertmanager.wait_for_alert(alertname="DriftwardenCause", kind="inherited")
    assert told["labels"]["severity"] == "warning" and told["annotations"]["count"] == "1"
    # Long enough for every compressed threshold to pass.
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        assert not proof.revokes(edsger)
        time.sleep(0.5)
    assert not alertmanager.alerts(alertname="DriftwardenPerson")
    once = driftwarden.run_command("status", "--url", daemon.url)
    assert "before the first look" in once.stdout
