"""`driftwarden check` against a real domain controller: what each account may do is found and told."""

import re

import pytest

from samba_dc import ADMIN_PASSWORD

PASSWORD = "Drift.Check1"


class Checked:
    def __init__(self, done):
        self.code, self.text = done.returncode, done.stdout + done.stderr
        self._lines = re.findall(r"^(ok|warn|fail) +(.*?): (.*)$", done.stdout, re.MULTILINE)

    def level(self, topic):
        """The worst level of the findings about this topic, and their texts."""
        found = [(level, what) for level, subject, what in self._lines if topic in f"{subject}: {what}"]
        assert found, f"nothing is said about {topic}:\n{self.text}"
        return max((level for level, _ in found), key=["ok", "warn", "fail"].index)

    def line(self, topic):
        return next(what for _, subject, what in self._lines if topic in f"{subject}: {what}")


@pytest.fixture
def check(domain_controller, simulation, alertmanager, make_daemon, tmp_path):
    def run(account, password=PASSWORD, receiver=None):
        config = simulation.fast_config()
        secret = tmp_path / "password"
        secret.touch(mode=0o600)
        secret.write_text(password)
        config["active_directory"] = [{
            "name": "corp", "servers": [domain_controller.ldaps_url],
            "ca_file": str(domain_controller.ca_file),
            "bind": {"method": "simple", "user": account, "password_file": str(secret)}}]
        config["alerting"] = {"alertmanagers": [{"url": receiver or alertmanager.url}]}
        return Checked(make_daemon(config).command("check"))

    return run


def _account(controller, name):
    return f"{name}@{controller.dns_domain}"


def test_an_account_with_what_it_needs_passes(domain_controller, check):
    domain_controller.create_user("gone-for-check")
    domain_controller.delete("gone-for-check")
    domain_controller.create_service_account("svc-check", PASSWORD)
    found = check(_account(domain_controller, "svc-check"))
    assert found.code == 0, found.text
    for topic in ("bind", "controller", "clock", "base", "people", "metadata", "tombstones",
                  "dirsync", "notification", "rights", "groups", "alertmanager"):
        assert found.level(f": {topic}" if topic != "alertmanager" else topic) == "ok", found.text
    assert "TLS" in found.line(": bind")
    # One controller: nobody of tier 0 will be acted on.
    assert found.level(": second opinion") == "warn"


def test_a_right_that_is_missing_is_told_with_the_command_that_grants_it(domain_controller, check):
    domain_controller.create_service_account("svc-poor", PASSWORD, deleted_objects=False)
    found = check(_account(domain_controller, "svc-poor"))
    assert found.code == 0, found.text
    assert found.level(": tombstones") == "warn"
    assert "dsacls" in found.line(": tombstones") and "svc-poor" in found.line(": tombstones")


def test_an_account_that_may_too_much_is_told(domain_controller, check):
    found = check(_account(domain_controller, "Administrator"), ADMIN_PASSWORD)
    assert found.code == 0, found.text
    assert found.level(": groups") == "warn" and "Domain Admins" in found.line(": groups")
    assert found.level(": rights") == "warn"
    assert found.level(": dirsync") == "warn"


def test_a_refused_bind_and_a_silent_receiver_fail(domain_controller, check):
    found = check(_account(domain_controller, "svc-nobody"), receiver="http://127.0.0.1:9")
    assert found.code == 4, found.text
    assert found.level(": bind") == "fail" and "refused" in found.line(": bind")
    assert found.level("alertmanager") == "fail"
    assert PASSWORD not in found.text


def test_a_tenant_is_proved_by_calling_it(simulation, make_daemon):
    def checked():
        return Checked(make_daemon(simulation.fast_config()).command("check"))

    good = checked()
    assert good.code == 0, good.text
    for topic in ("token", "clock", "User.Read.All", "delta", "Organization.Read.All",
                  "Domain.Read.All", "Policy.Read.All", "RoleManagement.Read.Directory", "GroupMember.Read.All",
                  "Application.Read.All", "User-OnPremisesSyncBehavior.Read.All", "load"):
        assert good.level(f"contoso: {topic}: ") == "ok", good.text
    # Acting is not tried, and the simulated token tells nothing.
    assert "not proven" in good.line("contoso: User.RevokeSessions.All: ")
    assert not simulation.revokes()

    simulation.fault(forbid=["domains"])
    poor = checked()
    assert poor.code == 0, poor.text
    assert poor.level("contoso: Domain.Read.All: ") == "warn", poor.text
    assert "grant the application Domain.Read.All" in poor.line("contoso: Domain.Read.All: ")
    assert poor.level("contoso: Organization.Read.All: ") == "ok", poor.text

    simulation.mend()
    simulation.fault(token_error=7000215)
    refused = checked()
    assert refused.code == 4, refused.text
    assert refused.level("contoso: token: ") == "fail", refused.text
    assert "AADSTS7000215" in refused.line("contoso: token: ")
    assert "contoso: delta" not in refused.text
