"""Delays in a mesh's routes: for one caller alone, and gone without a trace."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from seatrial.chaos.mesh_delays import delayed, routes_to, undelayed
from seatrial.paths import ROOT

READS = {
    "match": [{"method": {"exact": "GET"}}],
    "route": [{"destination": {"host": "auth"}}],
    "retries": {"attempts": 1},
}
WRITES = {"route": [{"destination": {"host": "auth"}}]}
LABELS = {"app.kubernetes.io/name": "buyers"}


def test_the_caller_alone_waits_and_is_else_served_as_before():
    reads, writes, *rest = delayed([READS, WRITES], LABELS, 0.3)
    fault = {"delay": {"percentage": {"value": 100.0}, "fixedDelay": "0.3s"}}
    match = [{"method": {"exact": "GET"}, "sourceLabels": LABELS}]
    assert reads == {**READS, "match": match, "fault": fault, "name": "seatrial-delay-0"}
    assert writes == {**WRITES, "match": [{"sourceLabels": LABELS}], "fault": fault, "name": "seatrial-delay-1"}
    assert rest == [READS, WRITES]


def test_a_delay_is_gone_without_a_trace():
    rules: list[dict[str, Any]] = [READS, {**WRITES, "name": "writes"}]
    assert undelayed(delayed(rules, LABELS, 0.3)) == rules
    assert undelayed(rules) == rules


@pytest.mark.parametrize("service", ["auth", "users", "leads", "buyers"])
def test_the_mesh_of_the_reference_system_says_how_each_service_is_reached(service: str):
    found = [*yaml.safe_load_all((ROOT / "manifests" / "mesh" / "retries.yaml").read_text())]
    routes = routes_to(found, service, f"{service}.lead-platform.svc.cluster.local")
    assert routes is not None
    assert routes["metadata"]["name"] == service


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"hosts": ["auth"], "http": [WRITES]}, True),
        ({"hosts": ["auth.shop.svc.cluster.local"], "http": [WRITES], "gateways": ["mesh", "door"]}, True),
        ({"hosts": ["auth"], "http": [WRITES], "gateways": ["door"]}, False),
        ({"hosts": ["auth"], "tcp": [WRITES]}, False),
        ({"hosts": ["users"], "http": [WRITES]}, False),
    ],
    ids=["short name", "full name", "at the door only", "no http", "another service"],
)
def test_only_routes_of_the_sidecars_to_that_service_are_meant(spec: Any, found: bool):
    assert (routes_to([{"spec": spec}], "auth", "auth.shop.svc.cluster.local") is not None) is found
