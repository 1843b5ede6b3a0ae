"""A fault that is switched on is switched off again, whatever happens meanwhile; asked over a real connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from seatrial.chaos import switches
from seatrial.chaos.switches import all_switched, set_fault, switched
from seatrial.errors import EnvironmentFault, Failed, Failure, GuardRefusal
from seatrial.system import Faults

FAULTS = Faults(port=9901, not_ready={"readiness": "fail"}, ready={"error_rate": 0.0}, hang={"hang": True})
PATH = "/api/v1/namespaces/shop/pods/http:items-1:9901/proxy/faults"
FAILING = {"error_rate": 1.0}


class ApiServer(ThreadingHTTPServer):
    """Stands for the API server; keeps what it was asked."""

    daemon_threads = True
    block_on_close = False
    refused: Any = None
    """Body that is refused."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, Any]] = []

    @property
    def cluster(self) -> Any:
        url = f"http://127.0.0.1:{self.server_port}"
        return SimpleNamespace(
            http=lambda timeout_seconds: httpx.Client(base_url=url, timeout=timeout_seconds, trust_env=False)
        )


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        self.send_response(422 if body == self.server.refused else 200)
        self.end_headers()
        self.wfile.write(b'{"detail": "no such switch"}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr(switches, "require_owned", lambda _: None)
    with ApiServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def test_a_fault_is_on_inside_and_off_afterwards(api: ApiServer) -> None:
    with switched(api.cluster, "shop", "items-1", FAULTS, FAILING):
        assert api.asked == [(PATH, FAILING)]
    assert api.asked == [(PATH, FAILING), (PATH, FAULTS.ready)]


def test_a_fault_of_several_replicas_is_off_everywhere_when_one_of_them_refuses(api: ApiServer) -> None:
    with all_switched(api.cluster, "shop", ["items-1", "items-2"], FAULTS, FAILING):
        assert [body for _, body in api.asked] == [FAILING] * 2
    assert [body for _, body in api.asked[2:]] == [FAULTS.ready] * 2
    assert len({path for path, _ in api.asked[2:]}) == 2
    api.asked.clear()
    api.refused = FAULTS.ready
    with pytest.raises(EnvironmentFault), all_switched(api.cluster, "shop", ["items-1", "items-2"], FAULTS, FAILING):
        pass
    assert [body for _, body in api.asked[2:]] == [FAULTS.ready] * 2


def test_a_fault_is_switched_off_when_a_check_fails_meanwhile(api: ApiServer) -> None:
    with pytest.raises(Failed, match="unwell"), switched(api.cluster, "shop", "items-1", FAULTS, FAILING):
        raise Failed(Failure("unwell", "a", "b"))
    assert api.asked[-1] == (PATH, FAULTS.ready)


def test_a_refused_switch_is_told_and_nothing_goes_on_under_it(api: ApiServer) -> None:
    api.refused = FAILING
    with pytest.raises(EnvironmentFault) as caught, switched(api.cluster, "shop", "items-1", FAULTS, FAILING):
        pytest.fail("not reached")
    assert str(caught.value) == (
        'the fault switches of shop/items-1 refuse {\'error_rate\': 1.0}: HTTP 422 {"detail": "no such switch"}'
    )


def test_a_fault_that_stays_on_is_told(api: ApiServer) -> None:
    api.refused = FAULTS.ready
    with pytest.raises(EnvironmentFault) as caught, switched(api.cluster, "shop", "items-1", FAULTS, FAILING):
        pass
    assert str(caught.value).startswith("the fault switches of shop/items-1 refuse {'error_rate': 0.0}: HTTP 422 ")


def test_switches_that_do_not_answer_are_told(api: ApiServer) -> None:
    away = SimpleNamespace(http=lambda timeout_seconds: httpx.Client(base_url="http://127.0.0.1:9", trust_env=False))
    with pytest.raises(EnvironmentFault, match=r"^the fault switches of shop/items-1 do not answer: ConnectError"):
        set_fault(away, "shop", "items-1", FAULTS, FAILING)  # type: ignore[arg-type]


def test_a_cluster_that_is_not_ours_is_not_asked(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(switches, "require_owned", refuse)
    with pytest.raises(GuardRefusal), switched(api.cluster, "shop", "items-1", FAULTS, FAILING):
        pytest.fail("not reached")
    assert api.asked == []
