"""The program under test, driven only through its contract: files, HTTP, signals, exit codes."""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess

import requests
import yaml

from processes import Process, private_folder, remove_folder


def binary():
    """DRIFTWARDEN_BINARY, else the release build of this tree."""
    named = os.environ.get("DRIFTWARDEN_BINARY")
    root = pathlib.Path(__file__).resolve().parents[2]
    path = pathlib.Path(named) if named else root / "build/release/daemon/driftwarden"
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is not there; run script/build, or name the program in "
                                "DRIFTWARDEN_BINARY")
    return path


def run_command(*arguments, timeout=60, env=None):
    """One client verb to its end: a CompletedProcess with text output."""
    return subprocess.run([str(binary()), *map(str, arguments)], capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})


class UnixHttp(http.client.HTTPConnection):
    """HTTP over control.sock."""

    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Daemon:
    """`driftwarden run` over a configuration. The listener is put on a free port and the data
    directory into the daemon's own folder, unless the configuration says otherwise."""

    def __init__(self, config, folder=None):
        self._own_folder = folder is None
        self.folder = pathlib.Path(folder) if folder else private_folder("run")
        self.config = {"data_dir": str(self.folder / "data"), **config}
        self.config.setdefault("http", {}).setdefault("listen", "127.0.0.1:0")
        self.data_dir = pathlib.Path(self.config["data_dir"])
        self.config_file = self.folder / "driftwarden.yaml"
        self.log = self.folder / "driftwarden.log"
        self.process = None
        self.run_info = None
        self.write_config()

    def write_config(self):
        self.config_file.write_text(yaml.safe_dump(self.config, sort_keys=False))

    def secret(self, name, value):
        """Writes a secret into the daemon's folder and returns its path."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(value)
        return str(path)

    def start(self, timeout=60, env=None, wait=True):
        """Returns when run.json of this very process is there, that is, its listeners are up."""
        self.run_info = None
        self.process = Process([binary(), "run", "--config", self.config_file], self.log, env=env)
        if wait:
            self.run_info = self.process.wait_until(self._read_run_info, timeout, "run.json")
        return self

    def _read_run_info(self):
        try:
            info = json.loads((self.data_dir / "run.json").read_text())
        except FileNotFoundError:
            return None
        return info if info["pid"] == self.process.pid else None

    @property
    def url(self):
        address = self.run_info["http"]
        return address if "://" in address else f"http://{address}"

    @property
    def address(self):
        """host:port, as Prometheus wants its targets."""
        return self.url.split("://", 1)[1].rstrip("/")

    def request(self, method, path, body=None, timeout=30):
        return requests.request(method, f"{self.url}{path}", json=body, timeout=timeout)

    def get(self, path, **parameters):
        """The JSON answer of a GET below /api/v1, which must be a 200."""
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def status(self):
        return self.get("status")

    def metrics(self):
        answer = self.request("GET", "/metrics")
        assert answer.status_code == 200, answer.text
        return answer.text

    def control(self, method, path, body=None):
        """(status code, JSON or None) of a request over control.sock, the writer's door."""
        connection = UnixHttp(self.run_info["socket"])
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def command(self, *arguments, timeout=60):
        """A client verb against this daemon; the options follow the verb."""
        return run_command(*arguments, "--config", self.config_file, timeout=timeout)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, timeout=30):
        """SIGTERM; the exit code, which a healthy daemon keeps at 0."""
        if self.process is None:
            return None
        code, self.process = self.process.stop(timeout), None
        return code

    def kill(self):
        """SIGKILL, as a power cut would; the data directory stays."""
        code, self.process = self.process.kill(), None
        return code

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def close(self):
        if self.process is not None:
            self.process.stop()
            self.process = None
        if self._own_folder:
            remove_folder(self.folder)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
