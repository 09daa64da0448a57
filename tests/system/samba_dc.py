"""A real Active Directory domain controller: Samba's, provisioned into a private folder.

It listens on a loopback address of its own (LDAP's ports are fixed in Samba), needs root for them,
touches nothing outside of its folder and is stopped by pid. Changes are made over LDAPS as the
domain's administrator, the way an administrator's tool would.
"""

import contextlib
import os
import pathlib
import random
import shutil
import socket
import ssl
import struct
import subprocess
import uuid

import ldap3
import ldap3.core.exceptions
from ldap3.utils.conv import escape_filter_chars

from certificates import Authority
from processes import Process, ServerError, private_folder, remove_folder

REALM = "AD.EXAMPLE.TEST"
DOMAIN = "ADTEST"
ADMIN_PASSWORD = "Passw0rd.Test1"
SHOW_DELETED = "1.2.840.113556.1.4.417"

ACCOUNT_DISABLED = 0x2
PASSWORD_NOT_REQUIRED = 0x20
NORMAL_ACCOUNT = 0x200

_SMB_CONF = """[global]
	workgroup = {domain}
	realm = {realm}
	netbios name = {name}
	server role = active directory domain controller
	server services = {services}
	interfaces = {address}/8
	bind interfaces only = yes
	private dir = {folder}/private
	lock directory = {folder}/lock
	state directory = {folder}/state
	cache directory = {folder}/cache
	binddns dir = {folder}/bind-dns
	pid directory = {folder}/run
	ncalrpc dir = {folder}/run/ncalrpc
	winbindd socket directory = {folder}/run/winbindd
	ntp signd socket directory = {folder}/run/ntp_signd
	logging = file
	log file = {folder}/log/samba.log
	ldb:nosync = true
	prefork children:ldap = {ldap_processes}
	tls enabled = yes
	tls keyfile = {key}
	tls certfile = {certificate}
	tls cafile = {ca}
	ldap server require strong auth = allow_sasl_over_tls
	kdc default domain supported enctypes = aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96
"""

_KRB5_CONF = """[libdefaults]
	default_realm = {realm}
	dns_lookup_realm = false
	dns_lookup_kdc = false
	dns_canonicalize_hostname = false
	rdns = false
	udp_preference_limit = 1
[realms]
	{realm} = {{
{kdcs}
	}}
[domain_realm]
	.{dns} = {realm}
	{dns} = {realm}
"""


def _free_address():
    """A loopback address on which every port of a domain controller is free."""
    for _ in range(50):
        address = f"127.{random.randint(64, 126)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
        with contextlib.ExitStack() as sockets:
            try:
                for port in (88, 389, 464, 636, 3268, 3269):
                    sockets.enter_context(socket.socket()).bind((address, port))
            except PermissionError:
                raise ServerError("a domain controller needs ports below 1024: run as root") from None
            except OSError:
                continue
            return address
    raise ServerError("no loopback address with free LDAP and Kerberos ports")


def write_stale_keytab(path, principal):
    """A keytab with a key that is not the account's, as every keytab is after the account's
    password was changed. The format is MIT's, version 2."""
    name, realm = principal.split("@")

    def counted(text):
        return struct.pack(">H", len(text)) + text

    entry = (struct.pack(">H", 1) + counted(realm.encode()) + counted(name.encode())
             + struct.pack(">IIBH", 1, 0, 1, 18) + counted(os.urandom(32)))
    pathlib.Path(path).write_bytes(b"\x05\x02" + struct.pack(">i", len(entry)) + entry)


