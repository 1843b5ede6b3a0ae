"""The mesh's control plane: rendered by its own tool, definitions first, and waited for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from seatrial.cluster import deploy, golang, istio
from seatrial.cluster.components import components
from seatrial.errors import EnvironmentFault

RENDERED = """\
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: istiod, namespace: istio-system}
---
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod, namespace: istio-system}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gateways.networking.istio.io}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sidecars.networking.istio.io}
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Any, ...]]:
    """Has istioctl answer with little; returns how it was asked."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    calls: list[tuple[Any, ...]] = []

    def capture(*argv: Any) -> str:
        calls.append(argv)
        return RENDERED

    monkeypatch.setattr(istio, "capture", capture)
    return calls


def test_the_locked_tool_renders_the_operator_file(asked: list[tuple[Any, ...]]) -> None:
    istio.render()
    operator = istio.FOLDER / "operator.yaml"
    istioctl = golang.binary(components().tool("istioctl"))
    assert asked == [(istioctl, "manifest", "generate", "--filename", operator)]
    assert operator.is_file()


def test_the_namespace_comes_first_then_definitions_then_the_rest_in_its_order(asked: list[tuple[Any, ...]]) -> None:
    assert [deploy.address(each) for each in istio.render()] == [
        "Namespace/istio-system",
        "CustomResourceDefinition/gateways.networking.istio.io",
        "CustomResourceDefinition/sidecars.networking.istio.io",
        "ServiceAccount/istio-system/istiod",
        "Deployment/istio-system/istiod",
    ]


def test_what_is_rendered_is_applied_and_waited_for(
    asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Any] = []
    cluster: Any = object()
    monkeypatch.setattr(deploy, "apply", lambda where, objects: done.append((where, objects)))
    monkeypatch.setattr(
        deploy,
        "wait_rolled_out",
        lambda where, objects, *, within_seconds: done.append((where, objects, within_seconds)),
    )
    istio.install(cluster, within_seconds=7.0)
    assert done == [(cluster, istio.render()), (cluster, istio.render(), 7.0)]


def test_a_tool_that_fails_is_told_and_nothing_is_applied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def capture(*argv: Any) -> str:
        raise EnvironmentFault("istioctl manifest generate: unknown field")

    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    monkeypatch.setattr(istio, "capture", capture)
    monkeypatch.setattr(deploy, "apply", lambda *_: pytest.fail("was applied"))
    with pytest.raises(EnvironmentFault, match="unknown field"):
        istio.install(object(), within_seconds=1.0)  # type: ignore[arg-type]


def test_the_operator_file_asks_for_the_release_of_the_lock_and_for_no_more_than_the_control_plane() -> None:
    spec = yaml.safe_load((istio.FOLDER / "operator.yaml").read_text())["spec"]
    for name in ("pilot-discovery", "pilot-agent"):
        image = components().image(name).image
        assert (image.rpartition("/")[0], image.rpartition(":")[2]) == (spec["hub"], spec["tag"])
    assert spec["profile"] == "minimal", "the gateway is the overlay's own"
    assert spec["values"]["global"]["imagePullPolicy"] == "IfNotPresent", "the images lie in the node"
