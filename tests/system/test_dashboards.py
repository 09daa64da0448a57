"""What is shipped for Prometheus and Grafana works with what the daemon really exports."""

import functools
import json
import pathlib
import re
import subprocess

import pytest

from prometheus_server import Prometheus
from processes import wait_for
from simulation import Simulation, sam_of, wait_for_baseline, wait_for_state
import driftwarden

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "deploy/grafana/driftwarden.json"
RULES = ROOT / "deploy/prometheus/driftwarden.rules.yml"
RULE_TESTS = ROOT / "deploy/prometheus/driftwarden.test.yml"
NAME = re.compile(r"\bdriftwarden_[a-z0-9_]+")


def _panels(panels):
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", []))


@functools.cache
def queries():
    """(panel's title, expression) of everything that the dashboard asks."""
    dashboard = json.loads(DASHBOARD.read_text())
    found = []
    for panel in _panels(dashboard["panels"]):
        for target in panel.get("targets", []):
            expression = target["expr"].replace("${link:regex}", ".*").replace("$link", ".*")
            assert "$" not in expression, f"{panel['title']}: {expression}"
            found.append((panel["title"], expression))
    assert len(found) > 20
    return found


@pytest.fixture(scope="module")
def world(binary):  # pylint: disable=unused-argument
    """A daemon in the middle of some drift and a Prometheus that scrapes it."""
    with Simulation(users=300) as simulation:
        config = simulation.fast_config()
        config["remediation"]["modes"] = [{"tier": "tier0", "mode": "observe"}]
        with driftwarden.Daemon(config) as daemon, \
                Prometheus([daemon.address], rule_files=[RULES]) as prometheus:
            wait_for_baseline(daemon)
            # Increases need a sample from before.
            prometheus.wait_for_query("driftwarden_source_polls_total > 0")
            drift(simulation, daemon)
            yield daemon, prometheus


def drift(simulation, daemon):
    """One who ends well, one who waits in containment, and an administrator not acted on."""
    ended, contained, administrator = sam_of(1), sam_of(2), sam_of(7)
    assert simulation.person(administrator)["tier0"]
    for sam in (ended, contained, administrator):
        simulation.change(sam, "disable")
    simulation.sync(skip=[contained, administrator])
    simulation.fault(throttle=2, retry_after="1")
    wait_for_state(daemon, contained, "contained")
    simulation.sync(run=True)
    wait_for_state(daemon, ended, "converged")
    wait_for_state(daemon, administrator, "breached")


def exported(text):
    """Names of the series in /metrics, the parts of histograms too."""
    return set(re.findall(r"^(driftwarden_[a-z0-9_]+)", text, re.MULTILINE))


def test_every_query_names_metrics_that_exist(world):
    known = exported(world[0].metrics())
    unknown = {(title, name) for title, expression in queries()
               for name in NAME.findall(expression) if name not in known}
    assert not unknown
    in_rules = set(NAME.findall(RULES.read_text()))
    assert {name for name in in_rules if name not in known} == set()


def test_every_panel_shows_something(world):
    _, prometheus = world
    left = dict.fromkeys(queries())

    def all_answered():
        for query in list(left):
            result = [value for _, value in prometheus.query(query[1])]
            # A quantile of nothing is NaN, which a panel shows as no data.
            if any(value == value for value in result):
                del left[query]
        return not left

    try:
        wait_for(all_answered, 45, "", 0.5)
    except TimeoutError:
        pytest.fail("empty: " + "; ".join(f"{title}: {expr}" for title, expr in left))


def test_the_template_variable_finds_the_link(world):
    labels = world[1].get("/api/v1/label/link/values", **{"match[]": "driftwarden_users"})
    assert labels["data"] == ["corp-contoso"]


def test_the_rules_load_and_are_healthy(world):
    _, prometheus = world
    wait_for(lambda: all(rule["health"] == "ok" for rule in prometheus.rules()), 30,
             "every rule evaluated", 0.5)
    rules = prometheus.rules()
    assert rules and all(rule["name"].startswith("Driftwarden") for rule in rules
                         if rule["type"] == "alerting")
    # With fresh sources and a reachable receiver nothing is wrong with the monitor itself.
    firing = {rule["name"] for rule in rules if rule.get("state") == "firing"}
    assert not firing & {"DriftwardenDown", "DriftwardenSourceDown", "DriftwardenSourceStale",
                         "DriftwardenEvidenceBroken"}


def _promtool(*arguments, text=None):
    return subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True,
                          text=True, timeout=60)


def test_promtool_accepts_rules_and_their_tests():
    for arguments in (("check", "rules", RULES), ("test", "rules", RULE_TESTS)):
        done = _promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_nothing_wrong_with_the_metrics(world):
    done = _promtool("check", "metrics", text=world[0].metrics())
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_label_says_who(world):
    text = world[0].metrics()
    for secret in (sam_of(1), sam_of(2), "corp.example", "CN=", "127.0.0.1:"):
        assert not [line for line in text.splitlines() if secret in line]
