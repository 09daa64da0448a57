"""Every verb against a running daemon, and the HTTP door as anybody on the machine finds it."""

import copy
import csv
import io
import json
import os
import pwd
import re
import socket
import stat
import subprocess

import pytest
import yaml

import driftwarden
from processes import free_port, wait_for
from simulation import Simulation, sam_of, wait_for_baseline, wait_for_state

ENDED, INHERITED = sam_of(1), sam_of(2)
OPEN = sam_of(7)  # an administrator


@pytest.fixture(scope="module")
def world(binary):  # pylint: disable=unused-argument
    """A running daemon: one departure that ended well, one past its limit, one inherited."""
    with Simulation() as simulation:
        simulation.sync(skip=[INHERITED])
        simulation.change(INHERITED, "disable")
        config = simulation.fast_config()
        config["remediation"]["modes"] = [{"tier": "tier0", "mode": "observe"}]
        with driftwarden.Daemon(config) as daemon:
            wait_for_baseline(daemon)
            simulation.sync(skip=[OPEN])
            for sam in (OPEN, ENDED):
                simulation.change(sam, "disable")
                # Seen in AD first: the order of the timeline is that in which things were seen.
                wait_for(lambda who=sam: daemon.get(f"users/{who}")["ad"]["enabled"] is False, 20,
                         f"{sam} seen as disabled", 0.1)
            simulation.sync(run=True)
            wait_for_state(daemon, ENDED, "converged")
            wait_for_state(daemon, OPEN, "breached")
            yield simulation, daemon


@pytest.fixture
def daemon(world):
    return world[1]


def _run(*arguments, code=0, env=None):
    done = driftwarden.run_command(*arguments, env=env)
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def test_status_answers_in_its_first_line(daemon):
    said = _run("status", "--url", daemon.url, code=3).stdout
    assert said.splitlines()[0].startswith("BREACHED: 1 person")
    assert re.search(r"^corp +active_directory +fresh", said, re.MULTILINE)
    over_socket = json.loads(daemon.command("status", "--json").stdout)
    assert over_socket["links"][0]["users"]["breached"] == 1
    assert over_socket.keys() == daemon.status().keys()
    by_environment = _run("status", "--json", code=3, env={"DRIFTWARDEN_URL": daemon.url})
    assert json.loads(by_environment.stdout)["version"] == daemon.status()["version"]


def test_status_is_fine_or_blind_or_unreachable(simulation, make_daemon):
    daemon = make_daemon(simulation.fast_config()).start()
    wait_for_baseline(daemon)
    fine = daemon.command("status")
    assert fine.returncode == 0 and fine.stdout.startswith("OK: "), fine.stdout
    # Stale: both sources fail for longer than they may.
    simulation.fault(ldap_refuse_bind=True, ldap_cut_connections=True, refuse_token=True,
                     reject_bearer=True)
    wait_for(lambda: daemon.command("status").returncode == 4, 60, "blind", 0.5)
    assert daemon.command("status").stdout.startswith("BLIND: ")
    assert daemon.stop() == 0
    gone = daemon.command("status")
    assert gone.returncode == 5 and len(gone.stderr.strip().splitlines()) == 1
    nobody = _run("status", "--url", f"http://127.0.0.1:{free_port()}", code=5)
    assert nobody.stdout == ""


def test_drift_list_in_each_format(daemon):
    table = daemon.command("drift", "list")
    assert table.returncode == 0
    header, *rows = table.stdout.splitlines()
    assert header.split()[:4] == ["SEVERITY", "STATE", "KIND", "USER"]
    assert len(rows) == 1 and f"{OPEN}@corp.example" in rows[0] and "critical" in rows[0]
    items = json.loads(daemon.command("drift", "list", "--format", "json").stdout)["items"]
    assert [item["state"] for item in items] == ["breached"]
    assert items[0]["id"] == daemon.get(f"users/{OPEN}")["id"]
    lines = list(csv.DictReader(io.StringIO(daemon.command(
        "drift", "list", "--format", "csv").stdout)))
    assert lines[0]["ID"] == items[0]["id"] and lines[0]["KIND"] == "disable_lag"


