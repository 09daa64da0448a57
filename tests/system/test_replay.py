"""What-if over recorded history: people leave under one set of thresholds, and are played again
under others."""

import csv
import io
import json

import pytest

import driftwarden
from processes import wait_for
from simulation import Simulation, sam_of, wait_for_baseline, wait_for_state

QUICK, SLOW, STAYS = sam_of(11), sam_of(12), sam_of(13)
WARN, BREACH = "6s", "5m"


@pytest.fixture(scope="module")
def daemon(binary):  # pylint: disable=unused-argument
    """One who was out at once, one who paged before the sync came, one who is live still."""
    with Simulation() as simulation:
        config = simulation.fast_config(mode="observe")
        config["policy"]["tiers"] = [{"name": "standard", "warn_after": WARN,
                                      "revoke_after": "5s", "breach_after": BREACH}]
        with driftwarden.Daemon(config) as running:
            wait_for_baseline(running)
            simulation.sync(skip=[SLOW, STAYS])
            for sam in (QUICK, SLOW, STAYS):
                simulation.change(sam, "disable")
            wait_for_state(running, QUICK, "pending")
            simulation.sync(run=True)
            wait_for_state(running, QUICK, "unsealed")
            for sam in (SLOW, STAYS):
                wait_for_state(running, sam, "lagging")
            simulation.sync(unskip=[SLOW])
            simulation.sync(run=True)
            wait_for_state(running, SLOW, "unsealed")
            yield running


def _rows(daemon, *arguments):
    done = daemon.command("policy", "replay", "--from", "1h", *arguments, "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    return {row["name"]: row for row in json.loads(done.stdout)["rows"]}


def _who(row):
    return {entry["upn"].split("@")[0] for entry in row["people"]}


def test_replay_under_the_same_thresholds_tells_what_happened(daemon):
    rows = _rows(daemon)
    # On a busy machine the quick one may be late; then it was paged as well.
    assert _who(rows["recorded"]) >= {SLOW, STAYS}
    assert _who(rows["present policy"]) >= {SLOW, STAYS}
    assert rows["present policy"]["as_recorded"] >= 2
    assert rows["recorded"]["people_revoked"] == rows["present policy"]["people_revoked"] == 0


def test_replay_says_who_other_thresholds_would_have_paged_or_revoked(daemon):
    rows = _rows(daemon, "--warn", "400ms,6s,1h", "--breach", "2h", "--mode", "observe,auto",
                 "--revoke", "2s")
    assert len(rows) == 2 + 6
    at_once = rows["warn 400ms, revoke 2s, breach 2h, mode observe"]
    assert _who(at_once) >= {SLOW, STAYS}
    never = rows["warn 1h, revoke 2s, breach 2h, mode observe"]
    assert never["people_paged"] == 0 and never["closest"]
    assert {entry["upn"].split("@")[0] for entry in never["spared"]} >= {SLOW, STAYS}
    acted = rows["warn 6s, revoke 2s, breach 2h, mode auto"]
    assert STAYS in _who(acted) and acted["people_revoked"] >= 1


def test_replay_reads_for_people_and_for_spreadsheets(daemon):
    said = daemon.command("policy", "replay", "--warn", "1h", "--breach", "2h").stdout
    assert "recorded" in said and "warn 1h, breach 2h" in said and "spared" in said
    table = daemon.command("policy", "replay", "--warn", "1h", "--format", "csv").stdout
    assert [row["policy"] for row in csv.DictReader(io.StringIO(table))] == [
        "recorded", "present policy", "warn 1h"]


def test_replay_refuses_what_makes_no_sense(daemon):
    for arguments in (("--from", "yesterday"), ("--warn", "soon"), ("--tier", "vip", "--warn", "1m"),
                      ("--from", "1h", "--to", "2h"), ("--mode", "approve"),
                      ("--warn", ",".join(f"{i}m" for i in range(1, 15)))):
        assert daemon.command("policy", "replay", *arguments).returncode == 2, arguments
    assert daemon.command("policy", "replay", "--link", "nowhere").returncode == 1
    wait_for(lambda: daemon.request("GET", "/api/v1/policy/replay").status_code == 200, 10,
             "anybody on the machine may ask")
