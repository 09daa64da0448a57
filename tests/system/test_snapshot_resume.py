"""A real SIGKILL in the middle of the first full read of a directory."""

import re

from processes import wait_for

USERS = 6000
PAGE = 50
WINDOW = 30 * PAGE  # a window that holds more is given up after so many, and cut in half


def _source(daemon):
    return next(s for s in daemon.status()["sources"] if s["kind"] == "active_directory")


def _delivered(daemon, name):
    """Objects that this process was given by the directory."""
    lines = re.findall(rf'^driftwarden_source_changes_total{{.*source="{name}".*}} (\S+)$',
                       daemon.metrics(), re.MULTILINE)
    return sum(map(float, lines))


def _halvings(log):
    return log.count("event=ad_window_halved")


class FinishedWindows:
    """How many objects were at least read in windows that are finished."""

    def __init__(self, daemon):
        self._daemon, self._halvings, self._base = daemon, 0, 0

    def __call__(self):
        halvings, source = _halvings(self._daemon.log_text()), _source(self._daemon)
        assert source["snapshot"] != "complete", "it was too quick to be interrupted"
        if halvings != self._halvings:
            self._halvings, self._base = halvings, source["snapshot_objects"]
        # Since the last one that was given up each was finished, but for the one in progress.
        finished = source["snapshot_objects"] - self._base - WINDOW
        return finished if finished > WINDOW / 2 else None


def test_a_killed_first_read_goes_on_at_its_last_finished_window(make_simulation, make_daemon):
    simulation = make_simulation(users=USERS)
    config = simulation.fast_config()
    config["active_directory"][0].update(page_size=PAGE, poll_interval="1s", notifications=False)
    daemon = make_daemon(config).start()
    finished = wait_for(FinishedWindows(daemon), 120, "some finished windows", 0.02)
    daemon.kill()
    first_life = len(daemon.log_text())

    daemon.start()
    wait_for(lambda: _source(daemon)["snapshot"] == "complete", 120, "the rest", 0.1)
    log = daemon.log_text()[first_life:]
    assert "event=ad_full_read_done" in log
    assert "event=ad_full_read " not in log, "it began anew"
    delivered = _delivered(daemon, _source(daemon)["name"])
    given_up = _halvings(log) * WINDOW
    assert delivered - given_up <= USERS - finished, f"{delivered} with {given_up} given up"
    # The watchdog may speak by now; of people there is nothing to tell.
    told = [alert["labels"]["alertname"] for alert in simulation.alerts()]
    assert set(told) <= {"DriftwardenWatchdog"}, told
    assert daemon.stop() == 0
