"""Delays in a mesh's routes, as raw JSON of a VirtualService. Pure: nothing here speaks to a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seatrial.cluster.patch import Object

PREFIX = "seatrial-delay"
"""Every rule of ours has a name that begins so, and no other rule does."""


def delayed(rules: Sequence[Object], labels: Mapping[str, str], seconds: float) -> list[Object]:
    """Return the rules, and before them a copy of each that holds for callers with these labels and waits first."""
    fault = {"delay": {"percentage": {"value": 100.0}, "fixedDelay": f"{seconds:g}s"}}
    copies = [
        {**rule, "name": f"{PREFIX}-{number}", "match": _from(rule.get("match") or [{}], labels), "fault": fault}
        for number, rule in enumerate(rules)
    ]
    return [*copies, *rules]


def undelayed(rules: Sequence[Object]) -> list[Object]:
    """Return the rules without those of ours."""
    return [rule for rule in rules if not str(rule.get("name", "")).startswith(PREFIX)]


def routes_to(virtual_services: Sequence[Object], service: str, host: str) -> Object | None:
    """Return what says how the sidecars reach a Service, by its short or its full name; None where nothing does."""
    for each in virtual_services:
        spec = each["spec"]
        inside = "mesh" in spec.get("gateways", ["mesh"])
        if inside and spec.get("http") and {service, host} & set(spec.get("hosts", ())):
            return each
    return None


def _from(matches: Sequence[Object], labels: Mapping[str, str]) -> list[Object]:
    return [{**match, "sourceLabels": {**match.get("sourceLabels", {}), **labels}} for match in matches]
