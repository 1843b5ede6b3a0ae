"""A whole marketplace for the tests of this folder, started once."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from marketplace_process import ROOT, SERVICES, Launcher, Marketplace, Running, StandIn

# some things are tested in this process: settings and tokens of another time
sys.path.insert(0, str(ROOT / "reference"))


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    launcher = Launcher(tmp_path_factory.mktemp("marketplace"))
    yield launcher
    launcher.end_all()


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server
        server.shutdown()


@pytest.fixture(scope="session")
def marketplace(launcher: Launcher, stand_in: StandIn) -> Marketplace:
    running: dict[str, Running] = {}
    for name in SERVICES:  # in this order each one's dependencies come first
        running[name] = launcher.launch(name, f"{name}-1")
        launcher.urls[f"{name.upper()}_URL"] = running[name].url
    running["disturbed"] = launcher.launch("leads", "leads-2", SEATRIAL_FAULTS="enabled")
    away = f"http://127.0.0.1:{running['users'].faults_port}"  # nobody listens: these switches are off
    others = {"AUTH_URL": stand_in.url, "LEADS_URL": running["disturbed"].url, "USERS_URL": away, "STUCK_READY": "1"}
    running["forlorn"] = launcher.launch("buyers", "buyers-2", SEATRIAL_FAULTS="enabled", **others)
    for each in running.values():
        each.await_start()
    answer = running["auth"].post("/v1/login", json={"username": "ada", "password": "ada-secret"})
    launcher.token = answer.json()["token"]
    for each in running.values():
        each.token = launcher.token
    spares = [launcher.launch("leads", f"leads-spare-{number}", SEATRIAL_FAULTS="enabled") for number in range(4)]
    return Marketplace(**running, spares=spares)


@pytest.fixture
def auth(marketplace: Marketplace) -> Running:
    return marketplace.auth


@pytest.fixture
def users(marketplace: Marketplace) -> Running:
    return marketplace.users


@pytest.fixture
def leads(marketplace: Marketplace) -> Running:
    return marketplace.leads


@pytest.fixture
def buyers(marketplace: Marketplace) -> Running:
    return marketplace.buyers


@pytest.fixture
def disturbed(marketplace: Marketplace) -> Iterator[Running]:
    yield marketplace.disturbed
    marketplace.disturbed.switch(readiness="ok", error_rate=0, error_status=500, latency_seconds=0, cpu_burn=0)


@pytest.fixture
def mayfly(marketplace: Marketplace) -> Iterator[Running]:
    """A replica of leads with open switches, for one test to end."""
    running = marketplace.spares.pop()
    running.await_start()
    yield running
    running.kill()
