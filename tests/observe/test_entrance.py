"""How customers come in: by the node ports of the services that their journey uses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from seatrial.errors import EnvironmentFault
from seatrial.observe.entrance import node_addresses, observe_entrances
from seatrial.system import System
from seatrial.system_file import parse_system

SYSTEM = """\
name: shop
namespace: shop
services:
  - {name: auth, external: auth-external}
  - {name: items, external: items-external}
  - {name: users}
login: {service: auth, request: {path: /login}}
journey:
  - {name: look, service: items, request: {path: /items, login: true}}
"""


@pytest.fixture
def system() -> System:
    return parse_system(SYSTEM, "system.yaml")


def cluster(**node_ports: int) -> Any:
    """A cluster of one node and these Services: name, with ``_`` for ``-``, to node port."""

    def read(name: str, namespace: str) -> client.V1Service:
        if name.replace("-", "_") not in node_ports:
            raise ApiException(status=404, reason="Not Found")
        ports = [{"port": 9100}, {"port": 80, "nodePort": node_ports[name.replace("-", "_")] or None}]
        return client.V1Service.model_validate({"metadata": {"name": name}, "spec": {"ports": ports}})

    addresses = [{"type": "Hostname", "address": "worker"}, {"type": "InternalIP", "address": "172.18.0.2"}]
    node = client.V1Node.model_validate({"metadata": {"name": "worker"}, "status": {"addresses": addresses}})
    listing = SimpleNamespace(items=[node])
    return SimpleNamespace(core=SimpleNamespace(list_node=lambda **_: listing, read_namespaced_service=read))


def test_each_service_of_the_journey_and_the_log_in_has_an_address(system: System) -> None:
    found = observe_entrances(cluster(auth_external=30001, items_external=30002), system)
    assert found == {"auth": "http://172.18.0.2:30001", "items": "http://172.18.0.2:30002"}


@pytest.mark.parametrize("ports", [{}, {"items_external": 0}], ids=["no Service", "no node port"])
def test_a_service_without_a_node_port_is_told_with_what_it_lacks(system: System, ports: dict[str, int]) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        observe_entrances(cluster(auth_external=30001, **ports), system)
    assert str(caught.value) == (
        "customers cannot reach items: there is no NodePort Service items-external; "
        "name it as 'external' in system.yaml, and deploy it with the overlay"
    )


def test_more_services_have_an_address_when_they_are_asked_for(system: System) -> None:
    found = observe_entrances(cluster(auth_external=30001, items_external=30002), system, {"items", "auth"})
    assert sorted(found) == ["auth", "items"]
    with pytest.raises(EnvironmentFault, match=r"^customers cannot reach users: there is no NodePort Service .none"):
        observe_entrances(cluster(auth_external=30001, items_external=30002), system, ["users"])


def test_a_cluster_that_does_not_answer_is_told_in_one_line(system: System) -> None:
    def away(**_: object) -> None:
        raise ApiException(status=503, reason="Service Unavailable")

    with pytest.raises(EnvironmentFault) as caught:
        observe_entrances(SimpleNamespace(core=SimpleNamespace(list_node=away)), system)  # type: ignore[arg-type]
    assert str(caught.value) == "the addresses of the nodes cannot be read: 503 Service Unavailable"


def test_nobody_comes_in_where_there_is_no_journey(system: System) -> None:
    assert observe_entrances(cluster(), system.model_copy(update={"journey": (), "login": None})) == {}


def node(name: str, *addresses: str, ready: str = "True", kind: str = "InternalIP") -> client.V1Node:
    status = {
        "addresses": [{"type": "Hostname", "address": name}, *({"type": kind, "address": each} for each in addresses)],
        "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}],
    }
    return client.V1Node.model_validate({"metadata": {"name": name}, "status": status})


def nodes(*listed: client.V1Node) -> Any:
    return SimpleNamespace(core=SimpleNamespace(list_node=lambda **_: SimpleNamespace(items=list(listed))))


def test_every_ready_node_has_an_address() -> None:
    found = node_addresses(
        nodes(
            node("worker", "172.18.0.3", "fd00::3"),
            node("control", "172.18.0.2"),
            node("lost", "172.18.0.4", ready="Unknown"),
            node("outside", "203.0.113.7", kind="ExternalIP"),
        )
    )
    assert found == {"control": "172.18.0.2", "worker": "172.18.0.3"}


@pytest.mark.parametrize("listed", [(), (node("worker", "172.18.0.3", ready="False"),)], ids=["none", "not ready"])
def test_a_cluster_without_a_ready_node_is_told(listed: tuple[client.V1Node, ...]) -> None:
    with pytest.raises(EnvironmentFault, match=r"^no node of the cluster is Ready"):
        node_addresses(nodes(*listed))
