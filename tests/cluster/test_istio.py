"""The mesh's control plane: rendered by its own tool, definitions first, and waited for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

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


NOT_FOUND = ApiException(status=404, reason="Not Found")


def cluster_with(noted: str | None = None, available: int | None = 1, error: Exception | None = None) -> Any:
    """A cluster with istiod, so many replicas of which are available, and this note of what was installed."""

    def read_namespace(name: str) -> Any:
        assert name == istio.NAMESPACE
        if error:
            raise error
        return SimpleNamespace(metadata=SimpleNamespace(annotations=noted and {istio.INSTALLED: noted}))

    def read_deployment(name: str, namespace: str) -> Any:
        assert (name, namespace) == ("istiod", istio.NAMESPACE)
        return SimpleNamespace(spec=SimpleNamespace(replicas=1), status=SimpleNamespace(available_replicas=available))

    return SimpleNamespace(
        core=SimpleNamespace(read_namespace=read_namespace),
        apps=SimpleNamespace(read_namespaced_deployment=read_deployment),
    )


def test_what_stands_there_already_is_neither_rendered_nor_applied(
    asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "apply", lambda *_: pytest.fail("was applied"))
    istio.install(cluster_with(istio.wanted()), within_seconds=7.0)
    assert asked == []


@pytest.mark.parametrize(
    "cluster",
    [
        cluster_with(),
        cluster_with("another"),
        cluster_with(error=NOT_FOUND),
        cluster_with(error=HTTPError("refused")),
    ],
    ids=["no note", "another", "no namespace", "no answer"],
)
def test_it_is_not_installed_where_nobody_says_so(asked: list[tuple[Any, ...]], cluster: Any) -> None:
    assert not istio.is_installed(cluster)


@pytest.mark.parametrize("available", [0, None])
def test_it_is_not_installed_where_it_is_not_available(asked: list[tuple[Any, ...]], available: int | None) -> None:
    assert not istio.is_installed(cluster_with(istio.wanted(), available))


def test_another_operator_file_is_another_installation(
    asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = istio.wanted()
    (tmp_path / "istio").mkdir()
    (tmp_path / "istio" / "operator.yaml").write_text("spec: {}\n")
    monkeypatch.setattr(istio, "FOLDER", tmp_path / "istio")
    assert istio.wanted() != before


def test_what_is_rendered_is_applied_and_waited_for_and_noted_last(
    asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Any] = []
    cluster: Any = cluster_with("another")
    monkeypatch.setattr(deploy, "apply", lambda where, objects: done.append((where, objects)))
    monkeypatch.setattr(
        deploy,
        "wait_rolled_out",
        lambda where, objects, *, within_seconds: done.append((where, objects, within_seconds)),
    )
    istio.install(cluster, within_seconds=7.0)
    noted = {"name": istio.NAMESPACE, "annotations": {istio.INSTALLED: istio.wanted()}}
    note = {"apiVersion": "v1", "kind": "Namespace", "metadata": noted}
    assert done == [(cluster, istio.render()), (cluster, istio.render(), 7.0), (cluster, [note])]
    assert istio.render()[0]["metadata"]["annotations"] == {}, "the old note is taken back first"


def test_a_tool_that_fails_is_told_and_nothing_is_applied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def capture(*argv: Any) -> str:
        raise EnvironmentFault("istioctl manifest generate: unknown field")

    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    monkeypatch.setattr(istio, "capture", capture)
    monkeypatch.setattr(deploy, "apply", lambda *_: pytest.fail("was applied"))
    with pytest.raises(EnvironmentFault, match="unknown field"):
        istio.install(cluster_with(), within_seconds=1.0)


def test_the_operator_file_asks_for_the_release_of_the_lock_and_for_no_more_than_the_control_plane() -> None:
    spec = yaml.safe_load((istio.FOLDER / "operator.yaml").read_text())["spec"]
    for name in ("pilot-discovery", "pilot-agent"):
        image = components().image(name).image
        assert (image.rpartition("/")[0], image.rpartition(":")[2]) == (spec["hub"], spec["tag"])
    assert spec["profile"] == "minimal", "the gateway is the overlay's own"
    assert spec["values"]["global"]["imagePullPolicy"] == "IfNotPresent", "the images lie in the node"
