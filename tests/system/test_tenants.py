"""Many tenants in one daemon: threads and memory do not grow with them, and those that are silent,
refuse or talk nonsense take nothing from the others. And one tenant that keeps the documented
limits: the daemon stays below them, where a client that does not count is refused."""

import re
import socket
import socketserver
import statistics
import threading
import time

import pytest

from processes import wait_for
from relay import Relay
from simulation import sam_of, wait_for_baseline

TENANTS = 100
POLL = "5s"
# Of resident memory that a tenant, its link and its connections may take, in KiB.
PER_TENANT = 4096


class _Nonsense(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            self.request.sendall(b"\xff\xfe{]" * 4000)
        except OSError:
            pass


class _NonsenseServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


def _config(simulation, count):
    config = simulation.fast_config(mode="observe")
    for source in config["entra"] + config["active_directory"]:
        source["poll_interval"] = POLL
    config["entra"] = config["entra"][:count]
    config["links"] = config["links"][:count]
    # Nobody gets so far that anything else would be done.
    config["policy"]["tiers"] = [{"name": "standard", "warn_after": "1h", "revoke_after": "2h",
                                  "breach_after": "3h"}]
    return config


def _use(daemon):
    """(threads, resident KiB) of the process."""
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["Threads"]), int(fields["VmRSS"].split()[0])


def _series(daemon, name, label):
    """{label's value: the metric's value}, summed over the other labels."""
    values = {}
    for labels, value in re.findall(rf"^driftwarden_{name}{{(.*)}} (\S+)$", daemon.metrics(),
                                    re.MULTILINE):
        key = dict(re.findall(r'(\w+)="([^"]*)"', labels)).get(label)
        values[key] = values.get(key, 0) + float(value)
    return values


def _lags(daemon, simulation, sam, links):
    """How long until every link knows that the person departed, and that the tenant followed."""
    opened = _series(daemon, "episodes_opened_total", "link")
    begun = time.monotonic()
    simulation.change(sam, "disable")
    wait_for(lambda: all(_series(daemon, "episodes_opened_total", "link")[link] > opened[link]
                         for link in links), 60, f"the departure of {sam} in every link", 0.5)
    departed = time.monotonic() - begun
    before = _disabled_lags(daemon)
    begun = time.monotonic()
    simulation.sync(run=True)
    wait_for(lambda: all(_disabled_lags(daemon).get(link, 0) > before.get(link, 0)
                         for link in links), 60, f"the disable of {sam} in every tenant", 0.5)
    return departed, time.monotonic() - begun


def _disabled_lags(daemon):
    return _series(daemon, "disable_lag_seconds_count", "link")


def _ages(daemon, names, seconds):
    """The greatest age of each source's last poll over some seconds."""
    greatest = dict.fromkeys(names, 0.0)
    end = time.monotonic() + seconds

    def looked():
        for name, at in _series(daemon, "source_last_success_timestamp_seconds",
                                "source").items():
            if name in greatest:
                greatest[name] = max(greatest[name], time.time() - at)
        return time.monotonic() >= end

    wait_for(looked, seconds + 30, "the looks at the last polls", 1)
    return greatest


@pytest.fixture(name="world")
def _world(make_simulation):
    return make_simulation(users=12, tenants=TENANTS)


