"""Generated requests from a process of their own, to a real TLS server on loopback that is not what it says."""

from __future__ import annotations

import json
import os
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from seatrial.errors import EnvironmentFault
from seatrial.fuzz.records import FuzzRecord
from seatrial.fuzz.runner import Fuzzer, Subject
from seatrial.observe.way_in import WayIn

HOST = "shop.test"
CA = trustme.CA(organization_name="Trial")
SEED, EXAMPLES = 20, 4
PACE = 20

NUMBER = {"name": "n", "in": "query", "required": True, "schema": {"type": "integer", "minimum": 0, "maximum": 100}}
NAMED = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
JSON = {"content": {"application/json": {"schema": NAMED}}, "description": "good"}
REFUSED = {"description": "refused", "content": {"application/json": {}}}


def operation(**more: Any) -> dict[str, Any]:
    return {"get": {"parameters": [NUMBER], "responses": {"200": JSON, "422": REFUSED}, **more}}


TAGGED = {"200": {**JSON, "headers": {"ETag": {"required": True, "schema": {"type": "string"}}}}, "422": REFUSED}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "shop", "version": "1"},
    "paths": {
        "/good": operation(),
        "/breaks": operation(),
        "/strange": operation(),
        "/nameless": operation(),
        "/text": operation(),
        "/untagged": operation(responses=TAGGED),
        "/lenient": operation(),
        "/silent": {"get": {"responses": {"200": JSON}}},
        "/slow": operation(),
    },
}


@dataclass
class Shop:
    """A server, and what it was asked."""

    url: str = ""
    paths: Counter[str] = field(default_factory=Counter)
    hosts: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    slow: list[float] = field(default_factory=list)
    """When the path with a pace was asked for."""
    asked: list[str] = field(default_factory=list)
    """Paths with their queries, in order."""


def answer(path: str, good: bool) -> tuple[int, str, str]:
    """Return status, content type and body: every path but the first has a fault of its own."""
    if path == "/breaks" and not good:
        return 500, "application/json", "{}"
    if not good and path != "/lenient":
        return 422, "application/json", "{}"
    status = 202 if path == "/strange" else 200
    kind = "text/html" if path == "/text" else "application/json"
    return status, kind, json.dumps({} if path == "/nameless" else {"name": "ada"})


def handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            where = urlsplit(self.path)
            shop.paths[where.path] += 1
            shop.asked.append(self.path)
            shop.hosts.add(self.headers["Host"])
            shop.tokens.add(self.headers.get("Authorization", ""))
            if where.path == "/slow":
                shop.slow.append(time.monotonic())
            if where.path == "/silent":
                self.close_connection = True
                return
            given = parse_qs(where.query, keep_blank_values=True).get("n", [])
            status, kind, body = answer(where.path, len(given) == 1 and given[0].isdigit() and int(given[0]) <= 100)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def serving(name: str = HOST) -> Iterator[Shop]:
    shop = Shop()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(name).configure_cert(tls)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(shop)) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        shop.url = f"https://127.0.0.1:{server.server_port}"
        yield shop
        server.shutdown()


def fuzzer(shop: Shop, folder: Path, seed: int = SEED) -> Fuzzer:
    return Fuzzer(WayIn({"shop": shop.url}, HOST, CA.cert_pem.bytes().decode()), "secret-1", seed, EXAMPLES, folder)


def only(*paths: str) -> dict[str, Any]:
    return {**DOCUMENT, "paths": {path: DOCUMENT["paths"][path] for path in paths}}  # type: ignore[index]


@dataclass(frozen=True)
class Trial:
    """A run of all paths: who was asked, what was found, and where its files are."""

    shop: Shop
    record: FuzzRecord
    folder: Path


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    folder = tmp_path_factory.mktemp("generated")
    with serving() as shop:
        subject = Subject("shop", DOCUMENT, {"/slow": PACE})
        (record,) = fuzzer(shop, folder).run((subject,), within_seconds=120)
        yield Trial(shop, record, folder)


def test_every_operation_is_tried_with_good_and_bad_requests(tested: Trial):
    assert tested.record.ended == "completed"
    cases = {each.operation: each for each in tested.record.tried}
    assert list(cases) == [f"GET {path}" for path in DOCUMENT["paths"]]
    good = cases["GET /good"]
    assert set(good.statuses) == {200, 422}
    assert good.cases == tested.shop.paths["/good"] > EXAMPLES


