"""Manifests: which folder is meant, how an object is named, and the order in which a system is brought back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import V1Service, V1ServiceSpec
from kubernetes.client.exceptions import ApiException

from seatrial.cluster import deploy
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.paths import ROOT

WAITING = {"name": "web", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}}
POD = {"metadata": {"name": "auth-1"}, "involvedObject": {}, "status": {"containerStatuses": [WAITING]}}
# what kubectl tells of a Deployment, its pods, and the warnings in their namespace: one answer will do for all
CRASHING = {"spec": {"selector": {"matchLabels": {"app": "auth"}}}, "items": [POD]}


class Kubectl:
    """A cluster as far as kubectl is run against it: notes the commands, with the names of what is handed in.

    ``services`` maps the name of a live Service to its cluster IP; ``refuses`` is a command that fails.
    """

    def __init__(self, services: dict[str, str] | None = None, refuses: str = "") -> None:
        self.commands: list[tuple[str, ...]] = []
        self.options: list[str] = []
        self._services = services or {}
        self._refuses = refuses

    @property
    def core(self) -> Any:
        return self

    def read_namespaced_service(self, name: str, namespace: str) -> V1Service:
        if name not in self._services:
            raise ApiException(status=404, reason="Not Found")
        if self._services[name] == "forbidden":
            raise ApiException(status=403, reason="Forbidden")
        return V1Service(spec=V1ServiceSpec(cluster_ip=self._services[name]))

    def kubectl(self, verb: str, *arguments: str, stdin: str = "", timeout_seconds: float = 0) -> str:
        names = [json.loads(line)["metadata"]["name"] for line in stdin.splitlines()]
        words = [word for word in arguments if not word.startswith("--")]
        self.commands.append((verb, *words, *names))
        self.options = [word for word in arguments if word.startswith("--")]
        if verb == self._refuses:
            raise EnvironmentFault(f"kubectl {verb}: Waiting for rollout\nerror: timed out waiting for the condition")
        return json.dumps(CRASHING)


def item(kind: str, name: str, **spec: Any) -> deploy.Object:
    return {"kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def test_an_overlay_is_meant_by_its_name() -> None:
    assert deploy.overlay_folder("baseline") == ROOT / "manifests" / "overlays" / "baseline"


def test_an_overlay_is_meant_by_a_path_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "its" / "manifests").mkdir(parents=True)
    (tmp_path / "its" / "manifests" / "kustomization.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert deploy.overlay_folder("its/manifests/") == tmp_path / "its" / "manifests"


@pytest.mark.parametrize("name", ["nope", "./nope", "/nope/", ".."])
def test_an_overlay_that_is_none_is_told_with_those_there_are(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        deploy.overlay_folder(name)
    folder = Path(name) if "/" in name else ROOT / "manifests" / "overlays" / name
    known = ", ".join(sorted(path.name for path in (ROOT / "manifests" / "overlays").iterdir()))
    assert str(caught.value) == (f"--overlay {name}: no kustomization.yaml in {folder}; give {known} or a folder")


def test_an_object_is_named_by_kind_namespace_and_name() -> None:
    assert deploy.address(item("Service", "auth")) == "Service/shop/auth"
    assert deploy.address({"kind": "Namespace", "metadata": {"name": "shop"}}) == "Namespace/shop"


def test_rendering_lays_components_and_a_namespace_over_a_folder(tmp_path: Path) -> None:
    written: dict[str, Any] = {}

    class Rendering(Kubectl):
        def kubectl(self, verb: str, *arguments: str, **_: Any) -> str:  # type: ignore[override]
            beside = Path(arguments[0])
            written.update(yaml.safe_load((beside / "kustomization.yaml").read_text()))
            written["found"] = [(beside / path).resolve() for path in (*written["resources"], *written["components"])]
            return "---\nkind: Namespace\n---\n---\nkind: Service\n"

    parts = [tmp_path / "one", tmp_path / "two"]
    objects = deploy.render(Rendering(), tmp_path, components=parts, namespace="shop")  # type: ignore[arg-type]
    assert [each["kind"] for each in objects] == ["Namespace", "Service"]
    assert written["found"] == [tmp_path, *parts]
    assert not any(path.startswith("/") for path in (*written["resources"], *written["components"]))
    assert written["namespace"] == "shop"
    assert list((ROOT / "manifests").glob(".render-*")) == []


SERVICE, HEADLESS = item("Service", "auth"), item("Service", "auth-headless", clusterIP="None")
DEPLOYMENT = item("Deployment", "auth")


def restore(cluster: Kubectl) -> list[tuple[str, ...]]:
    deploy.restore(cluster, [SERVICE, HEADLESS, DEPLOYMENT], within_seconds=60)  # type: ignore[arg-type]
    return cluster.commands


APPLIED = [("apply", "auth", "auth-headless", "auth"), ("rollout", "status", "deployment/auth")]


@pytest.mark.parametrize(
    "live",
    [{}, {"auth": "10.96.0.7", "auth-headless": "None"}],
    ids=["nothing there", "as it should be"],
)
def test_what_is_there_in_the_right_shape_is_applied_over(live: dict[str, str]) -> None:
    assert restore(Kubectl(live)) == APPLIED


@pytest.mark.parametrize(
    ("live", "replaced"),
    [
        ({"auth": "None", "auth-headless": "None"}, ["auth"]),
        ({"auth": "10.96.0.7", "auth-headless": "10.96.0.8"}, ["auth-headless"]),
        ({"auth": "None", "auth-headless": "10.96.0.8"}, ["auth", "auth-headless"]),
    ],
)
def test_a_service_of_the_wrong_shape_is_removed_first(live: dict[str, str], replaced: list[str]) -> None:
    assert restore(Kubectl(live)) == [*(("delete", name) for name in replaced), *APPLIED]


def test_a_service_that_cannot_be_read_stops_before_anything_is_changed() -> None:
    cluster = Kubectl({"auth": "forbidden"})
    with pytest.raises(EnvironmentFault, match=re.escape("Service/shop/auth cannot be read: 403 Forbidden")):
        restore(cluster)
    assert cluster.commands == []


def test_an_apply_takes_back_what_others_changed() -> None:
    cluster = Kubectl()
    deploy.apply(cluster, [SERVICE])  # type: ignore[arg-type]
    assert cluster.options == [
        "--server-side",
        "--force-conflicts",
        "--field-manager=seatrial",
        "--validate=strict",
        "--filename=-",
    ]


def test_what_was_applied_before_is_restored_without_its_schemas() -> None:
    class Noting(Kubectl):
        def kubectl(self, verb: str, *arguments: str, stdin: str = "", timeout_seconds: float = 0) -> str:
            applied.extend(arguments if verb == "apply" else ())
            return super().kubectl(verb, *arguments, stdin=stdin, timeout_seconds=timeout_seconds)

    applied: list[str] = []
    restore(Noting())
    assert "--validate=ignore" in applied


def test_objects_are_deleted_in_reverse_order() -> None:
    cluster = Kubectl()
    deploy.delete(cluster, [SERVICE, DEPLOYMENT, HEADLESS])  # type: ignore[arg-type]
    assert cluster.commands == [("delete", "auth-headless", "auth", "auth")]


def test_only_workloads_are_waited_for() -> None:
    cluster = Kubectl()
    objects = [SERVICE, DEPLOYMENT, item("DaemonSet", "vantage"), item("StatefulSet", "db"), item("ConfigMap", "c")]
    deploy.wait_rolled_out(cluster, objects, within_seconds=60)  # type: ignore[arg-type]
    assert cluster.commands == [("rollout", "status", "deployment/auth", "daemonset/vantage", "statefulset/db")]
    assert cluster.options == ["--namespace=shop", "--timeout=60s"]


def test_the_workloads_of_each_namespace_are_waited_for_together() -> None:
    cluster, elsewhere = Kubectl(), item("Deployment", "web")
    elsewhere["metadata"]["namespace"] = "web"
    deploy.wait_rolled_out(cluster, [DEPLOYMENT, elsewhere], within_seconds=60)  # type: ignore[arg-type]
    assert [command[2:] for command in cluster.commands] == [("deployment/auth",), ("deployment/web",)]


def test_of_several_workloads_the_one_that_does_not_roll_out_is_told() -> None:
    class Stuck(Kubectl):
        def kubectl(self, verb: str, *arguments: str, stdin: str = "", timeout_seconds: float = 0) -> str:
            self._refuses = "rollout" if "daemonset/vantage" in arguments else ""
            return super().kubectl(verb, *arguments, stdin=stdin, timeout_seconds=timeout_seconds)

    objects = [DEPLOYMENT, item("DaemonSet", "vantage"), item("StatefulSet", "db")]
    with pytest.raises(EnvironmentFault, match=r"^daemonset/vantage in shop is not rolled out "):
        deploy.wait_rolled_out(Stuck(), objects, within_seconds=60)  # type: ignore[arg-type]


def test_a_workload_that_does_not_roll_out_is_told_with_its_pods() -> None:
    with pytest.raises(EnvironmentFault) as caught:
        deploy.wait_rolled_out(Kubectl(refuses="rollout"), [DEPLOYMENT], within_seconds=60)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "deployment/auth in shop is not rolled out within 60 s: error: timed out waiting for the condition\n"
        "  auth-1: web waits: CrashLoopBackOff: back-off 10s"
    )
