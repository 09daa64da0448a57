"""A real SIGKILL in the middle of the first full read of a directory."""

import re

from processes import wait_for

USERS = 12000
PAGE = 100
WINDOW = 30 * PAGE  # a window that holds more is cut in half, unfinished


def _source(daemon):
    return next(s for s in daemon.status()["sources"] if s["kind"] == "active_directory")


def _delivered(daemon, name):
    """Objects that this process was given by the directory."""
    lines = re.findall(rf'^driftwarden_source_changes_total{{.*source="{name}".*}} (\S+)$',
                       daemon.metrics(), re.MULTILINE)
    return sum(map(float, lines))


def _half_read(daemon):
    source = _source(daemon)
    assert source["snapshot"] != "complete", "it was too quick to be interrupted"
    return source["snapshot_objects"] if source["snapshot_objects"] > USERS / 2 else None


def test_a_killed_first_read_goes_on_at_its_last_finished_window(make_simulation, make_daemon):
    simulation = make_simulation(users=USERS)
    config = simulation.fast_config()
    config["active_directory"][0].update(page_size=PAGE, poll_interval="1s")
    daemon = make_daemon(config).start()
    read = wait_for(lambda: _half_read(daemon), 120, "half of the directory", 0.05)
    daemon.kill()
    first_life = len(daemon.log_text())

    daemon.start()
    wait_for(lambda: _source(daemon)["snapshot"] == "complete", 120, "the rest", 0.1)
    # What changed since is read besides; nobody changed.
    delivered = _delivered(daemon, _source(daemon)["name"])
    assert 0 < delivered <= USERS - read + WINDOW, f"{delivered} after {read} of {USERS}"
    log = daemon.log_text()[first_life:]
    assert "ad_full_read_done" in log
    assert not re.search(r"ad_full_read\b(?!_)", log), "it began anew"
    assert daemon.get("status")["links"][0]["users"] is not None
    assert daemon.stop() == 0
