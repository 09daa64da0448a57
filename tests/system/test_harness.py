"""The harness by itself: what the other system tests stand on works without driftwarden."""

import datetime
import os
import time

import ldap3
import pytest

from processes import Process, wait_for
from samba_dc import ACCOUNT_DISABLED, SHOW_DELETED


def test_domain_controller_disables_and_enables(domain_controller):
    names = domain_controller.create_users(3, prefix="harness")
    assert names == ["harness0001", "harness0002", "harness0003"]
    assert not domain_controller.user_account_control(names[0]) & ACCOUNT_DISABLED
    before = domain_controller.highest_usn()
    domain_controller.disable(names[0])
    assert domain_controller.user_account_control(names[0]) & ACCOUNT_DISABLED
    assert domain_controller.highest_usn() > before
    domain_controller.enable(names[0])
    assert not domain_controller.user_account_control(names[0]) & ACCOUNT_DISABLED
    assert len(domain_controller.object_guid(names[1])) == 36
    assert domain_controller.read_attribute(names[1], "replPropertyMetaData")


def test_service_account_sees_tombstones_only_with_the_right(domain_controller):
    domain_controller.create_user("leaver")
    guid = domain_controller.object_guid("leaver")
    granted = domain_controller.create_service_account("svc-granted", "Drift.Reader1")
    plain = domain_controller.create_service_account("svc-plain", "Drift.Reader1",
                                                     deleted_objects=False)
    domain_controller.delete("leaver")
    assert domain_controller.object_guid("leaver") == guid

    def tombstones(user):
        with domain_controller.connect(user, "Drift.Reader1") as connection:
            connection.search(domain_controller.base_dn,
                              "(&(isDeleted=TRUE)(sAMAccountName=leaver))", ldap3.SUBTREE,
                              attributes=["objectGUID"], controls=[(SHOW_DELETED, True, None)])
            return len(connection.entries)

    assert tombstones(granted) == 1
    assert tombstones(plain) == 0


def test_domain_controller_refuses_a_wrong_password(domain_controller):
    with pytest.raises(ldap3.core.exceptions.LDAPInvalidCredentialsResult):
        domain_controller.connect(domain_controller.admin_user, "wrong")


def test_domain_controller_restarts_with_its_data(domain_controller):
    domain_controller.create_user("survivor")
    domain_controller.stop()
    with pytest.raises(ldap3.core.exceptions.LDAPSocketOpenError):
        domain_controller.connect()
    domain_controller.start()
    assert domain_controller.object_guid("survivor")


def test_prometheus_scrapes(prometheus):
    address = prometheus.url.removeprefix("http://")
    prometheus.set_targets([address])  # itself: a target that is there for certain
    assert prometheus.wait_for_query(f'up{{instance="{address}"}} == 1')
    assert prometheus.rules() == []


def test_alertmanager_fires_and_resolves(alertmanager):
    now = datetime.datetime.now(datetime.timezone.utc)
    alert = {"labels": {"alertname": "Harness", "link": "a"}, "annotations": {"who": "nobody"},
             "startsAt": now.isoformat(), "endsAt": (now + datetime.timedelta(minutes=5)).isoformat()}
    alertmanager.post([alert])
    fired = alertmanager.wait_for_alert(alertname="Harness", link="a")
    assert fired["annotations"] == {"who": "nobody"}
    assert alertmanager.alerts(alertname="Harness", link="b") == []
    time.sleep(0.01)  # an end must lie after the start
    alertmanager.post([{**alert, "endsAt": datetime.datetime.now(datetime.timezone.utc).isoformat()}])
    alertmanager.wait_until_resolved(alertname="Harness")


def test_stopping_takes_the_whole_session(tmp_path):
    marker = tmp_path / "child"
    process = Process(["/bin/sh", "-c", f"sleep 300 & echo $! > {marker}; wait"], tmp_path / "log")
    child = int(wait_for(lambda: marker.exists() and marker.read_text().strip(), 10, "the child"))
    process.stop(timeout=5)

    def gone():
        try:
            return not os.readlink(f"/proc/{child}/exe")
        except OSError:  # a zombie that nobody has collected yet has no program any more
            return True

    wait_for(gone, 10, "the child's end")
