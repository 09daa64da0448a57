"""Every way to prove that we are the application, rotation while running, and proxies."""

import pathlib
import shutil

import pytest
import yaml

from certificates import Authority
from connect_proxy import ConnectProxy
from processes import wait_for
from simulation import wait_for_baseline


def _source(daemon):
    return next(item for item in daemon.status()["sources"] if item["name"] == "contoso")


def _wait_for_error(daemon, *parts):
    """Until the source's error holds all of `parts`."""
    return wait_for(lambda: _says(daemon, parts), 40, f"the error {parts}", 0.2)


def _says(daemon, parts):
    error = _source(daemon).get("error") or ""
    return error if all(part in error for part in parts) else None


@pytest.mark.parametrize("credential", ["certificate", "federated", "managed_identity"])
def test_each_credential_reads_the_tenant(make_simulation, make_daemon, credential):
    world = make_simulation(credential=credential)
    daemon = make_daemon(world.fast_config())
    daemon.start(env={"AZURE_POD_IDENTITY_AUTHORITY_HOST": world.imds_url})
    wait_for_baseline(daemon)
    assert not _source(daemon).get("error")


def test_a_certificate_is_rotated_while_it_runs(make_simulation, make_daemon, tmp_path):
    """What is wrong is told with its mend, and ends by itself once the files are right."""
    world = make_simulation(credential="certificate")
    config = world.fast_config()
    credential = config["entra"][0]["credential"]
    right = {key: pathlib.Path(credential[key]).read_bytes()
             for key in ("certificate_file", "private_key_file")}
    stranger = Authority(tmp_path / "stranger").issue("app", ["app"])
    for key, path in zip(right, stranger):
        credential[key] = str(tmp_path / key)
        shutil.copy(path, credential[key])
    daemon = make_daemon(config)
    daemon.start()
    _wait_for_error(daemon, "700027", "upload the certificate in", credential["certificate_file"])
    for key, content in right.items():
        pathlib.Path(credential[key]).write_bytes(content)
    wait_for_baseline(daemon)
    assert "PRIVATE KEY" not in daemon.log_text()


def test_refusals_are_told_by_class_with_the_mend(simulation, make_daemon):
    simulation.fault(token_error=7000222)
    daemon = make_daemon(simulation.fast_config())
    daemon.start()
    _wait_for_error(daemon, "7000222", "the client secret has expired")
    simulation.fault(token_error=90055)
    _wait_for_error(daemon, "AADSTS90055", "too many requests")
    simulation.mend()
    wait_for_baseline(daemon)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_tenant_is_reached_through_a_proxy(simulation, make_daemon, tmp_path, scheme):
    authority = Authority(tmp_path / "proxy", "the proxy's CA")
    certificate = authority.issue("proxy", addresses=["127.0.0.1"]) if scheme == "https" else None
    with ConnectProxy("user:pass word", certificate, {"localhost": "127.0.0.1"}) as proxy:
        config = simulation.fast_config()
        entra = config["entra"][0]
        port = simulation.graph_url.rsplit(":", 1)[1]
        entra["endpoints"] = {"login": f"https://localhost:{port}",
                              "graph": f"https://localhost:{port}"}
        both = tmp_path / "ca.pem"
        both.write_bytes(pathlib.Path(entra["ca_file"]).read_bytes() +
                         authority.ca_file.read_bytes())
        password = tmp_path / "proxy.pw"
        password.write_text("user:wrong")
        entra.update(ca_file=str(both), proxy=proxy.url, proxy_credentials_file=str(password))
        daemon = make_daemon(config)
        daemon.start()
        _wait_for_error(daemon, f"proxy {proxy.url.split('//')[1]}", "407",
                        "proxy_credentials_file")
        proxy.refuse = True
        password.write_text("user:pass word\n")
        _wait_for_error(daemon, "refuses a tunnel to localhost", "403 Forbidden")
        proxy.refuse = False
        wait_for_baseline(daemon)
        assert set(proxy.asked) == {f"localhost:{port}"}
        assert "pass word" not in daemon.log_text()


def test_a_metadata_service_is_asked_directly(make_simulation, make_daemon):
    world = make_simulation(credential="managed_identity")
    with ConnectProxy() as proxy:
        config = world.fast_config()
        config["entra"][0]["proxy"] = proxy.url
        daemon = make_daemon(config)
        daemon.start(env={"AZURE_POD_IDENTITY_AUTHORITY_HOST": world.imds_url})
        wait_for_baseline(daemon)
        assert set(proxy.asked) == {world.graph_url.split("//")[1]}


# The vendor's own client ------------------------------------------------------------------------


def test_the_vendors_client_and_ours_are_told_the_same(make_simulation, make_daemon,
                                                       vendor_clients, tmp_path):
    """msal-node, unmodified: its assertions are accepted where ours are, and it is refused with
    the same errors."""
    world = make_simulation(credential="certificate")
    entra = world.config["entra"][0]
    host = world.graph_url.split("//")[1]
    certificate = {"certificate": entra["credential"]["certificate_file"],
                   "key": entra["credential"]["private_key_file"]}
    stranger = Authority(tmp_path / "stranger").issue("app", ["app"])
    secret = (world.folder / "world/graph.secret").read_text()
    wish = {"authority": f"{world.graph_url}/{entra['tenant_id']}/", "host": host,
            "clientId": entra["credential"]["client_id"], "scope": f"{world.graph_url}/.default"}

    def msal(*credentials):
        return vendor_clients.msal(world.ca_file, credentials=list(credentials), **wish)

    theirs = msal({"name": "secret", "secret": secret}, {"name": "wrong", "secret": "wrong"},
                  {"name": "ps256", **certificate}, {"name": "rs256", "form": "rs256",
                                                     **certificate},
                  {"name": "stranger", "certificate": str(stranger[0]), "key": str(stranger[1])})
    for name in ("secret", "ps256", "rs256"):
        assert theirs[name].get("token", "").startswith("sim."), theirs[name]
    for name, code in (("wrong", "7000215"), ("stranger", "700027")):
        assert theirs[name]["error"] == "invalid_client" and code in theirs[name]["message"]

    def ours(**changes):
        config = yaml.safe_load(yaml.safe_dump(world.fast_config()))
        mine = {"client_id": wish["clientId"], **changes}
        config["entra"][0]["credential"] = mine
        daemon = make_daemon(config)
        return daemon.start()

    files = {"certificate_file": certificate["certificate"], "private_key_file": certificate["key"]}
    for form in ("ps256", "rs256"):
        daemon = ours(assertion=form, **files)
        wait_for_baseline(daemon)
        daemon.stop()
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    _wait_for_error(ours(secret_file=str(wrong)), "invalid_client", "7000215")
    _wait_for_error(ours(certificate_file=str(stranger[0]), private_key_file=str(stranger[1])),
                    "invalid_client", "700027")
    world.fault(token_error=7000222)
    expired = msal({"name": "expired", "secret": secret})["expired"]
    assert expired["error"] == "invalid_client" and "7000222" in expired["message"]
    right = tmp_path / "right"
    right.write_text(secret)
    _wait_for_error(ours(secret_file=str(right)), "invalid_client", "7000222")
