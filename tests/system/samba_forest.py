"""Two real domain controllers in one forest, which replicate only when they are told to."""

import contextlib
import fcntl
import random

from samba_dc import SambaDc

HOSTS = "/etc/hosts"


class HostsLine:
    """One line in the system's host names while it is open; other runs may have theirs."""

    def __init__(self, line):
        self._line = f"{line}\n"
        self._change(lambda lines: lines + [self._line])

    def close(self):
        self._change(lambda lines: [line for line in lines if line != self._line])

    @staticmethod
    def _change(how):
        with open(HOSTS, "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines = how(file.readlines())
            file.seek(0)
            file.writelines(lines)
            file.truncate()


class Forest:
    """`first` and `second`, both running; a replica is brought up to date with
    second.pull(first) and the other way round. Their names are nobody else's."""

    def __init__(self):
        self._open = contextlib.ExitStack()
        serial = f"{random.randrange(1 << 16):04x}"
        try:
            self.first = self._start(f"dca{serial}")
            self.second = self._start(f"dcb{serial}", self.first)
        except BaseException:
            self.close()
            raise

    def _start(self, name, partner=None):
        controller = SambaDc(name, partner, services="ldap, cldap, kdc, rpc")
        self._open.callback(controller.close)
        line = HostsLine(f"{controller.address} {controller.host_name} {controller.name}")
        self._open.callback(line.close)
        controller.start()
        return controller

    def close(self):
        self._open.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
