"""Where the gateway stands, read from models of the client library."""

from __future__ import annotations

import base64
import ssl
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import MaxRetryError, NewConnectionError

from seatrial.errors import EnvironmentFault
from seatrial.observe.front_door import FrontDoor, observe_front_door, open_at
from seatrial.observe.records import Endpoint
from seatrial.system_file import parse_system

HOST = "shop.test"
CA = trustme.CA(organization_name="Trial")
SYSTEM = """\
name: shop
namespace: shop
services: [{name: auth}]
gateway: {host: shop.test, service: door, https_port_name: tls, routes: [{path: /, service: auth}]}
"""


def cluster(
    ports: dict[str, int] | None,
    secret: dict[str, str] | Exception | None = None,
    replicas: tuple[bool, ...] = (False, True),
) -> Any:
    """A cluster of one node with the Service ``door`` of these node ports, replicas (ready or not), and this Secret."""

    def read_service(name: str, namespace: str) -> client.V1Service:
        if (name, namespace) != ("door", "shop") or ports is None:
            raise ApiException(status=404, reason="Not Found")
        listed = [{"name": name, "port": 1, "nodePort": port or None} for name, port in ports.items()]
        return client.V1Service.model_validate({"metadata": {"name": name}, "spec": {"ports": listed}})

    def read_secret(name: str, namespace: str) -> Any:
        assert (name, namespace) == ("gateway-tls", "shop")
        if isinstance(secret, Exception):
            raise secret
        return SimpleNamespace(data=secret)

    addresses = [{"type": "Hostname", "address": "worker"}, {"type": "InternalIP", "address": "172.18.0.2"}]
    status = {"addresses": addresses, "conditions": [{"type": "Ready", "status": "True"}]}
    node = client.V1Node.model_validate({"metadata": {"name": "worker"}, "status": status})
    core = SimpleNamespace(
        list_node=lambda **_: SimpleNamespace(items=[node]),
        read_namespaced_service=read_service,
        read_namespaced_secret=read_secret,
    )
    discovery = SimpleNamespace(list_namespaced_endpoint_slice=lambda *_, **__: SimpleNamespace(items=[door(replicas)]))
    return SimpleNamespace(core=core, discovery=discovery)


def door(replicas: tuple[bool, ...]) -> client.V1EndpointSlice:
    """Return an EndpointSlice of so many replicas."""
    endpoints = [
        {"addresses": [f"10.0.0.{number}"], "conditions": {"ready": ready}} for number, ready in enumerate(replicas)
    ]
    return client.V1EndpointSlice.model_validate({"addressType": "IPv4", "endpoints": endpoints, "ports": []})


def observed(cluster: Any) -> FrontDoor:
    system = parse_system(SYSTEM, "s")
    assert system.gateway
    return observe_front_door(cluster, system, system.gateway)


BOTH = {"http": 30080, "tls": 30443}


def test_the_door_is_at_the_node_ports_of_its_service() -> None:
    pem = CA.cert_pem.bytes()
    door = observed(cluster(BOTH, {"ca.crt": base64.b64encode(pem).decode()}))
    assert door == FrontDoor(HOST, "172.18.0.2", 30080, 30443, pem.decode())
    assert door.url == "https://172.18.0.2:30443"


@pytest.mark.parametrize("replicas", [(), (False,), (False, False)], ids=len)
def test_a_gateway_of_which_no_replica_is_ready_is_told_with_their_number(replicas: tuple[bool, ...]) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        observed(cluster(BOTH, {}, replicas))
    assert str(caught.value) == (
        f"the gateway is not ready: none of {len(replicas)} replicas behind Service shop/door is; "
        "see 'kubectl get events --namespace=shop' and the logs of its pods"
    )


NODES = {"node-a": "10.0.0.1", "node-b": "10.0.0.2", "node-c": "10.0.0.3"}


@pytest.mark.parametrize(
    ("declared", "open_nodes"), [("", ["node-a", "node-b", "node-c"]), ("all", [*NODES]), ("own", ["node-b"])]
)
def test_customers_are_let_in_at_every_node_or_where_a_ready_replica_stands(
    declared: str, open_nodes: list[str]
) -> None:
    text = SYSTEM.replace("service: door", f"service: door, nodes: {declared}") if declared else SYSTEM
    gateway = parse_system(text, "s").gateway
    assert gateway
    replicas = [replica("node-b"), replica("node-c", ready=False), replica("node-gone")]
    assert open_at(gateway, NODES, replicas) == {name: NODES[name] for name in open_nodes}


def replica(node: str, *, ready: bool = True) -> Endpoint:
    return Endpoint("10.1.0.1", "door-1", node, ready, serving=ready, terminating=False, ports=(8443,))


@pytest.mark.parametrize("secret", [None, {}, {"tls.crt": "eA=="}])
def test_a_secret_without_an_authority_leaves_trust_to_the_machine(secret: dict[str, str] | None) -> None:
    door = observed(cluster(BOTH, secret))
    assert door.authority == ""
    assert door.trust().verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("ports", "lacks"),
    [
        (None, "is not there"),
        ({}, "has no node port named http"),
        ({"http": 30080}, "has no node port named tls"),
        ({"http": 0, "tls": 30443}, "has no node port named http"),
        ({"http": 30080, "https": 30443}, "has no node port named tls"),
    ],
    ids=["no Service", "no ports", "one port", "no node port", "another name"],
)
def test_a_door_that_customers_cannot_reach_is_told_with_what_it_lacks(
    ports: dict[str, int] | None, lacks: str
) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        observed(cluster(ports))
    assert str(caught.value) == (
        f"customers cannot reach the gateway: Service shop/door {lacks}; "
        "deploy an overlay with a gateway, and name its ports in system.yaml"
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ApiException(status=404, reason="Not Found"), "404 Not Found"),
        (
            MaxRetryError(None, "/api", NewConnectionError(SimpleNamespace(host="127.0.0.1"), "refused")),  # type: ignore[arg-type]
            "",
        ),
    ],
    ids=["missing", "no API server"],
)
def test_a_secret_that_cannot_be_read_is_told_in_one_line(error: Exception, told: str) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        observed(cluster(BOTH, error))
    assert str(caught.value).startswith(f"Secret shop/gateway-tls cannot be read: {told}")
    assert "\n" not in str(caught.value)
