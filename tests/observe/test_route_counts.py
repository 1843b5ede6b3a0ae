"""What a gateway tells about its routes, read as NGINX's exporter and as Envoy write it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from seatrial.errors import EnvironmentFault
from seatrial.observe import route_counts
from seatrial.observe.route_counts import RouteCounts, await_counts, counts_of, read_counts, status_class
from seatrial.route_metrics import RouteMetrics
from seatrial.system_file import parse_system
from seatrial.waiting import Clock

METRICS = RouteMetrics(
    port=4040,
    path="/metrics",
    requests="gateway_http_response_count_total",
    latency="gateway_http_response_time_seconds_hist",
    status_label="status",
    routes={"/items": {"route": "items"}, "/orders": {"route": "orders"}},
)
NGINX = """\
# HELP gateway_http_response_count_total Amount of processed HTTP requests
# TYPE gateway_http_response_count_total counter
gateway_http_response_count_total{method="GET",route="-",status="404"} 1
gateway_http_response_count_total{method="GET",route="items",status="200"} 7
gateway_http_response_count_total{method="POST",route="items",status="202"} 2
gateway_http_response_count_total{method="GET",route="items",status="404"} 3
gateway_http_response_count_total{method="GET",route="orders",status="502"} 1
# HELP gateway_http_response_time_seconds Time needed by NGINX to handle requests
# TYPE gateway_http_response_time_seconds summary
gateway_http_response_time_seconds_count{method="GET",route="items",status="200"} 99
# HELP gateway_http_response_time_seconds_hist Time needed by NGINX to handle requests
# TYPE gateway_http_response_time_seconds_hist histogram
gateway_http_response_time_seconds_hist_bucket{method="GET",route="items",status="200",le="0.005"} 6
gateway_http_response_time_seconds_hist_bucket{method="GET",route="items",status="200",le="+Inf"} 7
gateway_http_response_time_seconds_hist_sum{method="GET",route="items",status="200"} 0.03
gateway_http_response_time_seconds_hist_count{method="GET",route="items",status="200"} 7
gateway_http_response_time_seconds_hist_count{method="POST",route="items",status="202"} 2
gateway_http_response_time_seconds_hist_count{method="GET",route="items",status="404"} 3
gateway_http_response_time_seconds_hist_count{method="GET",route="orders",status="502"} 1
"""
ENVOY = """\
# TYPE envoy_cluster_upstream_rq counter
envoy_cluster_upstream_rq{response_code="200",cluster_name="outbound|80||items.shop.svc.cluster.local"} 9
envoy_cluster_upstream_rq{response_code="200",cluster_name="outbound|80||items-next.shop.svc.cluster.local"} 1
envoy_cluster_upstream_rq{response_code="503",cluster_name="outbound|80||orders.shop.svc.cluster.local"} 2
# TYPE envoy_cluster_upstream_rq_time histogram
envoy_cluster_upstream_rq_time_count{cluster_name="outbound|80||items.shop.svc.cluster.local"} 9
envoy_cluster_upstream_rq_time_count{cluster_name="outbound|80||items-next.shop.svc.cluster.local"} 1
"""


def test_answers_are_counted_by_route_and_class_and_what_is_no_route_is_left_out() -> None:
    answers, timed = counts_of(NGINX, METRICS)
    assert answers == {("/items", "2xx"): 9, ("/items", "4xx"): 3, ("/orders", "5xx"): 1}
    assert timed == {"/items": 12, "/orders": 1}


def test_a_pattern_fits_the_labels_of_another_gateway_and_its_versions() -> None:
    envoy = RouteMetrics(
        port=15020,
        path="/stats/prometheus",
        requests="envoy_cluster_upstream_rq",
        latency="envoy_cluster_upstream_rq_time",
        status_label="response_code",
        routes={
            "/items": {"cluster_name": r"outbound\|80\|\|items(-next)?\.shop\..*"},
            "/orders": {"cluster_name": r"outbound\|80\|\|orders\.shop\..*"},
        },
    )
    answers, timed = counts_of(ENVOY, envoy)
    assert answers == {("/items", "2xx"): 10, ("/orders", "5xx"): 2}
    assert timed == {"/items": 10}


def test_a_pattern_must_fit_the_whole_value() -> None:
    assert counts_of(NGINX.replace('route="items"', 'route="items-old"'), METRICS)[1] == {"/orders": 1}


def test_no_metrics_are_no_counts() -> None:
    assert counts_of("", METRICS) == ({}, {})


@pytest.mark.parametrize(
    ("status", "kind"),
    [("200", "2xx"), ("4xx", "4xx"), ("5", "5xx"), ("", "?"), ("0", "?"), ("000", "?"), ("2000", "?"), ("x", "?")],
)
def test_the_class_of_a_status_is_told_however_it_is_written(status: str, kind: str) -> None:
    assert status_class(status) == kind


SYSTEM = parse_system(
    "name: shop\nnamespace: shop\nservices: [{name: items}]\n"
    "gateway: {host: shop.test, routes: [{path: /items, service: items}]}\n",
    "s",
)


def read(monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]) -> RouteCounts:
    """Read two ready replicas of the gateway, and one that is not."""
    endpoints = [SimpleNamespace(pod=f"gate-{n}", ready=n < 3) for n in (2, 1, 3)]
    monkeypatch.setattr(route_counts, "observe_endpoints", lambda cluster, namespace, service: endpoints)
    transport = httpx.MockTransport(answer)
    cluster: Any = SimpleNamespace(
        http=lambda timeout_seconds: httpx.Client(base_url="https://api", transport=transport)
    )
    assert SYSTEM.gateway
    return read_counts(cluster, SYSTEM, SYSTEM.gateway, METRICS)


def test_every_ready_replica_is_read_by_the_api_servers_proxy_and_the_counts_are_added(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, text=NGINX)

    counts = read(monkeypatch, answer)
    assert asked == [f"/api/v1/namespaces/shop/pods/http:gate-{n}:4040/proxy/metrics" for n in (1, 2)]
    assert (counts.replicas, counts.unread) == ({"gate-1", "gate-2"}, ())
    assert counts.answers == {("/items", "2xx"): 18, ("/items", "4xx"): 6, ("/orders", "5xx"): 2}
    assert (counts.of("/items"), counts.of("/orders"), counts.of("/x")) == (24, 2, 0)
    assert counts.is_settled


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.Response(503, text="error trying to reach\nservice"), "HTTP 503 error trying to reach service"),
        (httpx.Response(200, text="<html>"), "not in the text format of Prometheus: "),
    ],
)
def test_a_replica_that_tells_nothing_is_data(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response, why: str
) -> None:
    counts = read(monkeypatch, lambda request: answer if "gate-2" in str(request.url) else httpx.Response(200, text=""))
    assert counts.replicas == {"gate-1"}
    (told,) = counts.unread
    assert told.startswith(f"gate-2: {why}")


def test_an_api_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(EnvironmentFault, match=r"^the metrics of shop/gate-1 cannot be read: ConnectError"):
        read(monkeypatch, refuse)


def counted(number: int, timed: int | None = None) -> RouteCounts:
    settled = number if timed is None else timed
    return RouteCounts(frozenset({"gate"}), (), Counter({("/items", "2xx"): number}), Counter({"/items": settled}))


def waited(*looks: RouteCounts, least: int = 0) -> tuple[RouteCounts, int]:
    """Return what a wait of a second ends with, and how often it looked; the last look is repeated for ever."""
    time, seen = [0.0], []

    def sleep(seconds: float) -> None:
        time[0] += seconds

    def look() -> RouteCounts:
        seen.append(looks[min(len(seen), len(looks) - 1)])
        return seen[-1]

    found = await_counts(look, lambda now: now.answers.total() >= least, 1.0, Clock(lambda: time[0], sleep))
    return found, len(seen)


def test_counts_are_taken_when_they_are_enough_and_the_same_twice() -> None:
    assert waited(counted(5)) == (counted(5), 2)
    assert waited(counted(3), counted(5), counted(5), least=5) == (counted(5), 3)
    assert waited(counted(5), counted(6), counted(6), least=5) == (counted(6), 3), "one more came"


def test_a_histogram_that_is_written_later_is_waited_for() -> None:
    assert waited(counted(5, 3), counted(5, 3), counted(5, 5), counted(5, 5), least=5) == (counted(5), 4)


def test_what_is_still_missing_at_the_bound_is_given_as_it_is() -> None:
    found, looks = waited(counted(3), least=5)
    assert found == counted(3)
    assert looks == 6