class SambaDc:
    """start() … stop(); or as a context manager. `ca_file`, `ldaps_url` and `base_dn` say how to
    reach it. With a `partner`, which must be running, it joins the partner's domain."""

    def __init__(self, name="dc1", partner=None, services="ldap, cldap, kdc, drepl",
                 ldap_processes=4):
        self.name = name
        self.dns_domain = REALM.lower()
        self.host_name = f"{name}.{self.dns_domain}"
        self.base_dn = ",".join(f"DC={part}" for part in self.dns_domain.split("."))
        self.users_dn = f"CN=Users,{self.base_dn}"
        self.admin_user = f"Administrator@{REALM}"
        self.admin_password = ADMIN_PASSWORD
        self.address = _free_address()
        self.folder = private_folder("dc")
        self._process = None
        self._admin = None
        self._known_by_address = False
        self._called = [self.address] + ([] if partner else ["127.0.0.1", "127.9.9.9"])

        self.authority = partner.authority if partner else None
        self.ca_file, certificate, key = self._certify()
        addresses = [self.address] + ([partner.address] if partner else [])
        self._settings = {
            "domain": DOMAIN, "realm": REALM, "dns": self.dns_domain, "name": name.upper(),
            "ldap_processes": ldap_processes, "address": self.address, "folder": self.folder,
            "key": key, "certificate": certificate, "ca": self.ca_file, "services": services,
            "kdcs": "\n".join(f"\t\tkdc = {address}:88" for address in addresses)}
        self.ldaps_url = f"ldaps://{self.address}"
        self.ldap_url = f"ldap://{self.address}"
        self.krb5_config = self.folder / "etc/krb5.conf"
        self._smb_conf = self.folder / "etc/smb.conf"
        self._database = self.folder / "private/sam.ldb"
        self._make_folders()
        if partner:
            self._join(partner)
        else:
            self._provision()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def _certify(self):
        """An authority and the server's certificate by it, in place of any that were there."""
        if self.authority is None or self.authority.folder == self.folder / "tls":
            self.authority = Authority(self.folder / "tls")
        return (self.authority.ca_file,
                *self.authority.issue(self.name, [self.host_name], [self.address]))

    # Lifecycle ---------------------------------------------------------------------------------

    def _tool(self, *arguments):
        environment = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                       "KRB5_CONFIG": str(self.krb5_config)}
        done = subprocess.run([str(argument) for argument in arguments], capture_output=True,
                              text=True, timeout=180, stdin=subprocess.DEVNULL, env=environment)
        if done.returncode != 0:
            raise ServerError(f"{arguments[0]} {arguments[1]}: {done.stdout}{done.stderr}")
        return done.stdout

    def _make_folders(self):
        for part in ("etc", "lock", "run", "log", "cache", "state", "bind-dns", "run/ncalrpc",
                     "run/winbindd", "run/ntp_signd"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        # An empty configuration, or provisioning copies all of /etc/samba/smb.conf.
        (self.folder / "etc/empty.conf").write_text("")
        self.krb5_config.write_text(_KRB5_CONF.format(**self._settings))

    def _join(self, partner):
        self._tool("samba-tool", "domain", "join", REALM, "DC",
                   f"--configfile={self.folder / 'etc/empty.conf'}", f"--targetdir={self.folder}",
                   f"--server={partner.host_name}", f"-U{DOMAIN}\\Administrator%{ADMIN_PASSWORD}",
                   "--dns-backend=NONE", f"--option=netbios name={self.name.upper()}",
                   f"--option=interfaces={self.address}/8", "--option=bind interfaces only=yes")
        self._smb_conf.write_text(_SMB_CONF.format(**self._settings))

    def _provision(self):
        empty = self.folder / "etc/empty.conf"
        self._tool("samba-tool", "domain", "provision", f"--configfile={empty}",
                   f"--targetdir={self.folder}", f"--realm={REALM}", f"--domain={DOMAIN}",
                   f"--adminpass={ADMIN_PASSWORD}", "--server-role=dc", "--dns-backend=NONE",
                   f"--host-name={self.name}", f"--host-ip={self.address}",
                   f"--option=interfaces={self.address}/8", "--option=bind interfaces only=yes")
        self._smb_conf.write_text(_SMB_CONF.format(**self._settings))
        self._tool("samba-tool", "domain", "passwordsettings", "set", "-H", self._database,
                   f"--configfile={self._smb_conf}", "--complexity=off", "--min-pwd-length=0",
                   "--min-pwd-age=0", "--max-pwd-age=0", "--history-length=0")
        # Kerberos for ldap/… works only once the names of the services are registered.
        self._tool("samba_spnupdate", f"--configfile={self._smb_conf}")

    def start(self):
        """Returns when the directory answers and calls itself synchronised."""
        # Samba in the foreground ends by itself when its standard input is closed.
        self._process = Process(
            ["/usr/sbin/samba", "-s", self._smb_conf, "-l", self.folder / "log", "-F", "-M",
             "prefork"], self.folder / "log/output", env={"KRB5_CONFIG": str(self.krb5_config)},
            stdin=subprocess.PIPE)
        self._process.wait_until(self._synchronised, 60, "isSynchronized on the rootDSE")
        if not self._known_by_address:
            # Kerberos by address, which no name service has to know; the others are relays.
            self.admin.modify(self.user_dn(f"{self.name}$"), {"servicePrincipalName": [
                (ldap3.MODIFY_ADD, [f"ldap/{address}" for address in self._called])]})
            self._known_by_address = True

    def _synchronised(self):
        try:
            with self.connect(user=None) as connection:
                connection.search("", "(objectClass=*)", ldap3.BASE, attributes=["isSynchronized"])
                return connection.entries[0]["isSynchronized"].value in (True, "TRUE")
        except ldap3.core.exceptions.LDAPException:
            return False

    def running(self):
        return self._process is not None

    def stop(self):
        """Stops the server and keeps its folder, so that start() continues with the same data."""
        if self._admin is not None:
            with contextlib.suppress(ldap3.core.exceptions.LDAPException):
                self._admin.unbind()
            self._admin = None
        if self._process is not None:
            self._process.stop()
            self._process = None

    def rotate_certificates(self):
        """Another authority and another certificate, which the server shows from now on."""
        self.stop()
        self._certify()
        self.start()

    def kill(self):
        """As a power cut would. The folder stays."""
        self._process.kill()
        self.stop()

    def pull(self, partner):
        """Replicates from a partner, which runs, all that it has. Services without drepl do it at
        no other time."""
        self._tool("samba-tool", "drs", "replicate", self.host_name, partner.host_name,
                   self.base_dn, "--local", "-P", f"--configfile={self._smb_conf}")

    def backup(self):
        """A copy of the database of a stopped server, for restore()."""
        copy = self.folder / "backup"
        shutil.copytree(self._database.parent, copy, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("ldapi"))  # sockets
        return copy

    def restore(self, copy):
        """Puts a copy of the database back, as a disk image would be; the server is stopped."""
        shutil.rmtree(self._database.parent)
        shutil.copytree(copy, self._database.parent)

    def replace_invocation_id(self):
        """As a proper restore does; the server is stopped."""
        # Here, because these modules exist for Debian's own Python only.
        import ldb
        from samba.auth import system_session
        from samba.dcerpc import misc
        from samba.ndr import ndr_pack
        from samba.param import LoadParm
        from samba.samdb import SamDB

        parameters = LoadParm()
        parameters.load(str(self._smb_conf))
        database = SamDB(url=str(self._database), session_info=system_session(), lp=parameters)
        change = ldb.Message(ldb.Dn(database, database.get_dsServiceName()))
        change["invocationId"] = ldb.MessageElement(
            ndr_pack(misc.GUID(str(uuid.uuid4()))), ldb.FLAG_MOD_REPLACE, "invocationId")
        database.modify(change, ["relax:0"])

    def close(self):
        self.stop()
        remove_folder(self.folder)

    # Reading and changing ----------------------------------------------------------------------

    def connect(self, user="", password=None):
        """An LDAPS connection; the administrator's unless a user is named, anonymous for None."""
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(self.ca_file),
                        valid_names=[self.host_name, self.address])
        server = ldap3.Server(self.address, port=636, use_ssl=True, tls=tls, get_info=ldap3.NONE,
                              connect_timeout=10)
        if user == "":
            user, password = self.admin_user, self.admin_password
        return ldap3.Connection(server, user=user, password=password, auto_bind=True,
                                raise_exceptions=True, receive_timeout=60)

    @property
    def admin(self):
        if self._admin is None:
            self._admin = self.connect()
        return self._admin

    def user_dn(self, sam):
        """The DN of the account that is (or, deleted, was) called `sam`."""
        return self._entry(sam, ["distinguishedName"])[0]

    def _entry(self, sam, attributes):
        found = self.admin.extend.standard.paged_search(
            self.base_dn, f"(sAMAccountName={escape_filter_chars(sam)})", ldap3.SUBTREE,
            attributes=attributes, controls=[(SHOW_DELETED, True, None)], generator=False)
        entries = [entry for entry in found if entry["type"] == "searchResEntry"]
        if len(entries) != 1:
            raise KeyError(f"{len(entries)} accounts are called {sam}")
        return entries[0]["dn"], entries[0]["raw_attributes"]

    def read_attribute(self, sam, attribute):
        """The attribute's values as bytes; an empty list when it has none."""
        return self._entry(sam, [attribute])[1].get(attribute, [])

    def object_guid(self, sam):
        return str(uuid.UUID(bytes_le=self.read_attribute(sam, "objectGUID")[0]))

    def user_account_control(self, sam):
        return int(self.read_attribute(sam, "userAccountControl")[0])

    def highest_usn(self):
        self.admin.search("", "(objectClass=*)", ldap3.BASE, attributes=["highestCommittedUSN"])
        return int(self.admin.entries[0]["highestCommittedUSN"].value)

    def create_ou(self, name):
        dn = f"OU={name},{self.base_dn}"
        self.admin.add(dn, ["organizationalUnit"])
        return dn

    def create_user(self, sam, parent_dn=None, **attributes):
        """An enabled account without a password. Returns its DN."""
        dn = f"CN={sam},{parent_dn or self.users_dn}"
        self.admin.add(dn, ["user"], {
            "sAMAccountName": sam, "userPrincipalName": f"{sam}@{self.dns_domain}",
            "userAccountControl": NORMAL_ACCOUNT | PASSWORD_NOT_REQUIRED, **attributes})
        return dn

    def create_users(self, count, prefix="user", parent_dn=None):
        """`count` enabled accounts; returns their names, prefix0001 and so on."""
        names = [f"{prefix}{number:04d}" for number in range(1, count + 1)]
        for name in names:
            self.create_user(name, parent_dn)
        return names

    def set_attribute(self, sam, attribute, *values):
        """Replaces the attribute's values; with none it is removed."""
        self.admin.modify(self.user_dn(sam), {attribute: [(ldap3.MODIFY_REPLACE, list(values))]})

    def disable(self, sam):
        self.set_attribute(sam, "userAccountControl",
                           self.user_account_control(sam) | ACCOUNT_DISABLED)

    def enable(self, sam):
        self.set_attribute(sam, "userAccountControl",
                           self.user_account_control(sam) & ~ACCOUNT_DISABLED)

    def delete(self, sam):
        self.admin.delete(self.user_dn(sam))

    def set_password(self, sam, password):
        self.set_attribute(sam, "unicodePwd", f'"{password}"'.encode("utf-16-le"))

    def write_keytab(self, sam, path):
        """Replaces `path` by a keytab of the account's keys of this moment, whole at once. Returns
        its principal."""
        fresh = f"{path}.new"
        principal = f"{sam}@{REALM}"
        self._tool("samba-tool", "domain", "exportkeytab", fresh, f"--principal={principal}",
                   f"--configfile={self._smb_conf}")
        os.replace(fresh, path)
        return principal

    def write_credential_cache(self, keytab, principal, path, *options):
        """Tickets of the account in a file, by kinit."""
        self._tool("kinit", "-k", "-t", keytab, "-c", path, *options, principal)

    def create_service_account(self, sam="svc-drift", password="Drift.Reader1", deleted_objects=True):
        """A plain account with a password, what driftwarden binds as. Returns its UPN. Without
        `deleted_objects` it cannot see tombstones, as on a domain where nobody granted it."""
        self.create_user(sam)
        self.set_password(sam, password)
        self.set_attribute(sam, "userAccountControl", NORMAL_ACCOUNT)
        if deleted_objects:
            self.grant_deleted_objects(sam)
        return f"{sam}@{self.dns_domain}"

    def grant_replication(self, sam):
        """Replicating Directory Changes on the domain's head, which DirSync needs."""
        self._tool("samba-tool", "dsacl", "set", "-H", self._database,
                   f"--configfile={self._smb_conf}", f"--objectdn={self.base_dn}",
                   "--car=get-changes", "--action=allow", f"--trusteedn={self.user_dn(sam)}")

    def local_database(self):
        """The directory as its own system sees it, beside the running server."""
        from samba.auth import system_session
        from samba.param import LoadParm
        from samba.samdb import SamDB

        parameters = LoadParm()
        parameters.load(str(self._smb_conf))
        return SamDB(url=str(self._database), session_info=system_session(), lp=parameters)

    def grant_deleted_objects(self, sam):
        """List Contents and Read Property on the Deleted Objects container, as `dsacls` on Windows.
        Done on the database: over LDAP even an administrator must take ownership first."""
        # Here, because these modules exist for Debian's own Python only.
        from samba.dcerpc import security
        from samba.ndr import ndr_unpack
        from samba.sd_utils import SDUtils

        sid = ndr_unpack(security.dom_sid, self.read_attribute(sam, "objectSid")[0])
        SDUtils(self.local_database()).dacl_prepend_aces(f"CN=Deleted Objects,{self.base_dn}",
                                            f"(A;CI;RPLCLORC;;;{sid})", controls=["show_deleted:1"])
