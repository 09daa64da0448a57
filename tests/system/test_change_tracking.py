"""How a change in a real domain controller reaches us: told at once, or by DirSync, or by the poll
alone. The poll interval is a minute where it must not be what brings the change."""

import re
import time

import pytest

from processes import wait_for
from relay import Relay
from simulation import wait_for_baseline

PASSWORD = "Drift.Reader1"
# Seconds; far from a poll. A process of Samba looks every 5 s for what others of its processes wrote.
AT_ONCE = 15


class Follower:
    """A daemon that reads Samba as a plain account, and what it knows."""

    def __init__(self, make_daemon, simulation, controller, user, **directory):
        config = simulation.fast_config(mode="observe")
        self.daemon = make_daemon(config)
        config = self.daemon.config
        config["active_directory"] = [{
            "name": "corp", "servers": [controller.ldaps_url],
            "ca_file": str(controller.ca_file),
            "bind": {"method": "simple", "user": user,
                     "password_file": self.daemon.secret("ad.pw", PASSWORD)},
            **directory}]
        self.daemon.write_config()
        self.daemon.start()
        wait_for_baseline(self.daemon)

    def metric(self, name, **labels):
        inside = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        found = re.search(rf"^driftwarden_{name}{{{re.escape(inside)}}} (\S+)$",
                          self.daemon.metrics(), re.MULTILINE)
        return float(found.group(1))

    def wait_metric(self, at_least, name, timeout=30, **labels):
        wait_for(lambda: self.metric(name, source="corp", **labels) >= at_least, timeout,
                 f"{name} {labels} >= {at_least}", 0.1)

    def lines(self, event):
        return [line for line in self.daemon.log_text().splitlines() if f"event={event} " in line]

    def ad(self, sam):
        answer = self.daemon.request("GET", f"/api/v1/users/{sam}")
        return answer.json()["ad"] if answer.status_code == 200 else None

    def wait_known(self, sam):
        wait_for(lambda: self.ad(sam), 30, f"{sam} is known", 0.1)

    def wait_disabled(self, sam, timeout=AT_ONCE):
        wait_for(lambda: self.ad(sam)["disabled_since"], timeout, f"{sam} is disabled", 0.05)

    def wait_deleted(self, sam, timeout=30):
        wait_for(lambda: self.ad(sam)["deleted_since"], timeout, f"{sam} is deleted", 0.1)


@pytest.fixture
def hire(domain_controller):
    """hire() makes an account that is deleted again."""
    made = []

    def make(name):
        made.append(f"{name}{time.monotonic_ns() % 10**10}")
        domain_controller.create_user(made[-1])
        return made[-1]

    yield make
    for sam in made:
        if not domain_controller.read_attribute(sam, "isDeleted"):
            domain_controller.delete(sam)


@pytest.fixture(scope="module")
def plain(domain_controller):
    """An account without any right to replicate."""
    return domain_controller.create_service_account("svc-no-sync", PASSWORD)


@pytest.fixture(scope="module")
def replicator(domain_controller):
    user = domain_controller.create_service_account("svc-repl", PASSWORD)
    domain_controller.grant_replication("svc-repl")
    return user


@pytest.fixture
def follow(make_daemon, simulation, domain_controller):
    def make(user, **directory):
        return Follower(make_daemon, simulation, domain_controller, user, **directory)

    return make


def test_a_disable_is_told_long_before_the_next_poll(follow, plain, hire, domain_controller):
    leaver = hire("told")
    follower = follow(plain, poll_interval="60s")
    # Else the first read may be what brings the disable.
    follower.wait_known(leaver)
    follower.wait_metric(1, "source_notify_up")
    domain_controller.disable(leaver)
    follower.wait_disabled(leaver)
    # It counts what was committed, when that is done.
    follower.wait_metric(1, "source_notifications_total", outcome="applied")
    joiner = hire("joiner")
    wait_for(lambda: follower.ad(joiner), AT_ONCE, "the new account", 0.05)


def test_without_notifications_the_poll_brings_it(follow, plain, hire, domain_controller):
    leaver = hire("polled")
    follower = follow(plain, notifications=False, poll_interval="300ms")
    follower.wait_known(leaver)
    domain_controller.disable(leaver)
    follower.wait_disabled(leaver)
    assert follower.metric("source_notify_up", source="corp") == 0
    assert follower.metric("source_notifications_total", source="corp", outcome="applied") == 0


def test_a_session_that_was_cut_is_listened_to_again(follow, plain, hire, domain_controller):
    leaver, late = hire("cut"), hire("late")
    relay = Relay(f"ldaps://{domain_controller.address}:636", domain_controller.address)
    try:
        follower = follow(plain, servers=[relay.url], poll_interval="2s")
        follower.wait_metric(1, "source_notify_up")
        relay.cut()
        follower.wait_metric(1, "source_notify_rearms_total", reason="lost")
        domain_controller.disable(leaver)
        relay.join()
        # What happened meanwhile is what the poll after the registration is for.
        follower.wait_disabled(leaver, 30)
        follower.wait_metric(1, "source_notify_up", timeout=90)
        told = follower.metric("source_notifications_total", source="corp", outcome="applied")
        domain_controller.disable(late)
        follower.wait_disabled(late)
        follower.wait_metric(told + 1, "source_notifications_total", outcome="applied")
    finally:
        relay.close()


def test_dirsync_brings_disables_and_deletions(follow, replicator, hire, domain_controller):
    leaver, goner = hire("sync"), hire("gone")
    follower = follow(replicator, change_tracking="dirsync", notifications=False,
                      poll_interval="300ms")
    follower.wait_metric(1, "source_change_tracking", tracking="dirsync")
    for sam in (leaver, goner):
        follower.wait_known(sam)
    domain_controller.disable(leaver)
    follower.wait_disabled(leaver, 30)
    since = follower.ad(leaver)["disabled_since"]
    assert since["lo"] == since["hi"], "the account was read whole, with its stamps"
    domain_controller.delete(goner)
    follower.wait_deleted(goner)
    # The cookie outlives the process: nobody is read anew.
    follower.daemon.stop()
    follower.daemon.start()
    domain_controller.enable(leaver)
    wait_for(lambda: follower.ad(leaver)["disabled_since"] is None, 30, "the way back", 0.1)
    assert follower.metric("source_snapshot_in_progress", source="corp") == 0
    for reason in ("cursor_unreadable", "cookie_rejected", "dc_changed"):
        assert follower.metric("source_resets_total", reason=reason, source="corp") == 0


def test_dirsync_without_the_right_falls_back_and_says_so_once(follow, plain, hire,
                                                               domain_controller):
    leaver, goner = hire("refused"), hire("gone")
    follower = follow(plain, change_tracking="dirsync", notifications=False,
                      poll_interval="300ms")
    for sam in (leaver, goner):
        follower.wait_known(sam)
    assert follower.metric("source_change_tracking", source="corp", tracking="usn") == 1
    assert follower.metric("source_change_tracking", source="corp", tracking="dirsync") == 0
    domain_controller.disable(leaver)
    follower.wait_disabled(leaver, 30)
    domain_controller.delete(goner)
    follower.wait_deleted(goner)
    refused = follower.lines("ad_dirsync_refused")
    assert len(refused) == 1
    assert "Replicating Directory Changes" in refused[0] and "svc-no-sync" in refused[0]
