"""A system is steady when it is whole and nothing of any fault is left; whatever is missing is told, all at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from urllib3.exceptions import MaxRetryError

from seatrial.chaos import steady
from seatrial.chaos.heal import prove_steady
from seatrial.chaos.remains import Remains
from seatrial.chaos.remedies import uncordon
from seatrial.chaos.undo_records import NodeUndo
from seatrial.errors import EnvironmentFault, Failed
from seatrial.observe.records import Endpoint, Workload
from seatrial.paths import ROOT
from seatrial.system_file import load_system

SYSTEM = load_system(ROOT / "system.yaml")
FIRST = SYSTEM.services[0]
ADDRESS = f"{SYSTEM.namespace}/{FIRST.workload}"


class World:
    """What is seen of a cluster; as it should be at first."""

    def __init__(self) -> None:
        self.ready = {"control-plane": "True", "worker": "True"}
        self.workloads: dict[str, tuple[int, int]] = {}
        self.published = 3
        self.remains = Remains((), ())
        self.on_nodes: tuple[NodeUndo, ...] = ()
        self.deployments = ["coredns"]

    @property
    def cluster(self) -> Any:
        def node(name: str, ready: str) -> Any:
            condition = SimpleNamespace(type="Ready", status=ready)
            return SimpleNamespace(metadata=SimpleNamespace(name=name), status=SimpleNamespace(conditions=[condition]))

        nodes = SimpleNamespace(items=[node(name, ready) for name, ready in self.ready.items()])
        named = [SimpleNamespace(metadata=SimpleNamespace(name=name)) for name in self.deployments]
        return SimpleNamespace(
            core=SimpleNamespace(list_node=lambda _request_timeout: nodes),
            apps=SimpleNamespace(list_namespaced_deployment=lambda namespace: SimpleNamespace(items=named)),
        )

    def workload(self, cluster: object, namespace: str, name: str) -> Workload:
        replicas, available = self.workloads.get(name, (3, 3))
        return Workload(name, replicas, available, ())

    def endpoints(self, cluster: object, namespace: str, name: str) -> tuple[Endpoint, ...]:
        return tuple(Endpoint(str(index), "", "", True, True, False, ()) for index in range(self.published))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    found = World()
    monkeypatch.setattr(steady, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(steady, "observe_workload", found.workload)
    monkeypatch.setattr(steady, "observe_endpoints", found.endpoints)
    monkeypatch.setattr(steady, "find_in_api", lambda *_: found.remains)
    monkeypatch.setattr(steady, "find_on_nodes", lambda _: found.on_nodes)
    return found


def missing(world: World) -> list[str]:
    with pytest.raises(Failed) as caught:
        prove_steady(world.cluster, SYSTEM, 0.0)
    return [str(each) for each in caught.value.failures]


def test_a_system_that_is_whole_with_nothing_left_is_steady(world: World) -> None:
    prove_steady(world.cluster, SYSTEM, 0.0)


def test_it_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([(3, 1), (3, 2), (3, 3)])

    def workload(cluster: object, namespace: str, name: str) -> Workload:
        replicas, available = next(looks, (3, 3)) if name == FIRST.workload else (3, 3)
        return Workload(name, replicas, available, ())

    monkeypatch.setattr(steady, "observe_workload", workload)
    prove_steady(world.cluster, SYSTEM, 5.0)


def test_replicas_that_are_missing_are_told(world: World) -> None:
    world.workloads[FIRST.workload], world.published = (3, 2), 2
    others = [service for service in SYSTEM.services if service is not FIRST]
    told = missing(world)
    assert told[0] == (
        f"{FIRST.name} (Deployment {ADDRESS}): its replicas are not whole\n"
        "  expected  all replicas available\n"
        "  observed  2 available of 3"
    )
    assert len(told) == 1 + len(others)
    assert told[1].endswith(
        "its endpoints are not whole\n"
        "  expected  every available replica published\n"
        "  observed  2 published of 3 available"
    )


@pytest.mark.parametrize(("numbers", "told"), [((0, 0), "0 available of 0"), ((2, 3), "3 available of 2")])
def test_no_replica_at_all_and_one_too_many_are_not_whole_either(
    world: World, numbers: tuple[int, int], told: str
) -> None:
    world.workloads[FIRST.workload], world.published = numbers, 3
    assert missing(world)[0].endswith(f"observed  {told}")


def test_dns_that_is_not_whole_is_told(world: World) -> None:
    world.workloads["coredns"] = (2, 0)
    (told,) = missing(world)
    assert told.splitlines()[0] == "the cluster's DNS (Deployment kube-system/coredns): its replicas are not whole"
    world.deployments = ["another-dns"]
    prove_steady(world.cluster, SYSTEM, 0.0)


def test_a_node_that_is_not_ready_is_told(world: World) -> None:
    world.ready["worker"] = "Unknown"
    assert missing(world) == [
        "node worker is not ready\n  expected  Ready\n  observed  not Ready\n  hint      kubelet, or its container"
    ]


def test_what_is_left_of_a_fault_is_told_by_what_would_undo_it(world: World) -> None:
    world.on_nodes = (NodeUndo("worker", "uncover", "", "remove 2 packet filter rules on node worker"),)
    world.remains = Remains((uncordon("worker"),), ("/api/v1/pods",))
    told = [text.splitlines() for text in missing(world)]
    assert [(lines[0], lines[2]) for lines in told] == [
        ("a fault is left behind: remove 2 packet filter rules on node worker", "  observed  still to do"),
        ("a fault is left behind: uncordon node worker", "  observed  still to do"),
        ("/api/v1/pods cannot be looked at", "  observed  HTTP 403"),
    ]


@pytest.mark.parametrize("where", ["nodes", "engine"])
def test_a_cluster_that_cannot_be_looked_at_is_not_steady(
    world: World, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def refuse(*_: object, **__: object) -> Any:
        if where == "nodes":
            raise MaxRetryError(None, "/api", reason=OSError("refused"))  # type: ignore[arg-type]
        raise EnvironmentFault("docker: no answer")

    cluster = world.cluster
    if where == "nodes":
        cluster.core.list_node = refuse
    else:
        monkeypatch.setattr(steady, "find_on_nodes", refuse)
    with pytest.raises(Failed) as caught:
        prove_steady(cluster, SYSTEM, 0.0)
    (failure,) = caught.value.failures
    assert failure.subject == "the cluster cannot be looked at"
    assert failure.observed in ("nodes and Deployments cannot be read: refused", "docker: no answer")
