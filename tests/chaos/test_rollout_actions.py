"""Actions on one service's versions and replicas: marked, written down before, undone exactly, and only when needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chaoslib.exceptions import ActivityFailed
from fake_api import FakeApi

from seatrial.chaos import shrinking
from seatrial.chaos.actions import rollouts
from seatrial.chaos.limits import Harm
from seatrial.chaos.templates import TEMPLATE_BEFORE, is_spoilt
from seatrial.chaos.undo import ApiUndo
from seatrial.errors import EnvironmentFault, GuardRefusal
from seatrial.observe.records import PodView
from seatrial.system_file import parse_system

SYSTEM = parse_system("name: shop\nnamespace: shop\nservices: [{name: items}, {name: users}]\n", "system.yaml")
ITEMS, USERS = (f"/apis/apps/v1/namespaces/shop/deployments/{name}" for name in ("items", "users"))
SCALERS = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"


def deployment(name: str) -> dict[str, Any]:
    container = {"name": "app", "readinessProbe": {"httpGet": {"path": "/readyz", "port": 80}}}
    template = {"spec": {"containers": [container]}}
    return {"metadata": {"name": name, "uid": f"uid of {name}"}, "spec": {"replicas": 3, "template": template}}


def pods(number: int) -> tuple[PodView, ...]:
    names = [f"items-{each}" for each in range(number)]
    return tuple(
        PodView("shop", name, name, "10.0.0.1", "w", "Running", True, False, 0, "app", "c", 0.0, 0.0) for name in names
    )


Events = list[object]


@pytest.fixture
def events(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Events:
    """What was asked to be allowed and what was written down, with the number of changes that had been made by then."""
    seen: Events = []

    def permit(cluster: object, system: object, harm: Harm) -> None:
        seen.append((harm, len(api.sent)))

    monkeypatch.setattr(rollouts, "permit", permit)
    for module in (rollouts, shrinking):
        monkeypatch.setattr(module, "record", lambda undo: seen.append((undo, len(api.sent))))
    return seen


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    fake = FakeApi()
    fake.objects = {ITEMS: deployment("items"), USERS: deployment("users"), SCALERS: {"items": []}}
    monkeypatch.setattr(rollouts, "cluster_here", lambda: fake.cluster)
    monkeypatch.setattr(rollouts, "system_here", lambda: SYSTEM)
    monkeypatch.setattr(rollouts, "observe_replicas", lambda cluster, system, service: pods(3))
    return fake


def test_a_restart_changes_the_template_alone_by_a_manager_of_our_own(api: FakeApi, events: Events):
    (target,) = rollouts.restart("users")
    ((path, _, body),) = api.sent
    assert path == f"{USERS}?fieldManager=seatrial-chaos"
    assert [*body["spec"]["template"]["metadata"]["annotations"]] == ["seatrial.dev/restarted-at"]
    assert (target["deployment"], target["uid"]) == ("shop/users", "uid of users")


def test_how_to_undo_a_bad_version_is_written_down_before_it_is_shipped(api: FakeApi, events: Events):
    rollouts.ship_bad_version("items")
    (allowed, none_yet), (undo, none_yet_either) = events  # type: ignore[misc]
    assert (allowed, none_yet, none_yet_either) == (Harm(namespaces=("shop",)), 0, 0)
    assert isinstance(undo, ApiUndo)
    assert (undo.method, undo.path) == ("PATCH", f"{ITEMS}?fieldManager=seatrial-chaos")
    assert is_spoilt(api.objects[ITEMS]["spec"]["template"])


def test_a_bad_version_is_rolled_back_exactly_and_once(api: FakeApi, events: Events):
    before = deployment("items")["spec"]
    rollouts.ship_bad_version("items")
    (target,) = rollouts.roll_back()
    assert target["deployment"] == "items"
    assert api.objects[ITEMS]["spec"] == before
    assert api.objects[ITEMS]["metadata"]["annotations"] == {}
    assert rollouts.roll_back() == []


def test_what_is_written_down_does_the_same_as_rolling_back(api: FakeApi, events: Events):
    rollouts.ship_bad_version("items")
    undo: Any = events[1][0]  # type: ignore[index]
    with api.cluster.http() as http:
        for _ in range(2):
            assert http.patch(undo.path, json=undo.body, headers={"Content-Type": undo.content_type}).is_success
    assert api.objects[ITEMS]["spec"] == deployment("items")["spec"]


def test_a_version_that_somebody_applied_meanwhile_is_not_rolled_back(api: FakeApi, events: Events):
    rollouts.ship_bad_version("items")
    applied = {"spec": {"containers": [{"name": "app", "image": "next"}]}}
    api.objects[ITEMS]["spec"]["template"] = applied
    rollouts.roll_back()
    assert api.objects[ITEMS]["spec"]["template"] == applied
    assert TEMPLATE_BEFORE not in api.objects[ITEMS]["metadata"]["annotations"]


def test_a_second_bad_version_would_forget_the_good_one(api: FakeApi, events: Events):
    rollouts.ship_bad_version("items")
    with pytest.raises(ActivityFailed, match=r"^items has a bad version already; roll it back first$"):
        rollouts.ship_bad_version("items")


def test_without_a_readiness_that_is_asked_by_http_nothing_is_shipped(api: FakeApi, events: Events):
    del api.objects[ITEMS]["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    with pytest.raises(ActivityFailed, match="items: its readiness is not asked by HTTP"):
        rollouts.ship_bad_version("items")
    assert (api.sent, events) == ([], [])


@pytest.mark.parametrize(
    ("autoscalers", "least"),
    [
        ([], 1),
        ([{"spec": {"scaleTargetRef": {"name": "items"}, "minReplicas": 2}}], 2),
        ([{"spec": {"scaleTargetRef": {"name": "items"}}}], 1),
        ([{"spec": {"scaleTargetRef": {"name": "users"}, "minReplicas": 2}}], 1),
    ],
    ids=["none", "two", "default", "of another"],
)
def test_a_service_is_scaled_to_its_own_autoscalers_minimum_and_back(
    api: FakeApi, events: Events, autoscalers: list[Any], least: int
):
    api.objects[SCALERS] = {"items": autoscalers}
    (target,) = rollouts.scale_to_minimum("items")
    (harm, _), (undo, sent) = events  # type: ignore[misc]
    assert (len(harm.pods), sent, target["before"]) == (3 - least, 0, 3)
    assert undo.body == {"metadata": {"annotations": {"seatrial.dev/replicas-before": None}}, "spec": {"replicas": 3}}
    assert api.objects[ITEMS]["spec"]["replicas"] == least
    assert api.objects[ITEMS]["metadata"]["annotations"] == {"seatrial.dev/replicas-before": "3"}
    assert [each["replicas"] for each in rollouts.scale_back()] == [3]
    assert api.objects[ITEMS]["spec"]["replicas"] == 3
    assert rollouts.scale_back() == []


def test_a_service_that_somebody_scaled_out_meanwhile_keeps_its_replicas(api: FakeApi, events: Events):
    rollouts.scale_to_minimum("items")
    api.objects[ITEMS]["spec"]["replicas"] = 5
    rollouts.scale_back()
    assert api.objects[ITEMS]["spec"]["replicas"] == 5
    assert api.objects[ITEMS]["metadata"]["annotations"] == {}


def test_a_service_at_its_minimum_is_left_alone(api: FakeApi, events: Events):
    api.objects[SCALERS] = {"items": [{"spec": {"scaleTargetRef": {"name": "items"}, "minReplicas": 3}}]}
    with pytest.raises(ActivityFailed, match=r"^items has 3 ready replicas, and 3 is its minimum$"):
        rollouts.scale_to_minimum("items")
    assert (api.sent, events) == ([], [])


ACTIONS: list[Callable[[str], object]] = [rollouts.restart, rollouts.ship_bad_version, rollouts.scale_to_minimum]


@pytest.mark.parametrize("act", ACTIONS, ids=lambda act: act.__name__)
def test_nothing_is_changed_that_is_not_permitted(
    api: FakeApi, events: Events, monkeypatch: pytest.MonkeyPatch, act: Callable[[str], object]
):
    def refuse(*_: object) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(rollouts, "permit", refuse)
    with pytest.raises(GuardRefusal):
        act("items")
    assert (api.sent, events) == ([], [])


@pytest.mark.parametrize("act", ACTIONS, ids=lambda act: act.__name__)
def test_an_unknown_service_is_told_with_those_that_there_are(
    api: FakeApi, events: Events, act: Callable[[str], object]
):
    with pytest.raises(ActivityFailed) as caught:
        act("orders")
    assert str(caught.value) == "no service is called 'orders' (SEATRIAL_SERVICE); declared are: items, users"
    assert (api.sent, events) == ([], [])


def test_without_a_name_the_first_service_is_meant():
    assert rollouts.named_service(SYSTEM, "").name == "items"


def test_a_deployment_that_is_not_there_is_told(api: FakeApi, events: Events):
    del api.objects[ITEMS]
    with pytest.raises(EnvironmentFault) as caught:
        rollouts.ship_bad_version("items")
    assert str(caught.value) == f"{ITEMS} cannot be read: HTTP 404 {ITEMS} not found"
