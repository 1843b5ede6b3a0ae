"""Where requests go: by a Service, directly, through the gateway; and what they carry there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from seatrial.errors import EnvironmentFault
from seatrial.observe.target import (
    Target,
    direct_target,
    gateway_target,
    observe_inner_address,
    service_target,
    trusted_here,
)
from seatrial.system_file import parse_system
from seatrial.system_values import Call

SYSTEM = parse_system(
    "name: shop\nnamespace: shop\n"
    "services: [{name: web, direct: web-plain, direct_port: 8079, identity_path: /who}, {name: stock, port: 8000}]\n"
    "login: {service: web, request: {method: POST, path: /login}}\n"
    "gateway: {service: door, host: shop.test, https_port_name: safe, routes: [{path: /, service: web}]}\n",
    "system.yaml",
)
WEB, STOCK = SYSTEM.services
ITEMS = Call(path="/items", login=True)


def test_a_service_is_asked_as_other_services_ask_it():
    assert service_target(SYSTEM, WEB) == Target("http://web.shop.svc.cluster.local.:80/who")


def test_the_direct_way_has_a_name_and_a_port_of_its_own():
    assert direct_target(SYSTEM, WEB) == Target("http://web-plain.shop.svc.cluster.local.:8079/who")
    items = direct_target(SYSTEM, WEB, ITEMS, "secret")
    assert items == Target("http://web-plain.shop.svc.cluster.local.:8079/items", {"Authorization": "Bearer secret"})


def test_without_a_direct_service_the_direct_way_is_the_ordinary_one():
    assert direct_target(SYSTEM, STOCK, Call(path="/x"), "secret") == Target(
        "http://stock.shop.svc.cluster.local.:8000/x"
    )


def test_the_gateway_is_asked_for_its_public_name_at_an_inner_address():
    assert SYSTEM.gateway
    target = gateway_target("door.shop.:443", SYSTEM.gateway, "PEM", ITEMS, "secret")
    bearer = {"Authorization": "Bearer secret"}
    assert target == Target("https://door.shop.:443/items", bearer, "shop.test", "PEM")
    assert gateway_target("door.shop.:443", SYSTEM.gateway, "PEM", Call(path="/"), "secret").headers == {}
    assert "PEM" not in repr(target)


def test_a_gateway_with_a_public_certificate_is_believed_as_this_machine_does():
    assert SYSTEM.gateway
    target = gateway_target("door.shop.:443", SYSTEM.gateway, "", ITEMS, "")
    assert target.authority == trusted_here()
    assert trusted_here().count("BEGIN CERTIFICATE") == trusted_here().count("END CERTIFICATE")


def cluster_of(read: Any) -> Any:
    return SimpleNamespace(core=SimpleNamespace(read_namespaced_service=read))


def service(*ports: dict[str, Any]) -> Any:
    spec = {"clusterIP": "10.96.0.9", "ports": list(ports)}
    return lambda name, namespace: client.V1Service.model_validate({"metadata": {"name": name}, "spec": spec})


def test_the_inner_address_is_the_port_of_that_name():
    assert SYSTEM.gateway
    cluster = cluster_of(service({"name": "http", "port": 80}, {"name": "safe", "port": 8443}))
    assert observe_inner_address(cluster, SYSTEM, SYSTEM.gateway) == "door.shop.svc.cluster.local.:8443"


def absent(name: str, namespace: str) -> Any:
    raise ApiException(status=404, reason="Not Found")


@pytest.mark.parametrize(
    ("read", "why"), [(service({"name": "https", "port": 443}), "has no port named safe"), (absent, "is not there")]
)
def test_a_gateway_that_cannot_be_reached_from_inside_is_told(read: Any, why: str):
    assert SYSTEM.gateway
    with pytest.raises(EnvironmentFault) as caught:
        observe_inner_address(cluster_of(read), SYSTEM, SYSTEM.gateway)
    assert str(caught.value) == (
        f"the gateway cannot be reached from inside: Service shop/door {why}; "
        "deploy an overlay with a gateway, and name its ports in system.yaml"
    )
