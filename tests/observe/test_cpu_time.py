"""How many cores replicas use, by the counters of their kubelets."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from seatrial.errors import EnvironmentFault
from seatrial.observe import cpu_time
from seatrial.observe.cpu_time import Sample, measure_cores, observe_cpu_time
from seatrial.observe.records import PodView


def pod(name: str, node: str) -> PodView:
    return PodView("shop", name, name, "", node, "Running", True, False, 0, "app", "", 0.0, 0.0)


A, B = pod("auth-1", "node-a"), pod("auth-2", "node-b")


def summary(name: str, *containers: tuple[str, str, int]) -> dict[str, Any]:
    told = [
        {"name": each, "cpu": {"time": f"2026-01-01T00:00:{second}Z", "usageCoreNanoSeconds": nanoseconds}}
        for each, second, nanoseconds in containers
    ]
    return {"podRef": {"namespace": "shop", "name": name}, "containers": told}


class Kubelets:
    """A cluster whose nodes give these answers in turn, the last one for ever."""

    def __init__(self, **nodes: list[httpx.Response]) -> None:
        self._nodes = {name.replace("_", "-"): answers for name, answers in nodes.items()}

    def http(self, **_: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._handle), base_url="https://api")

    def _handle(self, request: httpx.Request) -> httpx.Response:
        *_, node, proxy, stats, summary = request.url.path.split("/")
        assert (proxy, stats, summary) == ("proxy", "stats", "summary")
        answers = self._nodes[node]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def told(*pods: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"pods": list(pods)})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_time, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(cpu_time, "FRESH_SECONDS", 0.2)


def test_the_counters_of_these_pods_and_no_others_are_read():
    cluster: Any = Kubelets(
        node_a=[
            told(
                summary("auth-1", ("app", "01.5", 2_000_000_000), ("vantage", "02", 0)),
                summary("users-1", ("app", "03", 9)),
            )
        ],
        node_b=[told(summary("auth-2", ("app", "04", 1)))],
    )
    found = observe_cpu_time(cluster, [A, B])
    assert set(found) == {("auth-1", "app"), ("auth-1", "vantage"), ("auth-2", "app")}
    assert found["auth-1", "app"] == Sample(1767225601.5, 2.0)


def test_cores_are_what_was_used_between_two_fresh_counters_by_the_nodes_own_clock():
    answers = [
        told(summary("auth-1", ("app", "00", 0), ("vantage", "00", 0))),
        told(summary("auth-1", ("app", "00", 0), ("vantage", "05", 0))),  # one of them is stale
        told(summary("auth-1", ("app", "10", 1_000_000_000), ("vantage", "10", 0))),
        told(summary("auth-1", ("app", "20", 1_500_000_000), ("vantage", "20", 0))),  # too early
        told(summary("auth-1", ("app", "31", 3_100_000_000), ("vantage", "30.5", 2_050_000_000))),
    ]
    assert measure_cores(Kubelets(node_a=answers), [A], for_seconds=20) == pytest.approx(0.1 + 0.1)  # type: ignore[arg-type]


def test_counters_that_are_not_read_anew_are_told():
    cluster: Any = Kubelets(node_a=[told(summary("auth-1", ("app", "00", 0)))])
    with pytest.raises(EnvironmentFault) as caught:
        measure_cores(cluster, [A], for_seconds=20)
    assert str(caught.value) == "the kubelets read no new counters of CPU in 0.2 s"


def test_a_pod_that_no_kubelet_tells_of_is_named():
    bare = {"podRef": {"namespace": "shop", "name": "auth-1"}, "containers": [{"name": "app"}]}
    cluster: Any = Kubelets(node_a=[told(bare)])
    with pytest.raises(EnvironmentFault) as caught:
        observe_cpu_time(cluster, [A])
    assert str(caught.value) == "the kubelets do not tell how much CPU is used by auth-1"


def test_a_kubelet_that_refuses_is_named():
    cluster: Any = Kubelets(node_a=[httpx.Response(403)])
    with pytest.raises(EnvironmentFault, match=r"the kubelet of node-a does not tell how much CPU is used: .*403"):
        observe_cpu_time(cluster, [A])
