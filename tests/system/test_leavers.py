"""What people tell the monitor about people: exemptions, departures to come, stolen accounts."""

import datetime
import json

import pytest

import driftwarden
from processes import wait_for
from simulation import Simulation, sam_of, wait_for_baseline, wait_for_state

EXEMPT, FILED, TOLD, MARKED = sam_of(1), sam_of(2), sam_of(3), sam_of(4)
HEADER = "identifier,effective,urgency,reference\n"


def later(**delta):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**delta)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):  # pylint: disable=unused-argument
    csv_file = tmp_path_factory.mktemp("hr") / "leavers.csv"
    with Simulation() as simulation:
        leavers = {"csv_file": str(csv_file), "poll_interval": "200ms"}
        config = simulation.fast_config(mode="observe", expected_leavers=leavers)
        with driftwarden.Daemon(config) as daemon:
            wait_for_baseline(daemon)
            yield simulation, daemon, csv_file


def replace(path, text):
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


def kinds_of(daemon, user):
    return [drift["kind"] for drift in daemon.get(f"users/{user}")["drift"]]


def test_an_exemption_silences_until_it_ends(world):
    simulation, daemon, _ = world
    simulation.sync(skip=[EXEMPT])
    simulation.change(EXEMPT, "disable")
    wait_for_state(daemon, EXEMPT, "breached")
    for arguments in (["--until", later(days=-1), "--reason", "x"],
                      ["--until", later(days=500), "--reason", "x"],
                      ["--until", "1d", "--reason", " "], ["--until", "soon", "--reason", "x"]):
        assert daemon.command("exempt", "add", EXEMPT, *arguments).returncode == 2
    assert daemon.command("exempt", "add", "nobody", "--until", "1d", "--reason", "x").returncode == 1
    added = daemon.command("exempt", "add", EXEMPT, "--until", "2d", "--reason", "parental leave")
    assert added.returncode == 0 and "parental leave" in added.stdout, added.stderr
    person = wait_for_state(daemon, EXEMPT, "exempt")
    assert person["phase"] == "breached" and person["drift"] == []
    episodes = daemon.get("episodes")["items"]
    assert [e["result"] for e in episodes if e["user"] == person["id"]] == ["exempt"]
    assert f"{EXEMPT}@" in daemon.command("drift", "list", "--state", "exempt").stdout
    assert "exempt until" in daemon.command("drift", "show", EXEMPT).stdout
    listed = json.loads(daemon.command("exempt", "list", "--json").stdout)["items"]
    assert [item["id"] for item in listed] == [person["id"]]

    # As it was, after the next start.
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.get(f"users/{EXEMPT}")["state"] == "exempt"
    removed = daemon.command("exempt", "rm", person["id"])
    assert removed.returncode == 0, removed.stderr
    person = wait_for_state(daemon, EXEMPT, "breached")
    assert person["drift"][0]["kind"] == "disable_lag"
    assert daemon.command("exempt", "rm", EXEMPT).returncode == 1

    # One that ends by itself.
    assert daemon.command("exempt", "add", EXEMPT, "--until", "3s", "--reason", "x").returncode == 0
    wait_for(lambda: "exemption_ended" in
             [item["type"] for item in daemon.get(f"users/{EXEMPT}")["timeline"]], 30, "its end", 0.2)
    wait_for_state(daemon, EXEMPT, "breached")
    simulation.sync(unskip=[EXEMPT], run=True)
    wait_for_state(daemon, EXEMPT, "unsealed")


