"""Ways into a real domain controller, and secrets and certificates that change while driftwarden
runs: none of it needs a restart."""

import os
import re

import pytest

from processes import wait_for
from samba_dc import write_stale_keytab


class Watched:
    """A daemon that reads Samba, and what it says of that."""

    def __init__(self, make_daemon, simulation, controller, **directory):
        config = simulation.fast_config()
        config["active_directory"] = [{
            "name": "corp", "servers": [controller.ldaps_url], "poll_interval": "300ms",
            "notifications": False,  # one session less, of which the log would tell too
            **directory}]
        self.daemon = make_daemon(config).start()

    def _source(self):
        return {item["name"]: item for item in self.daemon.status()["sources"]}["corp"]

    def wait_up(self, timeout=30):
        wait_for(lambda: self._source()["up"], timeout, "the source is read", 0.1)

    def wait_down(self, says, timeout=30):
        wait_for(lambda: re.search(says, self._source()["error"] or ""), timeout, says, 0.1)

    def wait_failures(self, count):
        """Attempts in vain, of which the log tells the first only."""
        series = 'driftwarden_source_polls_total{result="error",source="corp"} '
        wait_for(lambda: any(line.startswith(series) and float(line.split()[-1]) >= count
                             for line in self.daemon.metrics().splitlines()), 30,
                 f"{count} failed polls", 0.1)

    @property
    def up(self):
        return self._source()["up"]

    def lines(self, event):
        return [line for line in self.daemon.log_text().splitlines() if f"event={event} " in line]

    def wait_lines(self, event, count, timeout=30):
        wait_for(lambda: len(self.lines(event)) >= count, timeout, f"{count} times {event}", 0.1)


@pytest.fixture
def watch(make_daemon, simulation, domain_controller):
    def make(**directory):
        return Watched(make_daemon, simulation, domain_controller, **directory)

    return make


def _replace(path, text):
    """As a careful person does it: a reader sees the old content or the new."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.replace(fresh, path)


def test_kerberos_without_tls_heals_and_renews_by_its_keytab(watch, domain_controller, tmp_path):
    domain_controller.create_service_account("svc-keytab")
    keytab = tmp_path / "svc.keytab"
    principal = domain_controller.write_keytab("svc-keytab", keytab)
    right = keytab.read_bytes()
    write_stale_keytab(keytab, principal)
    watched = watch(servers=[domain_controller.ldap_url], bind={
        "method": "gssapi", "principal": principal, "keytab_file": str(keytab),
        "krb5_config": str(domain_controller.krb5_config)})
    watched.wait_down(f"the keys in {keytab} are not the account's")
    watched.wait_failures(3)
    _replace(keytab, right)
    watched.wait_up()
    assert len(watched.lines("source_failed")) == 1, watched.lines("source_failed")
    assert 'protection="Kerberos (256 bits)"' in watched.lines("ad_connected")[0]

    write_stale_keytab(tmp_path / "stale", principal)
    os.replace(tmp_path / "stale", keytab)
    watched.wait_lines("ad_renewal_failed", 1)
    assert "are not the account's" in watched.lines("ad_renewal_failed")[0]
    assert watched.up, "the session that stands goes on"
    connected = len(watched.lines("ad_connected"))
    _replace(keytab, right)
    watched.wait_lines("ad_connected", connected + 1)
    assert len(watched.lines("source_failed")) == 1, watched.lines("source_failed")
    assert watched.daemon.stop() == 0


def test_kerberos_inside_tls_by_a_credential_cache(watch, domain_controller, tmp_path):
    domain_controller.create_service_account("svc-cache")
    keytab, cache = tmp_path / "svc.keytab", tmp_path / "cache"
    principal = domain_controller.write_keytab("svc-cache", keytab)
    domain_controller.write_credential_cache(keytab, principal, cache)
    watched = watch(ca_file=str(domain_controller.ca_file), bind={
        "method": "gssapi", "credential_cache": str(cache),
        "krb5_config": str(domain_controller.krb5_config)})
    watched.wait_up()
    assert 'protection="TLS, Kerberos"' in watched.lines("ad_connected")[0]
    # Somebody else renews it; the fresh tickets are taken at once.
    domain_controller.write_credential_cache(keytab, principal, cache)
    watched.wait_lines("ad_connected", 2)
    assert not watched.lines("source_failed")
    assert watched.daemon.stop() == 0


def test_passwords_and_certificates_turn(watch, domain_controller, tmp_path):
    user = domain_controller.create_service_account("svc-rotated", "Drift.Reader1")
    password, ca_file = tmp_path / "password", tmp_path / "ca.pem"
    _replace(password, "Drift.Reader1")
    _replace(ca_file, domain_controller.ca_file.read_text())
    watched = watch(ca_file=str(ca_file), bind={"user": user, "password_file": str(password)})
    watched.wait_up()

    domain_controller.set_password("svc-rotated", "Drift.Reader2")
    _replace(password, "Drift.Reader2")
    watched.wait_lines("ad_connected", 2)
    _replace(password, "Drift.Typo")
    watched.wait_lines("ad_renewal_failed", 1)
    assert "data 52e" in watched.lines("ad_renewal_failed")[0]
    assert watched.up, "the session that stands goes on"
    _replace(password, "Drift.Reader2")
    watched.wait_lines("ad_connected", 3)
    assert not watched.lines("source_failed")

    domain_controller.rotate_certificates()
    watched.wait_down("certificate is not trusted")
    _replace(ca_file, domain_controller.ca_file.read_text())
    watched.wait_up()
    assert watched.daemon.stop() == 0
