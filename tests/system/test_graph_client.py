"""The vendor's own Graph client, unmodified, reads the simulated tenant as it reads a real one."""

import pytest

from processes import wait_for
from simulation import sam_of

_SELECT = ["id", "userPrincipalName", "accountEnabled", "onPremisesImmutableId"]


@pytest.fixture(name="graph")
def _graph(make_simulation, vendor_clients):
    """graph(step, ...): what the client makes of them, with a token that msal-node was given."""
    world = make_simulation(users=450)  # three pages
    entra = world.config["entra"][0]
    host = world.graph_url.split("//")[1]
    secret = (world.folder / "world/graph.secret").read_text()
    token = vendor_clients.msal(
        world.ca_file, authority=f"{world.graph_url}/{entra['tenant_id']}/", host=host,
        clientId=entra["credential"]["client_id"], scope=f"{world.graph_url}/.default",
        credentials=[{"name": "secret", "secret": secret}])["secret"]["token"]

    def ask(*steps):
        return vendor_clients.graph(world.ca_file, base=world.graph_url, token=token,
                                    host=host.split(":")[0], steps=list(steps))

    ask.world = world
    return ask


def _full(select=None):
    return {"delta": None, "select": select or _SELECT}


def _statuses(result):
    return [(exchange["status"], exchange["retry"]) for exchange in result["exchanges"]]


def _disable(world, sam):
    """In the directory, and exported to the tenant."""
    world.change(sam, "disable")
    world.sync(run=True)
    wait_for(lambda: not world.entra(sam)["enabled"], 20, f"{sam} disabled in the tenant", 0.1)


def test_a_full_and_an_incremental_round(graph):
    """Over throttling, which its own RetryHandler outlasts."""
    graph.world.fault(throttle=2, retry_after="1")
    full, = graph(_full())
    assert full["complete"] and "error" not in full
    assert _statuses(full) == [(429, None), (429, "1"), (200, "2"), (200, None), (200, None)]
    assert {exchange["encoding"] for exchange in full["exchanges"][2:]} == {"gzip"}
    known = {record["id"]: record for record in full["records"]}
    assert len(known) == len(full["records"]) >= 440
    leaver = graph.world.entra(sam_of(7))["id"]
    assert known[leaver]["accountEnabled"] is True
    assert set(known[leaver]) == set(_SELECT)

    nothing, = graph({"delta": full["deltaLink"]})
    assert nothing["records"] == [] and nothing["complete"]
    _disable(graph.world, sam_of(7))
    one, = graph({"delta": nothing["deltaLink"]})
    assert [record["id"] for record in one["records"]] == [leaver]
    assert one["records"][0]["accountEnabled"] is False
    graph.world.change(sam_of(8), "delete")
    gone = graph.world.entra(sam_of(8))["id"]
    graph.world.sync(run=True)

    def removed():
        records = graph({"delta": one["deltaLink"]})[0]["records"]
        return [(record["id"], record["@removed"]) for record in records]

    assert wait_for(removed, 20, "the deletion", 0.1) == [(gone, {"reason": "changed"})]


def test_errors_have_the_form_that_it_expects(graph):
    graph.world.fault(throttle=4, retry_after="0")  # its RetryHandler gives up after three
    throttled, unknown, refused, full = graph(
        _full(), {"read": "/users/nobody@corp.example"}, _full(["id", "shoeSize"]), _full())
    assert _statuses(throttled) == [(429, None), (429, "1"), (429, "2"), (429, "3")]
    for result, status, code in ((throttled, 429, "TooManyRequests"),
                                 (unknown, 404, "Request_ResourceNotFound"),
                                 (refused, 400, "BadRequest")):
        error = result["error"]
        assert (error["statusCode"], error["code"]) == (status, code)
        assert error["message"] and error["requestId"] and error["date"]
    for shape, status, code in (("gone", 410, "resyncRequired"),
                                ("sync_state_not_found", 404, "syncStateNotFound"),
                                ("unsupported_query", 400, "Request_UnsupportedQuery")):
        graph.world.fault(dead_delta=shape)
        dead, full = graph({"delta": full["deltaLink"]}, _full())
        assert (dead["error"]["statusCode"], dead["error"]["code"]) == (status, code)
        assert full["complete"]


def test_a_batch(graph):
    world = graph.world
    ids = [world.entra(sam_of(number))["id"] for number in range(1, 18)]
    reads = [{"id": str(number), "method": "GET", "url": f"/users/{person}?$select=id"}
             for number, person in enumerate(ids, 1)]
    writes = [{"id": "disable", "method": "PATCH", "url": f"/users/{ids[0]}",
               "body": {"accountEnabled": False}},
              {"id": "revoke", "method": "POST", "url": f"/users/{ids[0]}/revokeSignInSessions"},
              {"id": "unknown", "method": "GET", "url": "/users/nobody@corp.example"}]
    world.fault(throttle=1, retry_after="7")
    parallel, chain = graph(
        {"batch": reads + writes},
        {"batch": [{"id": "first", "method": "GET", "url": "/users/nobody@corp.example"},
                   {"id": "second", "dependsOn": ["first"], "method": "GET",
                    "url": f"/users/{ids[0]}"}]})
    # The outer answer is a success: inner ones are nobody's to repeat but the caller's.
    assert _statuses(parallel) == _statuses(chain) == [(200, None)]
    told = parallel["told"]
    assert len(told) == 20
    first = told.pop("1")
    assert first["status"] == 429 and first["retryAfter"] == "7"
    assert first["body"]["error"]["code"] == "TooManyRequests"
    assert [told[str(number)]["body"]["id"] for number in range(2, 18)] == ids[1:]
    assert told["disable"] == {"status": 204, "retryAfter": None, "body": None}
    assert told["revoke"]["status"] == 200 and told["revoke"]["body"]["value"] is True
    assert told["unknown"]["status"] == 404
    assert not world.entra(sam_of(1))["enabled"]
    assert [call["sam"] for call in world.revokes()] == [sam_of(1)]
    assert {name: answer["status"] for name, answer in chain["told"].items()} == {
        "first": 404, "second": 424}
