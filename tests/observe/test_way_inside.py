"""How customers in the cluster come in: by the addresses of Services that have somebody to answer."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from seatrial.errors import EnvironmentFault
from seatrial.observe.way_in import WayIn
from seatrial.observe.way_inside import observe_way_inside
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    """\
name: shop
namespace: shop
services: [{name: auth, port: 8080}, {name: items}]
gateway:
  host: shop.test
  routes: [{path: /items, service: items}]
""",
    "system.yaml",
)
PORTS = {"auth": 8080, "items": 80, "gateway": 443}


def cluster(*, ready: bool = True, ip: str = "10.96.0.7", port: int = 0, missing: bool = False) -> Any:
    def service(name: str, namespace: str) -> client.V1Service:
        if missing:
            raise ApiException(status=404, reason="Not Found")
        ports = [{"name": "https" if name == "gateway" else "http", "port": port or PORTS[name]}]
        return client.V1Service.model_validate({"metadata": {"name": name}, "spec": {"clusterIP": ip, "ports": ports}})

    def slices(namespace: str, label_selector: str) -> Any:
        given = {
            "addressType": "IPv4",
            "ports": [],
            "endpoints": [{"addresses": ["x"], "conditions": {"ready": ready}}],
        }
        return SimpleNamespace(items=[client.V1EndpointSlice.model_validate(given)])

    secret = SimpleNamespace(data={"ca.crt": base64.b64encode(b"PEM").decode()})
    core = SimpleNamespace(read_namespaced_service=service, read_namespaced_secret=lambda *_: secret)
    return SimpleNamespace(core=core, discovery=SimpleNamespace(list_namespaced_endpoint_slice=slices))


def test_each_service_is_asked_at_its_own_address_and_port() -> None:
    way = observe_way_inside(cluster(), SYSTEM, {"items", "auth"}, through_gateway=False)
    assert way == WayIn({"auth": "http://10.96.0.7:8080", "items": "http://10.96.0.7:80"})


def test_the_gateway_is_asked_by_name_at_its_address_and_trusted_by_its_authority() -> None:
    way = observe_way_inside(cluster(ip="fd00::7"), SYSTEM, {"items"}, through_gateway=True)
    assert way == WayIn({"items": "https://[fd00::7]:443"}, "shop.test", "PEM")


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (cluster(missing=True), "is not there"),
        (cluster(ip="None"), "has no address of its own"),
        (cluster(port=81), "has no port 80"),
        (cluster(ready=False), "has no ready endpoint"),
    ],
)
def test_a_service_that_nobody_answers_for_is_told_before_anything_is_started(broken: Any, told: str) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        observe_way_inside(broken, SYSTEM, {"items"}, through_gateway=False)
    assert str(caught.value) == (
        f"customers cannot reach Service shop/items: it {told}; nothing was started; "
        "see 'seatrial status', and name the overlay that is deployed"
    )
