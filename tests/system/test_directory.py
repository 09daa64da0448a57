"""The LDAP sessions, the USN source and the direct reads against a real domain controller: the C++
tests in tests/directory/samba_*.cpp, which take the controller from their environment."""

import os
import subprocess

import pytest

import driftwarden
from certificates import Authority
from samba_dc import write_stale_keytab


def _kerberos(controller, folder):
    keytab, stale, cache = (folder / name for name in ("keytab", "stale.keytab", "cache"))
    controller.create_service_account("svc-kerberos")
    principal = controller.write_keytab("svc-kerberos", keytab)
    write_stale_keytab(stale, principal)
    controller.write_credential_cache(keytab, principal, cache)
    return {"PRINCIPAL": principal, "KEYTAB": keytab, "STALE_KEYTAB": stale, "CACHE": cache,
            "KRB5_CONFIG": controller.krb5_config}


@pytest.fixture
def controller_environment(domain_controller, tmp_path):
    password_file = tmp_path / "password"
    password_file.write_text(domain_controller.admin_password)
    other_ca = Authority(tmp_path / "other").ca_file
    settings = {
        "URL": domain_controller.ldaps_url, "CA": domain_controller.ca_file, "OTHER_CA": other_ca,
        "USER": domain_controller.admin_user, "PASSWORD_FILE": password_file,
        "BASE": domain_controller.base_dn, **_kerberos(domain_controller, tmp_path)}
    return {**os.environ, **{f"DRIFTWARDEN_TEST_DC_{key}": str(value)
                             for key, value in settings.items()}}


def test_directory_against_samba(controller_environment):
    program = driftwarden.binary().resolve().parents[1] / "tests/directory/directory_samba_tests"
    done = subprocess.run([program], env=controller_environment, capture_output=True, text=True,
                          timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[  PASSED  ]" in done.stdout