def test_who_should_have_left_by_the_file_is_told(world):
    simulation, daemon, csv_file = world
    upn = simulation.person(FILED)["upn"]
    replace(csv_file, f"{HEADER}{upn},{later(hours=-1)},planned,HR-1\nnobody@corp.example,"
                      f"{later(days=1)},planned,\n{upn},soon,planned,\n")
    wait_for(lambda: kinds_of(daemon, FILED) == ["left_not_disabled"], 30, "left_not_disabled", 0.2)
    listed = daemon.command("drift", "list", "--kind", "left_not_disabled").stdout
    assert upn in listed and "warning" in listed
    alert = wait_for(lambda: simulation.alerts(kind="left_not_disabled"), 20, "the alert", 0.2)
    assert len(alert) == 1
    told = wait_for(lambda: daemon.status()["leavers_file"]["read_at"] and
                    daemon.status()["leavers_file"], 20, "the file's report", 0.2)
    assert told["rows"] == 2 and told["unknown"] == 1
    assert told["faults"][0].startswith(f"{csv_file}:4: effective is no moment")
    assert "leavers.csv:4:" in daemon.command("status").stdout
    assert upn in daemon.command("leaver", "list").stdout
    assert daemon.command("status").returncode == 3
    assert daemon.get("actions")["items"] == []
    assert upn not in daemon.log_text()
    # Gone from a file without a fault: withdrawn, and the episode is over.
    replace(csv_file, HEADER)
    wait_for(lambda: kinds_of(daemon, FILED) == [], 30, "the end of it", 0.2)
    assert daemon.get("expected-leavers")["items"] == []


def test_the_urgency_that_was_told_selects_the_timers(world):
    simulation, daemon, _ = world
    upn = simulation.person(TOLD)["upn"]
    added = daemon.command("leaver", "add", upn, "--effective", "2h", "--urgency", "compromise")
    assert added.returncode == 0 and added.stdout.startswith("accepted"), added.stderr
    again = daemon.command("leaver", "add", "nobody", "--effective", "2h")
    assert again.returncode == 1 and "unknown" in again.stderr
    explained = json.loads(daemon.command("drift", "explain", TOLD, "--json").stdout)
    assert explained["inputs"]["timers"] == "by urgency compromise"
    assert "compromise" in daemon.command("drift", "show", TOLD).stdout
    simulation.change(TOLD, "disable")
    simulation.sync(run=True)
    wait_for_state(daemon, TOLD, "unsealed")
    assert daemon.get("expected-leavers")["items"][0]["state"] == "departing"
    assert daemon.command("leaver", "rm", TOLD).returncode == 0
    assert daemon.command("leaver", "rm", TOLD).returncode == 1


def test_leavers_are_imported_once(world, tmp_path):
    _, daemon, _ = world
    rows = tmp_path / "rows.csv"
    rows.write_text(f"{HEADER}{sam_of(5)},{later(days=9)},planned,\nnobody,{later(days=9)},planned,\n"
                    f"{sam_of(6)},{later(days=9)},never,\n")
    done = daemon.command("leaver", "import", rows)
    assert done.returncode == 1 and "2 rows, 1 accepted, 1 unknown" in done.stdout, done.stdout
    assert f"{rows}:3: unknown" in done.stderr and f"{rows}:4: urgency" in done.stderr
    assert len(json.loads(daemon.command("leaver", "list", "--json").stdout)["items"]) == 1


def test_an_account_is_marked_as_compromised_and_unmarked(world):
    _, daemon, _ = world
    mark = ("drift", "mark", MARKED, "--reason", "token theft")
    assert daemon.command(*mark).returncode == 2
    assert daemon.command("drift", "mark", MARKED, "--compromised").returncode == 2
    assert daemon.command("drift", "unmark", MARKED, "--compromised").returncode == 1
    marked = daemon.command(*mark, "--compromised")
    assert marked.returncode == 0 and "until the sessions are revoked" in marked.stdout, marked.stderr
    wait_for(lambda: kinds_of(daemon, MARKED) == ["reset_without_revoke"], 30, "the drift", 0.2)
    assert daemon.get(f"users/{MARKED}")["compromised"]["reason"] == "token theft"
    assert "marked as compromised" in daemon.command("drift", "show", MARKED).stdout
    assert daemon.command("drift", "unmark", MARKED, "--compromised").returncode == 0
    wait_for(lambda: kinds_of(daemon, MARKED) == [], 30, "the end of it", 0.2)
    types = [item["type"] for item in daemon.get(f"users/{MARKED}")["timeline"]]
    assert "compromise_marked" in types and "compromise_unmarked" in types
