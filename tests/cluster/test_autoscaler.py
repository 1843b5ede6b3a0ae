"""One autoscaler that is released: what of it differs, and that it is done only where that is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from seatrial.cluster import autoscaler
from seatrial.cluster.autoscaler import KIND, RELEASED, changed, release, render_released
from seatrial.errors import GuardRefusal, UsageError


def target(name: str, percent: int) -> dict[str, Any]:
    return {"type": "Resource", "resource": {"name": name, "target": {"averageUtilization": percent}}}


def scaler(name: str = "auth") -> dict[str, Any]:
    spec = {"minReplicas": 2, "maxReplicas": 10, "metrics": [target("cpu", 70), target("memory", 85)]}
    return {"kind": KIND, "metadata": {"name": name}, "spec": spec}


def test_only_what_is_asked_for_differs():
    before = scaler()
    assert changed(before) == before
    assert changed(before, max_replicas=12)["spec"]["maxReplicas"] == 12
    assert changed(before, percent=("memory", 40))["spec"]["metrics"] == [target("cpu", 70), target("memory", 40)]
    assert before == scaler(), "what is deployed stays as it is"


def test_a_metric_of_another_kind_is_left_alone():
    pods = {"type": "Pods", "pods": {"metric": {"name": "x"}}}
    before = scaler()
    before["spec"]["metrics"].append(pods)
    assert changed(before, percent=("cpu", 5))["spec"]["metrics"][-1] == pods


def test_it_is_taken_from_the_overlay_with_its_components_and_free_to_act(monkeypatch: pytest.MonkeyPatch):
    rendered: list[Any] = []

    def render(cluster: object, overlay: Path, *, components: list[Path]) -> list[dict[str, Any]]:
        rendered.append((overlay, components))
        return [{"kind": "Deployment", "metadata": {"name": "auth"}}, scaler("users"), scaler()]

    monkeypatch.setattr(autoscaler.deploy, "render", render)
    assert render_released(None, Path("o"), (Path("mutant"),), "auth") == scaler()  # type: ignore[arg-type]
    assert rendered == [(Path("o"), [Path("mutant"), RELEASED])]
    with pytest.raises(UsageError, match=f"the overlay has no {KIND} leads; deploy the overlay that is tried"):
        render_released(None, Path("o"), (), "leads")  # type: ignore[arg-type]


def test_a_cluster_that_is_not_ours_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    applied: list[Any] = []
    monkeypatch.setattr(autoscaler.deploy, "apply", lambda cluster, objects: applied.extend(objects))
    monkeypatch.setattr(autoscaler, "require_owned", lambda cluster: None)
    release(None, scaler())  # type: ignore[arg-type]
    assert applied == [scaler()]

    def refuse(cluster: object) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(autoscaler, "require_owned", refuse)
    with pytest.raises(GuardRefusal):
        release(None, scaler("users"))  # type: ignore[arg-type]
    assert applied == [scaler()]


def test_the_component_lets_every_autoscaler_act_where_the_overlays_hold_it():
    held = yaml.safe_load((RELEASED.parent / "hold-autoscaling" / "kustomization.yaml").read_text())["patches"]
    free = yaml.safe_load((RELEASED / "kustomization.yaml").read_text())["patches"]
    assert [each["target"] for each in held] == [each["target"] for each in free] == [{"kind": KIND}]
    (stopped,), (acting,) = (
        [yaml.safe_load(each["patch"])["spec"]["behavior"] for each in found] for found in (held, free)
    )
    assert {key: value["selectPolicy"] for key, value in stopped.items()} == dict.fromkeys(acting, "Disabled")
    assert {key: value["selectPolicy"] for key, value in acting.items()} == {"scaleUp": "Max", "scaleDown": "Max"}
    assert 30 <= acting["scaleDown"]["stabilizationWindowSeconds"] <= 60
