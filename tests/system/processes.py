"""Real servers as child processes: bounded starts, stops by pid, nothing left behind."""

import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class ServerError(RuntimeError):
    """A server did not do what the harness needs of it; the text ends with its log's tail."""


def _die_with_parent():
    """A killed test run takes its servers with it."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(condition, timeout, what, interval=0.05):
    """Calls condition() until it gives something true and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout} s: {what}")
        time.sleep(interval)


def free_port(address="127.0.0.1"):
    """A port that nobody listens on now, for programs that cannot be given port 0."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def private_folder(name):
    """A folder of its own below the system's temporary folder; the path is short enough for
    Unix sockets."""
    return pathlib.Path(tempfile.mkdtemp(prefix=f"dw-{name}-"))


def remove_folder(folder):
    """Removes a private folder, unless DRIFTWARDEN_KEEP asks to look into it afterwards."""
    if os.environ.get("DRIFTWARDEN_KEEP"):
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)


class Process:
    """A child in a session of its own, its output in a file."""

    def __init__(self, arguments, log, env=None, stdin=subprocess.DEVNULL):
        self.name = pathlib.Path(arguments[0]).name
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as output:
            self._popen = subprocess.Popen(
                [str(argument) for argument in arguments], stdin=stdin, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_die_with_parent,
                env={**os.environ, **(env or {})})
        self.pid = self._popen.pid

    def running(self):
        return self._popen.poll() is None

    @property
    def exit_code(self):
        """None while it runs; -N when signal N ended it."""
        return self._popen.poll()

    def wait(self, timeout=30):
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ServerError(f"{self.name} did not end within {timeout} s\n{self.tail()}") from None

    def send_signal(self, number):
        self._popen.send_signal(number)

    def stop(self, timeout=20):
        """SIGTERM, and SIGKILL for whatever of its session is left after the time-out.
        Returns the exit code."""
        if self.running():
            self._popen.terminate()
        try:
            self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        return self.kill()

    def kill(self):
        """SIGKILL for the process and what it started. Returns the exit code."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        code = self._popen.wait(10)
        if self._popen.stdin:
            self._popen.stdin.close()
        return code

    def tail(self, lines=40):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def wait_until(self, condition, timeout, what):
        """Waits for the condition, or fails early, with the log, when the process ends."""
        def check():
            value = condition()
            if not value and not self.running():
                raise ServerError(f"{self.name} ended with {self.exit_code}\n{self.tail()}")
            return value

        try:
            return wait_for(check, timeout, what)
        except TimeoutError as error:
            raise ServerError(f"{self.name}: {error}\n{self.tail()}") from None
