"""The vendor's own client libraries, installed from tests/clients' lock file."""

import json
import os
import pathlib
import shutil
import subprocess

from processes import private_folder, remove_folder

_SOURCE = pathlib.Path(__file__).resolve().parents[1] / "clients"


class VendorClients:
    """npm's packages in a folder of their own; what is missing is an error, never a skip."""

    def __init__(self):
        self.folder = private_folder("npm")

    def install(self):
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(_SOURCE / name, self.folder)
        for script in _SOURCE.glob("*.mjs"):
            shutil.copy(script, self.folder)
        self._run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"])
        return self

    def close(self):
        remove_folder(self.folder)

    def msal(self, ca_file, **wish):
        """What msal-node makes of each of the wish's credentials, by name."""
        path = self.folder / "wish.json"
        path.write_text(json.dumps(wish))
        told = self._run(["node", "msal.mjs", path], NODE_EXTRA_CA_CERTS=ca_file)
        return {result["name"]: result for result in json.loads(told)}

    def graph(self, ca_file, **wish):
        """What microsoft-graph-client makes of each of the wish's steps, in their order."""
        path = self.folder / "wish.json"
        path.write_text(json.dumps(wish))
        return json.loads(self._run(["node", "graph.mjs", path], NODE_EXTRA_CA_CERTS=ca_file))

    def _run(self, command, **variables):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300,
                              stdin=subprocess.DEVNULL, env={**os.environ, **variables})
        assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout
