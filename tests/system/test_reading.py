"""Who is meant and what is read of them, in a real domain: scope, classes, groups, accounts that
come back from deletion, and the slow comparison with the directory."""

import ldap3
import pytest

from proof import PASSWORD, Proof
from processes import wait_for
from samba_dc import SHOW_DELETED
from simulation import wait_for_baseline, wait_for_state

OPEN = ("pending", "lagging", "breached", "contained")


@pytest.fixture(scope="module")
def reader(domain_controller):
    """The account that driftwarden binds as."""
    return domain_controller.create_service_account("svc-reading", PASSWORD)


@pytest.fixture
def proof(domain_controller, simulation, reader):  # pylint: disable=unused-argument
    made = Proof(domain_controller, simulation)
    yield made
    for name in made.twins:
        if not domain_controller.read_attribute(name, "isDeleted"):
            domain_controller.delete(name)


@pytest.fixture(scope="module")
def places(domain_controller):
    """An OU that is out of scope, and a group within a group."""
    admin = domain_controller.admin
    base = domain_controller.base_dn
    out = domain_controller.create_ou("Reading-Out")
    keepers, helpers = (f"CN=reading-{name},{base}" for name in ("keepers", "helpers"))
    for dn in (helpers, keepers):
        admin.add(dn, ["group"], {"sAMAccountName": dn[3:].split(",")[0]})
    admin.modify(keepers, {"member": [(ldap3.MODIFY_ADD, [helpers])]})
    return {"out": out, "keepers": keepers, "helpers": helpers}


def _move(controller, sam, parent):
    dn = controller.user_dn(sam)
    controller.admin.modify_dn(dn, dn.split(",")[0], new_superior=parent)


def _person(daemon, sam, holds, what):
    """The person once `holds` is true of them."""
    def reached():
        person = daemon.get(f"users/{sam}")
        return person if holds(person) else None
    return wait_for(reached, 30, what, 0.2)


def _count(daemon, name, **labels):
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(float(line.rsplit(" ", 1)[1]) for line in daemon.metrics().splitlines()
               if line.startswith(f"driftwarden_{name}{{") and all(w in line for w in wanted))


def test_scope_classes_and_groups(proof, places, make_daemon, alertmanager, tmp_path):
    controller = proof.controller
    ada, grace, robot, keeper = (proof.hire(name) for name in ("ada", "grace", "robot", "keeper"))
    away = proof.hire("away")
    controller.set_attribute(robot, "employeeType", "Robot")
    _move(controller, away, places["out"])
    controller.admin.modify(places["helpers"],
                            {"member": [(ldap3.MODIFY_ADD, [controller.user_dn(keeper)])]})
    config = proof.config(tmp_path, alertmanager, "svc-reading", scope={
        "exclude": [places["out"]], "filter": "(!(employeeType=test))"})
    config["policy"]["tiers"][0]["match"] = {"groups": ["reading-keepers"]}
    config["policy"]["classes"] = {"service": {"attribute": {"employeeType": "robot"}}}
    config["remediation"]["mode"] = "observe"
    daemon = make_daemon(config).start()
    wait_for_baseline(daemon)

    assert wait_for_state(daemon, robot, "exempt")["class"] == "service"
    out = daemon.get(f"users/{away}")
    assert out["state"] == "unlinked" and out["ad"] is None
    assert _person(daemon, keeper, lambda p: p["tier"] == "tier0", "the tier by a nested group")[
        "ad"]["groups"] == ["reading-keepers"]
    assert daemon.get(f"users/{ada}")["tier"] == "standard"

    # Out of scope is neither a deletion nor an end of watching: a leaver is a leaver.
    _move(controller, ada, places["out"])
    moved = _person(daemon, ada, lambda p: not p["ad"]["in_scope"], "the move out of scope")
    assert moved["state"] == "aligned" and not moved["ad"]["deleted"] and moved["ad"]["left_scope"]
    for sam in (ada, robot, away):
        controller.disable(sam)
    controller.set_attribute(grace, "employeeType", "test")
    wait_for_state(daemon, ada, OPEN)
    alertmanager.wait_for_alert(alertname="DriftwardenPerson", kind="disable_lag")
    _person(daemon, grace, lambda p: not p["ad"]["in_scope"], "the filter")
    assert _person(daemon, robot, lambda p: p["ad"]["enabled"] is False, "the robot's disable")[
        "state"] == "exempt"
    assert daemon.get(f"users/{away}")["state"] == "unlinked"

    controller.admin.modify(places["helpers"],
                            {"member": [(ldap3.MODIFY_DELETE, [controller.user_dn(keeper)])]})
    _person(daemon, keeper, lambda p: p["tier"] == "standard", "the way out of the group")

    # The slow comparison found nothing that the polls had missed.
    wait_for(lambda: _count(daemon, "source_verified_total", source="corp", result="same") >= 5,
             30, "accounts compared", 0.2)
    assert _count(daemon, "source_verified_total", source="corp", result="mismatch") == 0
    for finding in ("metadata_hidden", "state_hidden", "group_unknown"):
        assert _count(daemon, "source_finding", source="corp", finding=finding) == 0
    assert daemon.stop() == 0


def _enable_recycle_bin(controller):
    # Here, because these modules exist for Debian's own Python only.
    import ldb
    database = controller.local_database()
    message = ldb.Message(ldb.Dn(database, ""))
    message["enableOptionalFeature"] = ldb.MessageElement(
        f"CN=Partitions,CN=Configuration,{controller.base_dn}:"
        "766ddcd8-acd0-445e-f3b9-a7f9b6744f2a", ldb.FLAG_MOD_REPLACE, "enableOptionalFeature")
    database.modify(message)


def test_who_is_restored_is_back_and_a_recycled_account_is_gone(proof, make_daemon, tmp_path):
    controller = proof.controller
    grace, edsger = proof.hire("grace"), proof.hire("edsger")
    config = proof.config(tmp_path, user="svc-reading")
    config["remediation"]["mode"] = "observe"
    daemon = make_daemon(config).start()
    wait_for_baseline(daemon)
    wait_for_state(daemon, grace, "aligned")
    dn, guid = controller.user_dn(grace), controller.object_guid(grace)
    controller.delete(grace)
    gone = _person(daemon, guid, lambda p: p["ad"]["deleted"], "the deletion")
    assert gone["state"] in OPEN and gone["ad"]["dn"] == dn
    controller.admin.modify(controller.user_dn(grace), {
        "isDeleted": [(ldap3.MODIFY_DELETE, [])],
        "distinguishedName": [(ldap3.MODIFY_REPLACE, [dn])]},
        controls=[(SHOW_DELETED, True, None)])
    back = _person(daemon, guid, lambda p: not p["ad"]["deleted"], "the restored account")
    types = [event["type"] for event in back["timeline"]]
    assert "ad_deleted" in types and "ad_restored" in types

    # With the recycle bin a deleted account keeps all it had, and is as gone as any.
    _enable_recycle_bin(controller)
    controller.delete(edsger)
    gone = _person(daemon, edsger, lambda p: p["ad"]["deleted"], "the deletion")
    assert gone["state"] in OPEN and not controller.read_attribute(edsger, "isRecycled")
    assert daemon.stop() == 0
