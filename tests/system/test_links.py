"""Several links in one daemon: each goes its own way."""

from processes import wait_for
from simulation import everything, sam_of, wait_for_baseline


def _states(daemon, sam):
    """The person's state in each link that knows them."""
    return {person["link"]: person["state"] for person in everything(daemon, "users")
            if person["ad"] and person["ad"]["sam_account_name"] == sam}


def test_one_forest_feeds_two_tenants_and_one_of_them_lags(make_simulation, make_daemon):
    simulation = make_simulation(users=40, tenants=2)
    daemon = make_daemon(simulation.fast_config()).start()
    wait_for_baseline(daemon)
    first, second = (link["name"] for link in simulation.config["links"])
    simulation.sync(stall=True, tenant=1)
    simulation.change(sam_of(1), "disable")
    simulation.sync(run=True, tenant=0)
    wait_for(lambda: _states(daemon, sam_of(1)) == {first: "converged", second: "contained"}, 30,
             "one tenant closed, the other contained", 0.2)
    simulation.sync(resume=True, tenant=1)
    simulation.sync(run=True, tenant=1)
    wait_for(lambda: _states(daemon, sam_of(1)) == {first: "converged", second: "converged"}, 30,
             "both tenants closed", 0.2)
    accounts = {account["tenant"]: account for account in simulation.person(sam_of(1))["entra"]}
    for tenant, account in accounts.items():
        calls = [call for call in simulation.revokes(sam_of(1)) if call["tenant"] == tenant]
        assert calls[-1]["at"] >= account["disabled_at"], f"tenant {tenant} is not sealed"
    assert daemon.stop() == 0
    done = daemon.command("evidence", "verify")
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_forests_with_people_of_the_same_names_are_kept_apart(make_simulation, make_daemon):
    simulation = make_simulation(users=40, forests=2, tenants=2)
    daemon = make_daemon(simulation.fast_config()).start()
    wait_for_baseline(daemon)
    links = [link["name"] for link in simulation.config["links"]]
    simulation.change(sam_of(2), "disable", forest=1)
    simulation.sync(run=True)
    wait_for(lambda: _states(daemon, sam_of(2)) == {links[0]: "aligned", links[1]: "converged"},
             30, "the one of the second forest closed", 0.2)
    assert {call["tenant"] for call in simulation.revokes()} == {1}
    assert daemon.stop() == 0
