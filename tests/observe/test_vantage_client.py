"""The vantage client: decoding, error texts, and the real agent on loopback."""

from __future__ import annotations

import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from seatrial.cluster import golang
from seatrial.errors import EnvironmentFault
from seatrial.observe import find_agents
from seatrial.observe.agent import Agent, offset_seconds
from seatrial.observe.records import DnsRecord
from seatrial.observe.target import Target
from seatrial.observe.vantage import Vantage, vantages
from seatrial.observe.vantage_run import decode_requests

PROXY = "/api/v1/namespaces/shop/pods/http:vantage-x:9090/proxy"
COLUMNS = ["scheduled", "start", "end", "status", "served_by", "error"]


def vantage_over(handler: Callable[[httpx.Request], httpx.Response]) -> Vantage:
    client = httpx.Client(transport=httpx.MockTransport(handler), base_url="https://api")
    return Vantage(Agent("node-a", "shop", "vantage-x", client))


def answering(**answers: Any) -> tuple[Vantage, list[str]]:
    """A vantage whose agent answers by the first word of the path; and what it was asked."""
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(PROXY + "/")
        asked.append(f"{request.method} {path}")
        answer = answers.get(f"{request.method.lower()}_{path.split('/')[0]}", {"now": time.time()})
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    return vantage_over(handle), asked


DONE = {
    "done": True,
    "now": 100.0,
    "error": "",
    "columns": COLUMNS,
    "replicas": ["", "auth-1"],
    "rows": [[10.0, 10.5, 11.0, 200, 1, ""], [11.0, 11.0, 12.0, 0, 0, "refused"]],
}


def test_requests_are_decoded_and_the_run_is_forgotten() -> None:
    vantage, asked = answering(post_runs={"id": "R1"}, get_runs=DONE)
    traffic = vantage.requests("http://auth/whoami", count=2)
    assert (traffic.node, traffic.url, traffic.fresh, traffic.count) == ("node-a", "http://auth/whoami", True, 2)
    assert traffic.answers() == {"auth-1": 1}
    assert traffic.errors() == {"refused": 1}
    assert traffic.requests[0].scheduled == 10.0
    assert [line for line in asked if "healthz" not in line] == ["POST runs", "GET runs/R1", "DELETE runs/R1"]


def test_whoever_asks_only_who_answers_does_not_pay_for_the_agents_clock() -> None:
    vantage, asked = answering(post_runs={"id": "R1"}, get_runs=DONE, get_healthz={"now": 1e9})
    traffic = vantage.requests("http://auth/whoami", count=2, timed=False)
    assert traffic.answers() == {"auth-1": 1}
    assert traffic.requests[0].scheduled == 10.0  # as the agent told it
    assert asked == ["POST runs", "GET runs/R1", "DELETE runs/R1"]


def test_a_run_that_is_ended_twice_is_read_once() -> None:
    vantage, asked = answering(post_runs={"id": "R1"}, get_runs=DONE)
    run = vantage.start("http://auth/", rate_per_second=10, duration_seconds=1)
    assert run.wait() is run.stop()
    assert asked.count("GET runs/R1") == 1


def test_an_agent_that_cannot_send_is_the_environments_fault() -> None:
    vantage, asked = answering(post_runs={"id": "R1"}, get_runs={**DONE, "error": "the agent cannot send: no ports"})
    with pytest.raises(EnvironmentFault) as caught:
        vantage.requests("http://auth/", count=2)
    assert str(caught.value) == (
        "vantage on node node-a (pod shop/vantage-x): requests to http://auth/: the agent cannot send: no ports"
    )
    assert "DELETE runs/R1" in asked


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (httpx.Response(400, json={"error": "count: 9 is outside 0 to 8"}), "HTTP 400: count: 9 is outside 0 to 8"),
        (httpx.Response(404, json={"message": 'pods "vantage-x" not found'}), 'HTTP 404: pods "vantage-x" not found'),
        (httpx.Response(502, text="proxy error\n"), "HTTP 502: proxy error"),
        (httpx.Response(200, text="<html>"), "the answer is no JSON: '<html>'"),
    ],
)
def test_trouble_names_node_and_pod(answer: httpx.Response, text: str) -> None:
    vantage, _ = answering(post_call=answer)
    with pytest.raises(EnvironmentFault) as caught:
        vantage.call("GET", "http://auth/")
    assert str(caught.value) == f"vantage on node node-a (pod shop/vantage-x): POST /call: {text}"