def test_a_hundred_tenants_and_those_of_them_that_fail(world, make_daemon):
    few = make_daemon(_config(world, 1)).start()
    wait_for_baseline(few)
    threads_of_one, memory_of_one = _use(few)
    assert few.stop() == 0

    config = _config(world, TENANTS)
    relays = [Relay(world.graph_url) for _ in range(2)]
    names = [source["name"] for source in config["entra"]]
    # The failing ones stand between the others.
    silent, nonsense, throttled, broken = (names[first::10] for first in range(1, 5))
    for relay, through in zip(relays, (silent, nonsense)):
        for source in config["entra"]:
            if source["name"] in through:
                source["endpoints"] = {"login": relay.url, "graph": relay.url}
    failing = {*silent, *nonsense, *throttled, *broken}
    healthy = [name for name in names if name not in failing]
    links = [link["name"] for link in config["links"] if link["entra"] in healthy]
    many = make_daemon(config).start()
    try:
        wait_for_baseline(many, 120)
        assert _use(many)[0] == threads_of_one, "threads grow with tenants"
        lags = [_lags(many, world, sam_of(number), links) for number in (1, 2)]
        ages = _ages(many, healthy, 8)
        memory_before = _use(many)[1]

        for relay in relays:
            relay.cut()
        for number, name in enumerate(names):
            if name in throttled:
                world.fault(tenant=number, throttle=10**9, retry_after="1")
            elif name in broken:
                world.fault(tenant=number, server_errors=10**9, server_error_status=500)
        with socket.create_server(("127.0.0.1", relays[0].port), backlog=4096), \
                _NonsenseServer(("127.0.0.1", relays[1].port), _Nonsense) as talker:
            threading.Thread(target=talker.serve_forever, args=(0.05,), daemon=True).start()
            wait_for(lambda: all(source["error"] for source in many.status()["sources"]
                                 if source["name"] in failing - set(throttled) - set(silent)),
                     60, "the failing ones fail", 0.5)
            lags_beside = [_lags(many, world, sam_of(number), links) for number in (4, 5)]
            ages_beside = _ages(many, healthy, 12)
            threads, memory = _use(many)
            up = _series(many, "source_up", "source")
            talker.shutdown()
    finally:
        for relay in relays:
            relay.close()
    print(f"departures {lags} and {lags_beside} s; ages of polls {max(ages.values()):.1f} and "
          f"{max(ages_beside.values()):.1f} s; {memory_of_one} KiB, {memory_before}, {memory}")
    assert [name for name in healthy if not up[name]] == []
    assert threads == threads_of_one
    assert (memory - memory_of_one) / TENANTS < PER_TENANT
    assert memory - memory_before < 32 * 1024, "failing tenants take memory"
    for which in (0, 1):
        alone = statistics.median(lag[which] for lag in lags)
        beside = statistics.median(lag[which] for lag in lags_beside)
        assert beside < 3 * alone + 5, f"{lags} became {lags_beside}"
    assert statistics.median(ages_beside.values()) < 2 * statistics.median(ages.values()) + 1
    assert max(ages_beside.values()) < 2 * max(ages.values()) + 5
    assert many.stop() == 0


def test_a_tenant_that_keeps_the_limits_never_refuses(make_simulation, make_daemon):
    """Two hundred open departures, read as often as the daemon can."""
    people = 200
    world = make_simulation(users=people + 40)
    limits = {"units": 1000, "writes": 3000}
    world.fault(limits=limits)
    config = world.fast_config(mode="observe")
    config["policy"]["tiers"] = [{"name": "standard", "warn_after": "1h", "revoke_after": "2h",
                                  "breach_after": "3h"}]
    daemon = make_daemon(config).start()
    wait_for_baseline(daemon)

    def load():
        return world.truth()["tenants"][0]["load"]

    for number in range(1, people + 1):
        world.change(sam_of(number), "disable")
    wait_for(lambda: sum(_series(daemon, "episodes_opened_total", "link").values()) >= people - 10,
             60, "the departures", 0.5)
    begun = load()["taken"]
    wait_for(lambda: load()["taken"] > begun + 3 * limits["units"], 120,
             "more than the limit of several windows", 0.5)
    said = load()
    share = _series(daemon, "graph_budget_share", "entra")["contoso"]
    print(f"{said} of {limits}, share {share}")
    assert said["refused"] == 0, said
    assert said["most_units"] > 0.6 * limits["units"]
    refusals = _series(daemon, "graph_throttled_total", "reason")
    assert refusals["resource_units"] == refusals["writes"] == 0, refusals
    assert sum(_series(daemon, "graph_resource_units_total", "entra").values()) > limits["units"]
    assert daemon.stop() == 0

    # Somebody who does not count.
    with world.application() as session:
        batch = {"requests": [{"id": str(i), "method": "GET", "url": "/organization"}
                              for i in range(20)]}
        answers = [session.post(f"{world.graph_url}/v1.0/$batch", json=batch, timeout=30).json()
                   for _ in range(limits["units"] // 20 + 2)]
        refused = [part for part in answers[-1]["responses"] if part["status"] == 429]
    assert len(refused) == 20
    headers = {name.lower(): value for name, value in refused[0]["headers"].items()}
    assert headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert headers["x-ms-throttle-scope"].startswith("Tenant_Application/ReadWrite/")
    assert load()["refused"] > 0
