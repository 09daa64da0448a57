"""Debian's Prometheus on a free loopback port, with a data folder of its own."""

import pathlib

import requests
import yaml

from processes import Process, ServerError, free_port, private_folder, remove_folder, wait_for


class WebServer:
    """What Prometheus and Alertmanager share: start on a free port, wait until ready, stop."""

    def __init__(self, name):
        self.name = name
        self.folder = private_folder(name)
        self.url = ""
        self._process = None

    def arguments(self, address):
        """The command line that listens on `address` (host:port)."""
        raise NotImplementedError

    def start(self):
        # Somebody else may take the port between the choice and the start: then choose again.
        for attempt in range(3):
            address = f"127.0.0.1:{free_port()}"
            self.url = f"http://{address}"
            self._process = Process(self.arguments(address), self.folder / "log")
            try:
                self._process.wait_until(self._ready, 60, f"{self.url}/-/ready")
                return self
            except ServerError:
                self._process.kill()
                if attempt == 2 or "address already in use" not in self._process.tail():
                    raise
        return self

    def _ready(self):
        try:
            return requests.get(f"{self.url}/-/ready", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def get(self, path, **parameters):
        answer = requests.get(f"{self.url}{path}", params=parameters, timeout=20)
        if answer.status_code != 200:
            raise ServerError(f"{self.name} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def stop(self):
        if self._process is not None:
            self._process.stop()
            self._process = None

    def close(self):
        self.stop()
        remove_folder(self.folder)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()


class Prometheus(WebServer):
    """Scrapes `targets` (host:port) every second; `rule_files` are loaded as they are."""

    def __init__(self, targets=(), rule_files=(), alertmanagers=(), scrape_interval="1s"):
        super().__init__("prometheus")
        self._config = {
            "global": {"scrape_interval": scrape_interval, "scrape_timeout": scrape_interval,
                       "evaluation_interval": scrape_interval},
            "rule_files": [str(pathlib.Path(file).resolve()) for file in rule_files],
            "scrape_configs": [{"job_name": "driftwarden",
                                "static_configs": [{"targets": list(targets)}]}],
            "alerting": {"alertmanagers": [
                {"static_configs": [{"targets": list(alertmanagers)}]}]},
        }

    def arguments(self, address):
        config = self.folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(self._config))
        return ["/usr/bin/prometheus", f"--config.file={config}",
                f"--storage.tsdb.path={self.folder / 'data'}", f"--web.listen-address={address}",
                "--web.enable-lifecycle"]

    def set_targets(self, targets):
        """Scrapes these from now on."""
        self._config["scrape_configs"][0]["static_configs"] = [{"targets": list(targets)}]
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(self._config))
        answer = requests.post(f"{self.url}/-/reload", timeout=20)
        if answer.status_code != 200:
            raise ServerError(f"prometheus refused its configuration: {answer.text}")

    def query(self, expression):
        """The instant vector as a list of (labels, value)."""
        result = self.get("/api/v1/query", query=expression)["data"]["result"]
        return [(sample["metric"], float(sample["value"][1])) for sample in result]

    def wait_for_query(self, expression, timeout=30):
        """The first answer with something in it."""
        return wait_for(lambda: self.query(expression), timeout, f"an answer to {expression}", 0.25)

    def rules(self):
        """Every loaded rule."""
        groups = self.get("/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]