def test_a_load_is_ordered_with_what_it_carries() -> None:
    orders: list[Any] = []

    def handle(request: httpx.Request) -> httpx.Response:
        orders.append(json.loads(request.content))
        return httpx.Response(200, json={"id": "R1"})

    target = Target("https://door.:443/x", {"Authorization": "Bearer t"}, "shop.test", "PEM")
    amount = {"rate_per_second": 50, "count": 8, "concurrency": 9, "connections": 2, "timeout_seconds": 1.0}
    vantage = vantage_over(handle)
    run = vantage.load(target, **amount)
    vantage.load(target, **amount, other=Target("http://web-plain/x"), turns="0110")
    way = {"url": target.url, "headers": target.headers, "server_name": "shop.test", "authority": "PEM"}
    alone = {**way, **amount, "fresh": False, "identity_header": "X-Served-By"}
    other = {"url": "http://web-plain/x", "headers": {}, "server_name": "", "authority": ""}
    assert orders == [alone, {**alone, "other": other, "turns": "0110", "turn_requests": 2}]
    assert (run.url, run.fresh, run.id) == ("https://door.:443/x", False, "R1")


def test_a_steady_run_has_connections_and_any_run_a_body_where_that_is_ordered() -> None:
    orders: list[Any] = []

    def handle(request: httpx.Request) -> httpx.Response:
        orders.append(json.loads(request.content) if request.content else {})
        return httpx.Response(200, json={"id": "R1", "now": 1.0, **DONE})

    vantage = vantage_over(handle)
    vantage.start("http://auth/", rate_per_second=2, duration_seconds=3, connections=4, fresh=False)
    vantage.start("http://auth/", rate_per_second=2, duration_seconds=3)
    vantage.requests("http://auth/", count=1, method="POST", json={"a": 1}, headers={"X-A": "b"})
    vantage.requests("http://auth/", count=1)
    started = [each for each in orders if "url" in each]
    assert [each.get("connections") for each in started] == [4, None, None, None]
    assert [(each.get("method"), each.get("body")) for each in started[2:]] == [("POST", '{"a": 1}'), ("GET", None)]
    assert started[2]["headers"] == {"Content-Type": "application/json", "X-A": "b"}


@pytest.mark.parametrize(("ip", "written"), [("10.0.0.7", "10.0.0.7"), ("fd00::7", "[fd00::7]")])
def test_an_agent_tells_the_address_of_its_pod(ip: str, written: str) -> None:
    vantage, _ = answering(get_healthz={"now": 1.0, "ip": ip})
    assert vantage.address() == written


def test_a_lost_connection_names_node_and_pod() -> None:
    def lose(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("", request=request)

    with pytest.raises(EnvironmentFault, match=r"node-a \(pod shop/vantage-x\): POST /resolve: no answer: ReadError"):
        vantage_over(lose).resolve("auth")


def test_dns_answer() -> None:
    record = {"name": "auth.shop", "type": "A", "ttl_seconds": 30, "data": "10.96.0.7", "port": 0}
    vantage, _ = answering(
        post_resolve={"resolved": "auth.shop", "rcode": "NOERROR", "records": [record], "seconds": 0.01}
    )
    answer = vantage.resolve("auth")
    assert answer.records == (DnsRecord("auth.shop", "A", 30, "10.96.0.7"),)
    assert (answer.question, answer.resolved, answer.addresses()) == ("auth", "auth.shop", frozenset({"10.96.0.7"}))


def test_the_offset_is_that_of_the_shortest_round_trip() -> None:
    assert offset_seconds([(100.0, 40.0, 108.0), (110.0, 50.5, 111.0)]) == 60.0


def test_an_offset_within_the_error_of_its_measurement_is_none() -> None:
    assert offset_seconds([(100.0, 100.009, 100.01)]) == 0.0


def test_the_offset_is_added_to_all_times() -> None:
    (first, _) = decode_requests(DONE, 60.0)
    assert (first.scheduled, first.start, first.end) == (70.0, 70.5, 71.0)


def thing(name: str, ready: str, node: str = "", leaving: bool = False) -> Any:
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name, deletion_timestamp="now" if leaving else None),
        spec=SimpleNamespace(node_name=node),
        status=SimpleNamespace(conditions=[SimpleNamespace(type="Ready", status=ready)]),
    )


def cluster_of(nodes: list[Any], pods: list[Any]) -> Any:
    core = SimpleNamespace(
        list_node=lambda **_: SimpleNamespace(items=nodes),
        list_namespaced_pod=lambda *_, **__: SimpleNamespace(items=pods),
    )
    return SimpleNamespace(core=core, http=lambda **_: httpx.Client())


def test_one_vantage_per_ready_node_in_order() -> None:
    nodes = [thing("b", "True"), thing("a", "True"), thing("c", "False")]
    pods = [thing("v-1", "True", "b"), thing("v-2", "True", "a"), thing("v-0", "True", "a", leaving=True)]
    assert [(each.node, each.pod) for each in vantages(cluster_of(nodes, pods), "shop")] == [("a", "v-2"), ("b", "v-1")]