def test_each_fault_is_found_and_nothing_else(tested: Trial):
    found = {(each.operation.removeprefix("GET "), each.check) for each in tested.record.deviations}
    assert found == {
        ("/breaks", "not_a_server_error"),
        ("/breaks", "status_code_conformance"),
        ("/strange", "status_code_conformance"),
        ("/nameless", "response_schema_conformance"),
        ("/text", "content_type_conformance"),
        ("/untagged", "response_headers_conformance"),
        ("/lenient", "negative_data_rejection"),
        ("/silent", ""),
    }


def test_the_name_is_asked_for_at_the_address_with_the_token(tested: Trial):
    assert tested.shop.hosts == {HOST}
    assert tested.shop.tokens == {"Bearer secret-1"}


def test_a_finding_can_be_repeated_and_holds_no_token(tested: Trial):
    found = next(each for each in tested.record.deviations if each.check == "response_schema_conformance")
    address = tested.shop.url.removeprefix("https://")
    authority = tested.folder / "shop" / "authority.pem"
    assert found.request.startswith(f"curl --connect-to ::{address} --cacert {authority} 'https://{HOST}/nameless?n=")
    assert found.request.endswith(' -H "Authorization: Bearer $TOKEN"')
    assert (found.status, found.body) == (200, "{}")
    assert authority.read_text() == CA.cert_pem.bytes().decode()
    for path in (tested.folder / "shop").iterdir():
        assert b"secret-1" not in path.read_bytes(), path


def test_a_path_with_a_pace_is_not_asked_faster(tested: Trial):
    times = tested.shop.slow
    assert len(times) > PACE / 2
    for first, last in zip(times, times[PACE:], strict=False):
        assert last - first > 0.9, "no more than its pace in any second, give or take the clock's grain"


def test_the_same_seed_asks_the_same(tested: Trial, tmp_path: Path):
    with serving() as shop:
        fuzzer(shop, tmp_path).run((Subject("shop", only("/good"), {}),), within_seconds=120)
    asked, before = ([path for path in each.asked if path.startswith("/good")] for each in (shop, tested.shop))
    assert asked == before


def test_a_gateway_that_proves_another_name_is_not_asked(tmp_path: Path):
    with serving("other.test") as shop:
        (record,) = fuzzer(shop, tmp_path).run((Subject("shop", only("/good"), {}),), within_seconds=120)
    assert not shop.asked
    assert [each.check for each in record.deviations] == [""]
    assert "certificate" in record.deviations[0].told.lower()


def test_no_time_is_left_for_what_comes_after_the_deadline(tmp_path: Path):
    with serving() as shop:
        began = time.monotonic()
        records = fuzzer(shop, tmp_path).run((Subject("shop", only("/good"), {}),), within_seconds=0.0)
    assert time.monotonic() - began < 5
    assert [(each.ended, each.tried[0].cases) for each in records] == [("", 0)]


def test_a_run_that_takes_too_long_is_ended_and_leaves_no_process(tmp_path: Path):
    with serving() as shop:
        subject = Subject("shop", only("/slow"), {"/slow": 1})
        (record,) = fuzzer(shop, tmp_path).run((subject,), within_seconds=2.0)
    assert record.ended != "completed"
    assert not [each for each in children() if b"seatrial.fuzz.child" in each]


def children() -> list[bytes]:
    """Return the command lines of this process's children."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    numbers = [number for task in tasks for number in task.read_text().split()]
    return [Path(f"/proc/{number}/cmdline").read_bytes() for number in numbers]


def test_a_document_that_is_no_description_is_told(tmp_path: Path):
    with serving() as shop:
        (record,) = fuzzer(shop, tmp_path).run((Subject("shop", {"paths": {"/good": {}}}, {}),), within_seconds=120)
    assert record.unusable


def test_schemathesis_itself_breaking_is_told_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seatrial.fuzz.runner.RUN", ("--no-such-option",))
    with serving() as shop, pytest.raises(EnvironmentFault) as caught:
        fuzzer(shop, tmp_path).run((Subject("shop", only("/good"), {}),), within_seconds=120)
    assert "generated requests to shop ended with 2, no result:" in str(caught.value)
    assert "no-such-option" in str(caught.value).lower()
