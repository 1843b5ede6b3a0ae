"""Customers at work: Locust in a process of its own, against a real server on loopback."""

from __future__ import annotations

import http.server
import json
import os
import signal
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import trustme

from seatrial.errors import EnvironmentFault
from seatrial.load.records import COLUMNS, LoadRecord
from seatrial.load.runner import END_SECONDS, Load
from seatrial.waiting import eventually

SYSTEM = """\
name: shop
namespace: shop
services:
  - {name: auth, external: auth-external}
  - {name: items, external: items-external}
login:
  service: auth
  request: {method: POST, path: /login, json: {username: ada}}
journey:
  - {name: "look, and look again", service: items, request: {path: /items, login: true}, weight: 2}
  - {name: buy, service: items, request: {method: POST, path: /orders, json: {item: 1}, login: true, status: 202}}
  - {name: look for nothing, service: items, request: {path: /nothing}}
"""
LOOK = "look, and look again"
USERS = 3


@dataclass
class Shop:
    """A server of all services, and what it was asked: method, path, authorization, body."""

    url: str = ""
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


@contextmanager
def serving(shop: Shop, tls: ssl.SSLContext | None = None) -> Iterator[None]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            shop.hosts.add(self.headers["Host"])
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            shop.asked.append((self.command, self.path, self.headers.get("Authorization", ""), body))
            status = {"/login": 200, "/items": 200, "/orders": 202}.get(self.path, 404)
            content = json.dumps({"token": "secret-1"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Served-By", "items-a")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        shop.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        yield
        server.shutdown()


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    shop = Shop()
    with serving(shop):
        yield shop


@pytest.fixture(scope="module")
def system_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("system") / "system.yaml"
    file.write_text(SYSTEM)
    return file


@dataclass(frozen=True)
class Worked:
    """What was left of customers who worked for a while."""

    record: LoadRecord
    asked: tuple[tuple[str, str, str, str], ...]
    before: set[int]
    after: set[int]
    began: float
    ended: float


@pytest.fixture(scope="module")
def worked(shop: Shop, system_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Worked:
    before, began, earlier = children(), time.time(), len(shop.asked)
    folder = tmp_path_factory.mktemp("load") / "evidence"
    with Load(system_file, {"auth": shop.url, "items": shop.url}, users=USERS, folder=folder) as load:
        eventually(
            lambda: len(load.so_far().requests), until=lambda seen: seen >= 20, within_seconds=20, what="requests"
        )
        record = load.stop()
        return Worked(record, tuple(shop.asked[earlier:]), before, children(), began, time.time())


def children() -> set[int]:
    """Return the process ids of this process's children."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(number) for task in tasks for number in task.read_text().split()}


def test_every_request_is_a_row_with_its_time_step_and_replica(worked: Worked) -> None:
    requests = worked.record.requests
    assert len(requests) >= 20
    assert {request.step for request in requests} == {"log in", LOOK, "buy", "look for nothing"}
    assert all(worked.began < request.start < worked.ended for request in requests)
    assert all(0 < request.seconds < 5 for request in requests)
    assert {request.served_by for request in requests} == {"items-a"}
    # a request that was under way when the load ended was asked but is no row
    assert 0 <= len(worked.asked) - len(requests) <= USERS


def test_only_the_declared_status_is_success(worked: Worked) -> None:
    found = {(request.step, request.status, request.error) for request in worked.record.requests}
    assert found == {
        ("log in", 200, ""),
        (LOOK, 200, ""),
        ("buy", 202, ""),
        ("look for nothing", 404, "HTTP 404"),
    }


def test_each_customer_logs_in_once_and_sends_the_token_where_it_is_asked_for(worked: Worked) -> None:
    assert set(worked.asked) == {
        ("POST", "/login", "", '{"username": "ada"}'),
        ("GET", "/items", "Bearer secret-1", ""),
        ("POST", "/orders", "Bearer secret-1", '{"item": 1}'),
        ("GET", "/nothing", "", ""),
    }
    assert 1 <= Counter(path for _, path, _, _ in worked.asked)["/login"] <= USERS


def test_steps_are_made_as_often_as_their_weight_says(worked: Worked) -> None:
    made = Counter(request.step for request in worked.record.requests)
    assert abs(made[LOOK] - 2 * made["buy"]) <= 2 * USERS


def test_the_end_leaves_no_process(worked: Worked) -> None:
    assert worked.after == worked.before


def test_a_dead_target_is_recorded_request_by_request(system_file: Path, tmp_path: Path) -> None:
    (tmp_path / "load.csv").write_text(",".join(COLUMNS) + "\n1.0,0.1,of an earlier run,200,,items-a\n")
    nobody = "http://127.0.0.1:9"
    with Load(system_file, {"auth": nobody, "items": nobody}, users=1, folder=tmp_path) as load:
        record = load.stop()
    assert record.success == 0
    assert {(request.status, request.error, request.served_by) for request in record.requests} == {
        (0, "ConnectionError", "")
    }


def test_a_load_that_cannot_start_tells_the_end_of_its_log(tmp_path: Path) -> None:
    before = children()
    with (
        pytest.raises(EnvironmentFault) as caught,
        Load(tmp_path / "nowhere.yaml", {}, users=1, folder=tmp_path),
    ):
        pass
    told = str(caught.value).splitlines()
    assert told[0] == "the load does not start; its log ends with:"
    assert any("nowhere.yaml: there is no such file" in line for line in told[1:])
    assert len(told) <= 13
    assert children() == before


def test_a_load_that_died_is_told_when_it_is_stopped(shop: Shop, system_file: Path, tmp_path: Path) -> None:
    before = children()
    with Load(system_file, {"auth": shop.url, "items": shop.url}, users=1, folder=tmp_path) as load:
        (child,) = children() - before
        os.kill(child, signal.SIGKILL)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        with pytest.raises(EnvironmentFault, match="the load ended by itself with -9:"):
            load.stop()
    assert children() == before


def test_an_error_of_the_scenario_ends_the_load(shop: Shop, system_file: Path, tmp_path: Path) -> None:
    before = children()
    with (
        pytest.raises(RuntimeError, match="the scenario broke"),
        Load(system_file, {"auth": shop.url, "items": shop.url}, users=1, folder=tmp_path),
    ):
        raise RuntimeError("the scenario broke")
    assert children() == before


def test_a_background_job_ends_its_load_as_fast(
    shop: Shop, system_file: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Whoever runs in the background of a shell ignores SIGINT, and so would the child."""
    request.addfinalizer(partial(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.SIG_IGN)))
    before = children()
    with Load(system_file, {"auth": shop.url, "items": shop.url}, users=1, folder=tmp_path) as load:
        began = time.monotonic()
        load.stop()
        assert time.monotonic() - began < END_SECONDS / 2
    assert children() == before


HOST = "shop.test"


@dataclass
class SecureShop(Shop):
    """The same behind TLS: with its authority, and the names that it was greeted by."""

    greeted: set[str | None] = field(default_factory=set)
    authority: str = ""


@contextmanager
def secured(*names: str) -> Iterator[SecureShop]:
    shop, authority = SecureShop(), trustme.CA()
    shop.authority = authority.cert_pem.bytes().decode()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(tls)
    tls.sni_callback = lambda connection, name, context: shop.greeted.add(name)
    with serving(shop, tls):
        yield shop


@contextmanager
def working(shop: SecureShop, system_file: Path, folder: Path, authority: str | None = None) -> Iterator[Load]:
    authority = shop.authority if authority is None else authority
    urls = {"auth": shop.url, "items": shop.url}
    with Load(system_file, urls, users=USERS, folder=folder, host=HOST, authority=authority) as load:
        yield load


def test_customers_come_through_tls_by_name_whatever_the_address(
    system_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of-the-machine.pem").write_bytes(trustme.CA().cert_pem.bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "of-the-machine.pem"))
    with secured(HOST) as shop, working(shop, system_file, tmp_path / "evidence") as load:
        eventually(
            lambda: len(load.so_far().requests), until=lambda seen: seen >= 12, within_seconds=20, what="requests"
        )
        record = load.stop()
    assert {(request.status, request.served_by) for request in record.requests if request.step == LOOK} == {
        (200, "items-a")
    }
    assert {request.error for request in record.requests} <= {"", "HTTP 404"}
    assert (shop.greeted, shop.hosts) == ({HOST}, {HOST})
    assert shop.url.startswith("https://127.0.0.1:")
    assert (tmp_path / "evidence" / "authority.pem").read_text() == shop.authority


@pytest.mark.parametrize(("names", "known"), [(("other.test",), True), ((HOST,), False)], ids=["name", "authority"])
def test_customers_do_not_trust_a_stranger(
    system_file: Path, tmp_path: Path, names: tuple[str, ...], known: bool
) -> None:
    stranger = trustme.CA().cert_pem.bytes().decode()
    with (
        secured(*names) as shop,
        working(shop, system_file, tmp_path, shop.authority if known else stranger) as load,
    ):
        record = load.stop()
    assert {(request.status, request.error) for request in record.requests} == {(0, "SSLError")}
    assert shop.asked == []


def test_without_a_gateway_no_authority_is_written(shop: Shop, system_file: Path, tmp_path: Path) -> None:
    with Load(system_file, {"auth": shop.url, "items": shop.url}, users=1, folder=tmp_path) as load:
        load.stop()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["load.csv", "load.log"]
