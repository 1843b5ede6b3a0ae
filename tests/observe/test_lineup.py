"""How the replicas of a service stand, and when a change of them has come to its end."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from seatrial.errors import EnvironmentFault
from seatrial.observe import lineup
from seatrial.observe.lineup import Lineup, await_renewed, await_settled, observe_lineup
from seatrial.observe.records import PodView
from seatrial.system_file import parse_system

SYSTEM = parse_system("name: shop\nnamespace: shop\nservices: [{name: auth}, {name: users}]\n", "system.yaml")


def pod(name: str, **changes: Any) -> PodView:
    known = {"namespace": "shop", "ip": "", "node": "a", "phase": "Running", "ready": True, "terminating": False}
    known |= {"restarts": 0, "container": "app", "container_id": "", "created": 0.0, "ready_since": 0.0}
    return PodView(**known | {"name": name, "uid": f"uid of {name}", "template": "t1"} | changes)


WHOLE = Lineup(2, 2, 2, True, (pod("a"), pod("b")))


def test_all_is_settled_when_every_pod_is_wanted_ready_and_of_the_present_template():
    assert WHOLE.settled
    assert WHOLE.uids == {"uid of a", "uid of b"}
    assert WHOLE.templates == {"t1"}
    assert Lineup(0, 0, 0, True, ()).settled


@pytest.mark.parametrize(
    "changes",
    [
        {"observed": False},
        {"updated": 1},
        {"available": 1},
        {"wanted": 3},
        {"pods": (pod("a"),)},
        {"pods": (pod("a"), pod("b", ready=False))},
        {"pods": (pod("a"), pod("b"), pod("c", terminating=True))},
        {"pods": (pod("a"), pod("b", terminating=True))},
    ],
    ids=["not seen", "old template", "not available", "more wanted", "too few", "not ready", "one leaves", "leaving"],
)
def test_nothing_is_settled_before(changes: dict[str, Any]):
    assert not replace(WHOLE, **changes).settled


def test_all_is_renewed_when_what_had_to_go_leaves_and_not_before():
    leaving = pod("c", terminating=True, ready=False)
    assert WHOLE.renewed
    assert replace(WHOLE, pods=(*WHOLE.pods, leaving)).renewed
    for changes in ({"observed": False}, {"updated": 1}, {"available": 1}, {"pods": (pod("a"), leaving)}):
        assert not replace(WHOLE, **changes).renewed
    assert not replace(WHOLE, pods=(pod("a"), pod("b", ready=False))).renewed
    assert not replace(WHOLE, pods=(*WHOLE.pods, pod("c"))).renewed


def test_one_deployment_is_waited_for_until_it_is_renewed_or_the_bound_is_over(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lineup, "POLL_SECONDS", 0.01)
    stuck, asked = replace(WHOLE, updated=1), []
    states = [stuck, WHOLE]

    def observe(_: Any, namespace: str, workload: str) -> Lineup:
        asked.append((namespace, workload))
        return states.pop(0) if len(states) > 1 else states[0]

    monkeypatch.setattr(lineup, "observe_lineup", observe)
    assert await_renewed(None, "shop", "auth", within_seconds=5) is WHOLE  # type: ignore[arg-type]
    assert asked == [("shop", "auth")] * 2
    states[:] = [stuck]
    assert await_renewed(None, "shop", "auth", within_seconds=0.05) is stuck  # type: ignore[arg-type]


def test_a_lineup_is_told_in_words():
    assert str(WHOLE) == "2 of 2 replicas are of the new version, 2 available"
    other = replace(WHOLE, updated=1, observed=False, pods=(pod("a", terminating=True),))
    told = (
        "1 of 2 replicas are of the new version, 2 available, 1 still leaving, the controller has not seen the change"
    )
    assert str(other) == told


def apps(**status: Any) -> SimpleNamespace:
    known = {"updated_replicas": 2, "available_replicas": 2, "observed_generation": 4} | status
    found = SimpleNamespace(
        spec=SimpleNamespace(replicas=2), status=SimpleNamespace(**known), metadata=SimpleNamespace(generation=4)
    )
    return SimpleNamespace(apps=SimpleNamespace(read_namespaced_deployment=lambda *_: found))


def test_what_the_api_server_says_is_read(monkeypatch: pytest.MonkeyPatch):
    pods = (pod("a"), pod("b"), pod("c", phase="Failed"), pod("d", phase="Succeeded"))
    monkeypatch.setattr(lineup, "observe_pods", lambda *_: pods)
    assert observe_lineup(apps(), "shop", "auth") == WHOLE  # type: ignore[arg-type]


def test_what_is_not_there_yet_counts_as_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lineup, "observe_pods", lambda *_: ())
    cluster = apps(updated_replicas=None, available_replicas=None, observed_generation=None)
    assert observe_lineup(cluster, "shop", "auth") == Lineup(2, 0, 0, False, ())  # type: ignore[arg-type]


def test_a_deployment_that_cannot_be_read_is_told_in_one_line():
    def refuse(*_: Any) -> Any:
        raise ApiException(status=404, reason="Not Found")

    cluster: Any = SimpleNamespace(apps=SimpleNamespace(read_namespaced_deployment=refuse))
    with pytest.raises(EnvironmentFault) as caught:
        observe_lineup(cluster, "shop", "auth")
    assert str(caught.value) == "Deployment shop/auth cannot be read: 404 Not Found"


def test_it_waits_until_all_are_settled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lineup, "POLL_SECONDS", 0.0)
    states = iter([replace(WHOLE, updated=0), WHOLE, replace(WHOLE, updated=1), WHOLE, WHOLE, WHOLE])
    monkeypatch.setattr(lineup, "observe_lineup", lambda *_: next(states))
    assert await_settled(None, SYSTEM, within_seconds=5) == {"auth": WHOLE, "users": WHOLE}  # type: ignore[arg-type]
    assert list(states) == []


def test_what_does_not_settle_is_returned_as_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lineup, "POLL_SECONDS", 0.01)
    stuck = replace(WHOLE, updated=1)
    monkeypatch.setattr(lineup, "observe_lineup", lambda *_: stuck)
    assert await_settled(None, SYSTEM, within_seconds=0.1)["users"] is stuck  # type: ignore[arg-type]
