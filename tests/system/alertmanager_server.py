"""Debian's Alertmanager on a free loopback port, with a data folder of its own."""

import requests
import yaml

from processes import ServerError, wait_for
from prometheus_server import WebServer


class Alertmanager(WebServer):
    """Keeps what it is sent; with `webhook` it also posts notifications there."""

    def __init__(self, webhook=None):
        super().__init__("alertmanager")
        receiver = {"name": "tests"}
        if webhook:
            receiver["webhook_configs"] = [{"url": webhook, "send_resolved": True}]
        self._config = {
            "route": {"receiver": "tests", "group_by": ["..."], "group_wait": "0s",
                      "group_interval": "1s", "repeat_interval": "1h"},
            "receivers": [receiver]}

    def arguments(self, address):
        config = self.folder / "alertmanager.yml"
        config.write_text(yaml.safe_dump(self._config))
        return ["/usr/bin/prometheus-alertmanager", f"--config.file={config}",
                f"--storage.path={self.folder / 'data'}", f"--web.listen-address={address}",
                "--cluster.listen-address="]

    def alerts(self, **labels):
        """Firing alerts that carry these labels, as the API tells them. Resolved ones are gone."""
        parameters = {"filter": [f'{name}="{value}"' for name, value in labels.items()]}
        return self.get("/api/v2/alerts", **parameters)

    def wait_for_alert(self, timeout=30, **labels):
        return wait_for(lambda: self.alerts(**labels), timeout, f"an alert {labels}", 0.2)[0]

    def wait_until_resolved(self, timeout=30, **labels):
        wait_for(lambda: not self.alerts(**labels), timeout, f"no alert {labels}", 0.2)

    def post(self, alerts):
        """Sends alerts the way any client does."""
        answer = requests.post(f"{self.url}/api/v2/alerts", json=alerts, timeout=20)
        if answer.status_code != 200:
            raise ServerError(f"alertmanager: {answer.status_code} {answer.text}")