@pytest.mark.parametrize("arguments, count", [
    (["--state", "breached"], 1), (["--state", "pending"], 0), (["--kind", "disable_lag"], 1),
    (["--kind", "deleted_live"], 0), (["--tier", "tier0"], 1), (["--tier", "standard"], 0),
    (["--link", "corp-contoso"], 1), (["--older-than", "1s"], 1), (["--older-than", "24h"], 0),
])
def test_drift_list_filters(daemon, arguments, count):
    done = daemon.command("drift", "list", "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["items"]) == count


def test_drift_list_refuses_nonsense(daemon):
    for arguments, code in ((["--format", "xml"], 2), (["--older-than", "soon"], 2),
                            (["--state", "lost"], 2), (["--kind", "lost"], 2)):
        done = daemon.command("drift", "list", *arguments)
        assert done.returncode == code, f"{arguments}: {done.returncode} {done.stderr}"
        assert done.stderr and not done.stdout


def test_drift_show_finds_a_person_by_every_name(world):
    simulation, daemon = world
    person = daemon.get(f"users/{ENDED}")
    truth = simulation.person(ENDED)
    names = [truth["sam"], truth["upn"], truth["immutable_id"], truth["object_guid"],
             person["ad"]["sid"], simulation.entra(ENDED)["id"], person["id"],
             truth["upn"].upper()]
    for name in names:
        done = daemon.command("drift", "show", name, "--json")
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert json.loads(done.stdout)["id"] == person["id"], name
    assert daemon.command("drift", "show", "nobody").returncode == 1
    assert daemon.command("drift", "show").returncode == 2


def test_drift_show_tells_the_whole_story(daemon):
    said = daemon.command("drift", "show", ENDED).stdout
    for part in ("ACTIVE DIRECTORY", "ENTRA", "tier standard", "converged", "ad_disabled",
                 "entra_disabled", "sessions_revoked", "action_verified", "revoke_sessions", "seal",
                 "not reached by any revocation"):
        assert part in said, f"{part} is missing:\n{said}"
    person = daemon.get(f"users/{ENDED}")
    types = [item["type"] for item in person["timeline"]]
    for one, other in (("ad_disabled", "entra_disabled"), ("action_intent", "action_called"),
                       ("action_called", "action_verified")):
        assert types.index(one) < types.index(other), types
    assert {gate["ok"] for gate in person["actions"][0]["gates"]} == {True}
    assert daemon.get(f"users/{ENDED}/timeline")["items"] == person["timeline"]


def test_drift_explain_names_rule_and_inputs(daemon):
    explained = json.loads(daemon.command("drift", "explain", OPEN, "--json").stdout)
    assert explained["state"] == "breached" and explained["rule"] and explained["inputs"]
    assert {t["name"] for t in explained["thresholds"]} >= {"warn_after", "breach_after"}
    assert all(t["from"] for t in explained["thresholds"])
    assert {s["name"] for s in explained["clocks"]["sources"]} == {"corp", "contoso"}
    ways = {way["if"]: way for way in explained["would_change"]["by_evidence"]}
    assert ways["disabled in Entra and sessions revoked"]["state"] == "converged"
    assert explained["drift"][0]["why"] and explained["drift"][0]["rule"]
    said = daemon.command("drift", "explain", OPEN)
    assert said.returncode == 0 and explained["rule"] in said.stdout
    first = said.stdout.split("\n\n")[0].splitlines()
    assert len(first) == 5 and "breached" in first[0], said.stdout


def test_baseline_is_shown_and_accepted_over_the_socket(world):
    simulation, daemon = world
    shown = json.loads(daemon.command("baseline", "show", "--json").stdout)["items"][0]
    assert shown["inherited"] == 1 and shown["inherited_live"] == 1
    assert shown["accepted_at"] is None
    assert INHERITED not in daemon.command("drift", "list").stdout
    assert INHERITED in daemon.command("drift", "list", "--state", "inherited").stdout
    over_http = driftwarden.run_command("baseline", "accept", "--url", daemon.url)
    assert over_http.returncode != 0 and "control.sock" in over_http.stderr
    accepted = daemon.command("baseline", "accept")
    assert accepted.returncode == 0, accepted.stderr
    after = daemon.get("baseline")["items"][0]
    assert after["accepted_by"] == f"uid:{pwd.getpwuid(os.getuid()).pw_name}"
    # From then on a person like any other.
    wait_for_state(daemon, INHERITED, "contained")
    assert len(simulation.revokes(INHERITED)) == 1
    entries = daemon.get("evidence", limit=1000)["items"]
    assert any(entry["details"].get("actor", "").startswith("uid:") for entry in entries)
    assert daemon.command("baseline", "accept", "--link", "nowhere").returncode == 1


def test_guards_are_listed_and_reset_with_a_reason(simulation, make_daemon):
    config = simulation.fast_config()
    config["remediation"]["breakers"]["max_percent_per_day"] = 2  # of sixty people; never less than five
    daemon = make_daemon(config).start()
    wait_for_baseline(daemon)
    for number in range(10, 17):
        simulation.change(sam_of(number), "disable")

    def tripped():
        return [guard for guard in daemon.get("guards")["items"] if guard["tripped"]]

    guard = wait_for(tripped, 30, "a tripped guard", 0.3)[0]
    assert "TRIPPED" in daemon.command("guard", "list").stdout
    assert "GUARD TRIPPED" in daemon.command("status").stdout
    assert len(simulation.revokes()) <= 5
    assert daemon.command("guard", "reset", guard["name"]).returncode == 2
    over_http = driftwarden.run_command("guard", "reset", guard["name"], "--reason", "because",
                                        "--url", daemon.url)
    assert over_http.returncode != 0
    done = daemon.command("guard", "reset", guard["name"], "--reason", "looked at, all of them left")
    assert done.returncode == 0, done.stderr
    assert daemon.command("guard", "reset", "nonesuch", "--reason", "x").returncode == 1
    assert any("looked at, all of them left" in json.dumps(entry)
               for entry in daemon.get("evidence", limit=1000)["items"])


def test_evidence_is_verified_and_tampering_seen(daemon):
    done = daemon.command("evidence", "verify")
    assert done.returncode == 0, done.stdout
    link, seq, digest = re.search(r"head (\S+):(\d+):([0-9a-f]{64})", done.stdout).groups()
    assert daemon.command("evidence", "verify", "--expect-head",
                          f"{link}:{seq}:{digest}").returncode == 0
    first = daemon.get("evidence", limit=1)["items"][0]
    assert daemon.command("evidence", "verify", "--expect-head",
                          f"{link}:{first['seq']}:{first['hash']}").returncode == 0
    for wrong in (f"{link}:{seq}:{'0' * 64}", f"{link}:999999:{digest}", f"other:{seq}:{digest}"):
        broken = daemon.command("evidence", "verify", "--expect-head", wrong)
        assert broken.returncode == 1 and "BROKEN" in broken.stdout, broken.stdout
    assert daemon.command("evidence", "verify", "--expect-head", "nonsense").returncode == 2
    by_folder = driftwarden.run_command("evidence", "verify", "--data-dir", daemon.data_dir)
    assert by_folder.returncode == 0
    assert driftwarden.run_command("evidence", "verify", "--data-dir", "/nonexistent").returncode == 1
    # The heads leave the machine in every alert.
    alert = next(iter(daemon.get("episodes")["items"]))
    assert alert["link"] == link


def test_store_is_counted_and_checked(daemon):
    stats = json.loads(daemon.command("store", "stats", "--json").stdout)
    assert stats["schema"] >= 1 and stats["keys"] and sum(stats["keys"].values()) > 60
    assert daemon.command("store", "stats").returncode == 0
    done = daemon.command("store", "check")
    assert done.returncode == 0 and done.stdout.startswith("ok"), done.stdout


def test_actions_are_listed(daemon):
    listed = json.loads(daemon.command("action", "list", "--json").stdout)["items"]
    assert [action["reason"] for action in listed].count("seal") == 1
    assert "revoke_sessions" in daemon.command("action", "list").stdout


def test_a_tier_or_limit_that_cannot_be_is_refused(daemon):
    for wrong, said in ((["drift", "list", "--tier", "teir0"], "there are standard, tier0"),
                        (["drift", "list", "--limit", "0"], "from 1 to"),
                        (["drift", "list", "--limit", "-1"], "from 1 to"),
                        (["policy", "replay", "--from", "10m", "--tier", "nope"], "no tier")):
        done = daemon.command(*wrong)
        assert done.returncode == 2 and said in done.stderr and done.stdout == "", f"{wrong}: {done}"


def test_every_printed_id_finds_its_person(daemon):
    person = daemon.get(f"users/{OPEN}")
    upn, ids = person["upn"], [person["id"], person["drift"][0]["episode"]]
    ended = daemon.get(f"users/{ENDED}")
    for shown in ids:
        assert daemon.command("drift", "show", shown).stdout.startswith(upn), shown
        assert upn in daemon.command("drift", "explain", shown).stdout, shown
    listed = daemon.command("action", "list").stdout.splitlines()
    action = next((line for line in listed if ended["upn"] in line), "")
    assert "revoke_sessions" in action, listed
    printed = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", action).group()
    assert daemon.command("drift", "show", printed).stdout.startswith(ended["upn"])
    exempt = daemon.command("exempt", "add", printed, "--until", "1h", "--reason", "a test")
    assert exempt.returncode == 0 and ended["id"] in exempt.stdout, exempt.stderr
    removed = daemon.command("exempt", "rm", printed)
    assert f"({ended['id']}) is judged like anybody else again" in removed.stdout, removed


def test_version_help_and_usage():
    assert re.fullmatch(r"driftwarden \d+\.\d+\.\d+\S* \(\S+\)\n", _run("version").stdout)
    assert "drift" in _run("help").stdout and "drift" in _run("--help").stdout
    for wrong in ([], ["fly"], ["drift"], ["run"], ["status", "--wrong"]):
        done = _run(*wrong, code=2)
        assert done.stdout == "", f"{wrong}: {done.stdout}"
    assert 'there is no verb "fly"; there are run, demo' in _run("fly", code=2).stderr


def test_check_offline_tells_what_will_be_done(daemon):
    done = daemon.command("check", "--offline")
    assert done.returncode == 0
    assert "tier tier0: warn after 2 s" in done.stdout and "mode observe" in done.stdout
    assert all(line.split()[0] in ("ok", "warn", "fail") for line in done.stdout.splitlines())


# run --once --------------------------------------------------------------------------------------


def _once(config, folder):
    file = folder / "once.yaml"
    file.write_text(yaml.safe_dump({"data_dir": str(folder / "once"), **config}))
    return driftwarden.run_command("run", "--once", "--config", file, timeout=120)


def test_a_missing_file_of_leavers_is_no_source(simulation, tmp_path):
    missing = tmp_path / "leavers.csv"
    config = simulation.fast_config(expected_leavers={"csv_file": str(missing)})
    done = _once(config, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"expected_leavers.csv_file: {missing}: No such file" in done.stderr
    missing.mkdir()
    done = _once(config, tmp_path)
    assert done.returncode == 0 and f"{missing} is not a file" in done.stderr, done.stderr


def test_once_says_aligned_drift_or_blind(simulation, tmp_path):
    config = simulation.fast_config()
    aligned = _once(config, tmp_path)
    assert aligned.returncode == 0, aligned.stdout + aligned.stderr
    assert json.loads(aligned.stdout)["links"][0]["users"]["aligned"] == 60
    simulation.sync(stall=True)
    simulation.change(sam_of(1), "disable")
    patient = copy.deepcopy(config)
    for tier in patient["policy"]["tiers"]:
        tier.update(warn_after="1h", revoke_after="2h", breach_after="3h")
    under_way = _once(patient, tmp_path)
    assert under_way.returncode == 0, under_way.stdout + under_way.stderr
    assert json.loads(under_way.stdout)["links"][0]["users"]["pending"] == 1
    impatient = copy.deepcopy(config)
    for tier in impatient["policy"]["tiers"]:
        tier["warn_after"] = "200ms"

    def drifted():
        drift = _once(impatient, tmp_path)
        assert drift.returncode in (0, 3), drift.stdout + drift.stderr
        return drift.returncode == 3

    wait_for(drifted, 60, "a pass that tells of drift")
    # Nothing is told or acted upon in one pass.
    assert not simulation.revokes() and not simulation.alerts()
    simulation.fault(ldap_refuse_bind=True)
    blind = _once(config, tmp_path)
    assert blind.returncode == 4 and "corp" in blind.stderr, blind.stdout + blind.stderr
    simulation.mend()
    simulation.fault(refuse_token=True)
    blind = _once(config, tmp_path)
    assert blind.returncode == 4 and "contoso" in blind.stderr, blind.stdout + blind.stderr


def test_once_counts_who_was_out_before(simulation, tmp_path):
    simulation.change(sam_of(1), "disable")
    inherited = _once(simulation.fast_config(), tmp_path)
    assert inherited.returncode == 3, inherited.stdout + inherited.stderr
    assert json.loads(inherited.stdout)["links"][0]["users"]["inherited"] == 1


# The doors ---------------------------------------------------------------------------------------


def test_http_reads_everything_and_writes_nothing(daemon):
    for path in ("status", "sources", "users", "episodes", "actions", "guards", "automation",
                 "baseline", "evidence"):
        assert daemon.get(path)
    for path in ("baseline/accept", "guards/percent/reset"):
        answer = daemon.request("POST", f"/api/v1/{path}", {"reason": "because"})
        assert answer.status_code == 403, f"{path}: {answer.text}"
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert "control.sock" in answer.json()["detail"]


def test_http_faults_are_problems(daemon):
    for method, path, code in (("GET", "/api/v1/nowhere", 404), ("GET", "/nowhere", 404),
                               ("GET", "/api/v1/users/nobody", 404),
                               ("GET", "/api/v1/episodes/none", 404),
                               ("GET", "/api/v1/users?state=lost", 400),
                               ("GET", "/api/v1/users?limit=0", 400),
                               ("GET", "/api/v1/users?cursor=junk", 400),
                               ("PUT", "/api/v1/status", 405)):
        answer = daemon.request(method, path)
        assert answer.status_code == code, f"{path}: {answer.status_code} {answer.text}"
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        problem = answer.json()
        assert problem["status"] == code and problem["title"] and problem["detail"]


def test_health_and_readiness(daemon):
    assert daemon.request("GET", "/-/healthy").status_code == 200
    assert daemon.request("GET", "/-/ready").status_code == 200


def test_lists_are_paged(daemon):
    seen, cursor = [], None
    for _ in range(20):
        page = daemon.get("users", limit=7, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= 7
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 60


def test_the_listener_is_on_loopback_and_the_socket_is_private(daemon):
    info = json.loads((daemon.data_dir / "run.json").read_text())
    assert info["pid"] == daemon.process.pid and info["http"].startswith("http://127.0.0.1:")
    mode = stat.S_IMODE(os.stat(info["socket"]).st_mode)
    assert mode == 0o600
    with socket.socket() as outside:
        outside.settimeout(5)
        # Every address of 127/8 is ours, but only one was asked for.
        with pytest.raises(OSError):
            outside.connect(("127.0.0.2", int(info["http"].rsplit(":", 1)[1])))


# simulate ----------------------------------------------------------------------------------------


def test_the_simulated_directory_reads_like_any_other(world):
    simulation, _ = world
    bind = simulation.config["active_directory"][0]["bind"]
    with open(bind["password_file"]) as file:
        password = file.read().strip()
    found = subprocess.run(
        ["ldapsearch", "-LLL", "-x", "-H", simulation.ldaps_url, "-D", bind["user"], "-w", password,
         "-b", "DC=corp,DC=example", "-E", "pr=25/noprompt", "(objectClass=user)",
         "sAMAccountName", "userAccountControl"], capture_output=True, text=True, timeout=60,
        env={**os.environ, "LDAPTLS_CACERT": str(simulation.ca_file)})
    assert found.returncode == 0, found.stderr
    assert len(re.findall(r"^sAMAccountName: u\d{7}$", found.stdout, re.MULTILINE)) == 60
    entry = next(part for part in found.stdout.split("\n\n") if f"sAMAccountName: {OPEN}" in part)
    assert re.search(r"^userAccountControl: 514$", entry, re.MULTILINE), entry


def test_the_simulated_world_is_a_function_of_its_seed(make_simulation):
    one, two = make_simulation(seed=5).person(sam_of(9)), make_simulation(seed=5).person(sam_of(9))
    for name in ("object_guid", "immutable_id", "dn", "upn"):
        assert one[name] == two[name]
    assert one["entra"][0]["id"] == two["entra"][0]["id"]
