"""What the tenant says of itself: its last sync, who holds a role, how people sign in, and that a
missing permission costs that part alone."""

import pytest

from processes import wait_for
from simulation import Simulation, sam_of, wait_for_baseline


@pytest.fixture(scope="module")
def simulation(binary):  # pylint: disable=unused-argument
    with Simulation(users=30) as running:
        yield running


@pytest.fixture
def daemon(simulation, make_daemon):
    config = simulation.fast_config(mode="observe")
    config["links"][0]["auth_mode"] = "auto"
    config["policy"]["tiers"][0]["match"]["entra_roles"] = ["Global Administrator"]
    running = make_daemon(config).start()
    wait_for_baseline(running)
    return running


def link(daemon):
    return daemon.status()["links"][0]


def findings(daemon):
    return {finding["finding"] for source in daemon.status()["sources"]
            for finding in source["findings"] if source["kind"] == "entra"}


def test_the_tenant_tells_of_itself_and_a_missing_permission_is_a_finding(simulation, daemon):
    wait_for(lambda: link(daemon)["engine"]["last_sync"], 20, "the last sync")
    before = link(daemon)["engine"]["last_sync"]
    simulation.sync(run=True)
    wait_for(lambda: link(daemon)["engine"]["last_sync"] > before, 20, "the next sync")
    engine = link(daemon)["engine"]
    assert engine["last_sync"][:19] == simulation.truth()["tenants"][0]["last_sync"][:19]
    assert not engine["stalled"] and not engine["cycle_learned"] and engine["cycle"] == "30m"
    assert engine["password_hash_sync"] is True
    assert {actor["via"] for actor in engine["actors"]} == {"role", "service"}
    assert "driftwarden_tenant_last_sync_timestamp_seconds{" in daemon.metrics()
    assert not [line for line in daemon.metrics().splitlines()
                if line.startswith("driftwarden_tenant_last_sync") and "Nan" in line]
    assert "last sync 2" in daemon.command("status").stdout

    ordinary = next(sam for sam in map(sam_of, range(1, 30))
                    if daemon.get(f"users/{sam}")["tier"] == "standard")
    # Everything else is read at a start, and every twelve looks.
    simulation.tenant(roles={"Global Administrator": [ordinary]},
                      domains={"corp.example": "Federated"},
                      provisioning_errors={sam_of(8): "ada@corp.example"})
    simulation.fault(forbid=["sync_jobs", "groups", "service_principals"])
    daemon.stop()
    daemon.start()
    wait_for(lambda: daemon.get(f"users/{ordinary}")["tier"] == "tier0", 30, "the tier by role")
    person = daemon.get(f"users/{ordinary}")
    assert person["entra"]["roles"] == ["Global Administrator"]
    assert link(daemon)["auth"]["domains"]["corp.example"]["mode"] == "federated"
    error = daemon.get(f"users/{sam_of(8)}")["entra"]["provisioning_error"]
    assert error["value"] == "ada@corp.example"
    assert "not carried" in daemon.command("drift", "show", sam_of(8)).stdout
    wait_for(lambda: findings(daemon) == {"sync_actors_unread", "sync_permissions_unread"}, 20,
             "the findings")
    assert 'finding="sync_actors_unread",source="contoso"} 1' in daemon.metrics()
    # What could be read before stays known.
    assert {actor["via"] for actor in link(daemon)["engine"]["actors"]} == {"role", "service"}
    assert daemon.command("evidence", "verify").returncode == 0


def test_an_account_that_was_handed_over_is_shown(simulation, daemon):
    simulation.mend()
    simulation.tenant(cloud_managed={sam_of(9): True})
    simulation.change(sam_of(9), "disable")
    wait_for(lambda: daemon.get(f"users/{sam_of(9)}")["entra"]["cloud_managed"], 60,
             "the transfer")
    simulation.sync(run=True)
    assert simulation.entra(sam_of(9))["enabled"], "nothing flows any more"
    assert "the cloud" in daemon.command("drift", "show", sam_of(9)).stdout
