"""Fixtures: real servers once a session where they are dear, daemons one a test."""

import re

import pytest

import driftwarden
from alertmanager_server import Alertmanager
from prometheus_server import Prometheus
from samba_dc import SambaDc
from simulation import Simulation
from vendor_clients import VendorClients


def pytest_addoption(parser):
    parser.addoption("--only", metavar="REGEX", help="run only tests whose name matches")


def pytest_collection_modifyitems(config, items):
    pattern = config.getoption("--only")
    if not pattern:
        return
    matching = [item for item in items if re.search(pattern, item.nodeid)]
    config.hook.pytest_deselected(items=[item for item in items if item not in matching])
    items[:] = matching


@pytest.fixture(scope="session")
def domain_controller():
    """One Samba domain controller for all tests; each test makes people of its own in it."""
    with SambaDc() as controller:
        yield controller


@pytest.fixture(scope="session")
def vendor_clients():
    """The vendor's client libraries, unmodified."""
    clients = VendorClients()
    try:
        yield clients.install()
    finally:
        clients.close()


@pytest.fixture
def prometheus():
    """A Prometheus without targets; a test adds its own with set_targets()."""
    with Prometheus() as server:
        yield server


@pytest.fixture
def alertmanager():
    with Alertmanager() as server:
        yield server


@pytest.fixture(scope="session")
def binary():
    """The driftwarden program."""
    return driftwarden.binary()


@pytest.fixture
def make_daemon(binary):  # pylint: disable=unused-argument
    """make_daemon(config) gives a Daemon that has not been started; all are stopped at the end."""
    made = []

    def make(config, folder=None):
        made.append(driftwarden.Daemon(config, folder))
        return made[-1]

    yield make
    for daemon in made:
        daemon.close()


@pytest.fixture
def make_simulation(binary):  # pylint: disable=unused-argument
    """make_simulation(...) gives a running Simulation; all are stopped at the end."""
    made = []

    def make(**options):
        made.append(Simulation(**options))
        return made[-1].start()

    yield make
    for simulation in made:
        simulation.close()


@pytest.fixture
def simulation(make_simulation):
    """Sixty people on both sides, and a sync engine that runs when it is told to."""
    return make_simulation()
