"""People of a real forest whose accounts in Entra are simulated."""

import base64
import itertools

from samba.dcerpc import security
from samba.ndr import ndr_unpack
from simulation import sam_of

PASSWORD = "Drift.Reader1"
_SERIAL = itertools.count(1)


class Proof:
    """A Samba forest whose people are paired with accounts of the simulated tenant."""

    def __init__(self, controller, simulation):
        self.controller = controller
        self.simulation = simulation
        self.twins = {}

    def hire(self, name):
        """An account in Samba and its twin in Entra, synchronised. Returns its sAMAccountName,
        which nobody had before: a tombstone keeps its name."""
        sam = f"{name}{next(_SERIAL)}"
        dn = self.controller.create_user(sam)
        twin = sam_of(len(self.twins) + 1)
        guid = self.controller.read_attribute(sam, "objectGUID")[0]
        sid = ndr_unpack(security.dom_sid, self.controller.read_attribute(sam, "objectSid")[0])
        self.simulation.change(twin, "adopt", immutable_id=base64.b64encode(guid).decode(),
                               sid=str(sid), sam=sam, dn=dn,
                               upn=f"{sam}@{self.controller.dns_domain}")
        self.twins[sam] = twin
        return sam

    def sync(self, sam, verb):
        """The sync engine catches up with what happened in Samba."""
        self.simulation.change(self.twins[sam], verb)
        self.simulation.sync(run=True)

    def entra(self, sam):
        return self.simulation.entra(self.twins[sam])

    def revokes(self, sam):
        return self.simulation.revokes(self.twins[sam])

    def config(self, folder, alertmanager=None, user="svc-proof", **source):
        """For the account `user`; `source` replaces what is said of the forest."""
        config = self.simulation.fast_config()
        password_file = folder / "ad.pw"
        password_file.touch(mode=0o600)
        password_file.write_text(PASSWORD)
        config["active_directory"] = [{
            "name": "corp", "servers": [self.controller.ldaps_url],
            "ca_file": str(self.controller.ca_file),
            "bind": {"method": "simple", "user": f"{user}@{self.controller.dns_domain}",
                     "password_file": str(password_file)},
            "poll_interval": "300ms", **source}]
        if alertmanager is not None:
            # Far longer than any wait here: what is resolved was told so and did not run out.
            config["alerting"] = {"alertmanagers": [{"url": alertmanager.url}],
                                  "resend_interval": "5m"}
        return config