def test_nodes_without_a_ready_vantage_are_named() -> None:
    nodes = [thing("a", "True"), thing("b", "True")]
    pods = [thing("v-1", "True", "a"), thing("v-2", "False", "b")]
    with pytest.raises(EnvironmentFault) as caught:
        vantages(cluster_of(nodes, pods), "shop", within_seconds=0)
    assert str(caught.value) == "namespace shop: no ready vantage on b within 0 s; run 'seatrial up'"


def test_a_vantage_that_becomes_ready_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_agents, "LOOK_AGAIN_SECONDS", 0.0)
    looks = iter([[], [thing("v-1", "True", "a")]])
    cluster = cluster_of([thing("a", "True")], [])
    cluster.core.list_namespaced_pod = lambda *_, **__: SimpleNamespace(items=next(looks))
    assert [each.pod for each in vantages(cluster, "shop")] == ["v-1"]


class ThroughProxy(httpx.BaseTransport):
    """Stands where the API server stands: strips the proxy's path and forwards to the agent."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.onward = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path.startswith(PROXY)
        path = request.url.raw_path.decode().removeprefix(PROXY)
        onward = httpx.Request(
            request.method, f"http://{self.address}{path}", headers=request.headers, stream=request.stream
        )
        return self.onward.handle_request(onward)


@pytest.fixture(scope="module")
def real() -> Iterator[Vantage]:
    """The real agent, compiled and listening on loopback."""
    if shutil.which("go") is None:
        pytest.skip("no Go compiler on this machine: 'go test' in images/vantage covers the agent")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    agent = subprocess.Popen([golang.build_vantage(), "-listen", address])
    try:
        await_listener(address, agent)
        client = httpx.Client(transport=ThroughProxy(address), base_url="https://api", timeout=30)
        yield Vantage(Agent("node-a", "shop", "vantage-x", client))
        agent.terminate()
        assert agent.wait(timeout=5) == 0, "SIGTERM must end the agent cleanly"
    finally:
        agent.kill()


def await_listener(address: str, agent: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and agent.poll() is None:
        try:
            httpx.get(f"http://{address}/healthz", trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.01)
    raise AssertionError(f"the agent does not listen on {address}")


class Whoami(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b'{"replica": "auth-1"}'
        self.send_response(200)
        self.send_header("X-Served-By", "auth-1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Service(http.server.ThreadingHTTPServer):
    request_queue_size = 64  # the default of 5 loses connections that are opened at the same time
    daemon_threads = True


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    server = Service(("127.0.0.1", 0), Whoami)
    threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/whoami"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("fresh", [True, False])
def test_real_agent_counts_who_answers(real: Vantage, service: str, fresh: bool) -> None:
    began = time.time()
    traffic = real.requests(service, count=50, fresh=fresh)
    assert traffic.answers() == {"auth-1": 50}
    assert traffic.fresh is fresh
    assert all(began - 0.1 <= each.start <= each.end <= time.time() + 0.1 for each in traffic.requests)


def test_real_agent_sends_until_it_is_stopped(real: Vantage, service: str) -> None:
    run = real.start(service, rate_per_second=200, duration_seconds=600)
    other = threading.Thread(target=run.wait)
    other.start()
    traffic = run.stop()
    other.join(timeout=5)
    assert not other.is_alive()
    assert traffic.failed == ()
    assert traffic.count < 2000


def test_real_agent_calls(real: Vantage, service: str) -> None:
    answer = real.call("GET", service, headers={"Accept": "application/json"})
    assert (answer.status, answer.error, answer.json()) == (200, "", {"replica": "auth-1"})
    assert answer.headers["x-served-by"] == "auth-1"


def test_real_agent_sends_by_turns_over_kept_connections(real: Vantage, service: str) -> None:
    other = Target(service.replace("/whoami", "/elsewhere"))
    amount = {"rate_per_second": 200, "count": 40, "concurrency": 64, "connections": 3}
    traffic = real.load(Target(service), **amount, other=other, turns="0110").wait()
    assert (traffic.count, traffic.failed, traffic.fresh) == (40, (), False)
    due = [each.scheduled for each in traffic.requests]
    assert due == sorted(due)
    assert due[-1] - due[0] == pytest.approx(39 / 200, abs=1e-3)


def test_real_agent_refuses_with_a_text(real: Vantage, service: str) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        real.requests(service, count=200_001)
    assert str(caught.value) == (
        "vantage on node node-a (pod shop/vantage-x): POST /runs: HTTP 400: count: 200001 is outside 0 to 200000"
    )
