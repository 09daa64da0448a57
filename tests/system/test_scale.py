"""Many domains in one daemon: threads and memory do not grow with them, and those that are silent
take nothing from the others."""

import copy
import socket
import time

from processes import wait_for

DOMAINS = 200
SILENT = 60


def _daemon_of(make_daemon, simulation, count):
    """A daemon that reads the first `count` domains into one link."""
    config = simulation.fast_config()
    config["active_directory"] = copy.deepcopy(config["active_directory"][:count])
    for source in config["active_directory"]:
        source["poll_interval"] = "2s"
    names = [source["name"] for source in config["active_directory"]]
    config["links"] = [{**config["links"][0], "active_directory": names}]
    return make_daemon(config)


def _read(daemon):
    """The names of the domains that were read completely, at least once."""
    return {source["name"] for source in daemon.status()["sources"]
            if source["kind"] == "active_directory" and source["last_success"]}


def _use(daemon):
    """(threads, resident KiB) of the process."""
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["Threads"]), int(fields["VmRSS"].split()[0])


def test_threads_and_memory_do_not_grow_with_domains(make_simulation, make_daemon):
    simulation = make_simulation(users=20, forests=DOMAINS)
    few = _daemon_of(make_daemon, simulation, 2).start()
    wait_for(lambda: len(_read(few)) == 2, 60, "two domains read", 0.5)
    threads_of_few, memory_of_few = _use(few)
    assert few.stop() == 0

    many = _daemon_of(make_daemon, simulation, DOMAINS).start()
    most = [0]

    def all_read():
        most[0] = max(most[0], _use(many)[0])
        return len(_read(many)) == DOMAINS

    wait_for(all_read, 120, f"{DOMAINS} domains read", 0.5)
    threads, memory = _use(many)
    assert max(threads, most[0]) == threads_of_few, "threads grow with domains"
    assert (memory - memory_of_few) / DOMAINS < 1024, f"{memory_of_few} KiB became {memory} KiB"
    wait_for(lambda: many.metrics().count("driftwarden_source_notify_up{") == DOMAINS
             and 'driftwarden_source_notify_up{source="corp200"} 1' in many.metrics(), 60,
             "a notification search in each domain", 0.5)
    assert _use(many)[0] == threads_of_few
    assert many.stop() == 0


def test_silent_domains_take_nothing_from_the_others(make_simulation, make_daemon):
    simulation = make_simulation(users=20, forests=DOMAINS)
    daemon = _daemon_of(make_daemon, simulation, DOMAINS)
    # The kernel accepts for it, and nobody ever answers.
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as hole:
        # Silent ones stand between the others in every queue.
        silent = daemon.config["active_directory"][::DOMAINS // SILENT][:SILENT]
        for source in silent:
            source["servers"] = [f"ldaps://127.0.0.1:{hole.getsockname()[1]}"]
        names = {source["name"] for source in silent}
        others = {source["name"] for source in daemon.config["active_directory"]} - names
        daemon.write_config()
        daemon.start()
        begun = time.monotonic()
        wait_for(lambda: others <= _read(daemon), 60, "the domains that answer", 0.5)
        took = time.monotonic() - begun
        # One after the other, at ten seconds each, they would have held eight threads for minutes.
        said = {source["name"]: source for source in daemon.status()["sources"]}
        print(f"{len(others)} domains read in {took:.1f} s beside {SILENT} silent ones")
        wait_for(lambda: all("said nothing" in (source["error"] or "")
                             for source in daemon.status()["sources"] if source["name"] in names),
                 60, "what is said of the silent ones", 0.5)
        late = [name for name in others if not said[name]["up"]]
        assert not late
    assert daemon.stop() == 0
