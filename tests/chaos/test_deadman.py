"""The guard stands before the fault, is taken down in order after it, and is left to its work when that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seatrial.chaos import deadman, lease
from seatrial.chaos.deadman import guarded, remove, stand
from seatrial.chaos.deadman_objects import DeadMan
from seatrial.chaos.lease import Renewal, release
from seatrial.chaos.undo_records import Outcome, Reverted
from seatrial.chaos.watch_order import Order
from seatrial.errors import EnvironmentFault, Failed, Failure, GuardRefusal
from seatrial.paths import ROOT
from seatrial.system_file import load_system

Told = Callable[[int, str], tuple[int, Any]]
SYSTEM = load_system(ROOT / "system.yaml")
MAN = DeadMan("run-1", "shop", 1, 600)
LEASE = "/apis/coordination.k8s.io/v1/namespaces/seatrial-chaos/leases/run-1"
NAMESPACE = "/api/v1/namespaces?fieldSelector=metadata.name=seatrial-chaos"
WATCHING = (200, {"metadata": {"annotations": {"seatrial.dev/watching": "run-1-abcde"}}})


class Story:
    """What the guard's parts were asked, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.reverted: tuple[Reverted, ...] = (Reverted("x", Outcome.DONE),)
        self.acted = ""
        self.standing: Exception | None = None
        self.watching: Exception | None = None
        self.orders: list[Order] = []
        self.men: list[DeadMan] = []

    def stand(self, cluster: object, man: DeadMan) -> Any:
        self.told.append("stand")
        self.men.append(man)
        if self.standing:
            raise self.standing
        return self

    longest_gap_seconds = 16.25

    def stop(self) -> None:
        self.told.append("stop renewing")

    def start(self, order: Order, folder: Path) -> Any:
        self.told.append("start watchdog")
        self.orders.append(order)
        return self

    def await_watching(self) -> None:
        self.told.append("watching")
        if self.watching:
            raise self.watching

    def dismiss(self) -> None:
        self.told.append("dismiss")

    def take_over(self) -> None:
        self.told.append("take over")


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> Story:
    found = Story()

    def note(what: str, value: Callable[[], Any]) -> Callable[..., Any]:
        return lambda *_, **__: found.told.append(what) or value()

    monkeypatch.setattr(deadman, "require_owned", lambda _: None)
    monkeypatch.setattr(deadman, "Watchdog", found)
    monkeypatch.setattr(deadman, "stand", found.stand)
    monkeypatch.setattr(deadman, "revert", note("revert", lambda: found.reverted))
    monkeypatch.setattr(deadman, "told_by", lambda *_: found.acted)
    monkeypatch.setattr(deadman, "release", note("release", lambda: None))
    monkeypatch.setattr(deadman, "remove", note("remove", lambda: None))
    return found


@pytest.fixture
def cluster(api: Any) -> Any:
    return api.cluster


TAKEN_DOWN = ["revert", "release", "stop renewing", "remove", "dismiss"]


def test_both_stand_before_anything_is_begun_and_the_watchdog_goes_last(
    story: Story, cluster: Any, tmp_path: Path
) -> None:
    with guarded(cluster, SYSTEM, tmp_path / "run", lasting_seconds=120) as variables:
        assert story.told == ["start watchdog", "stand", "watching"]
        log = tmp_path / "run" / "undo.jsonl"
        assert log.read_bytes() == b""
        assert variables == {
            "SEATRIAL_UNDO": str(log),
            "SEATRIAL_UNDO_CONFIGMAP": f"seatrial-chaos/{story.men[0].name}",
        }
    assert story.told[3:] == TAKEN_DOWN


def test_both_are_told_what_they_need(story: Story, cluster: Any, tmp_path: Path) -> None:
    rule = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"], "cluster": True}
    with guarded(cluster, SYSTEM, tmp_path, lasting_seconds=120.5, permissions=[rule]):
        pass
    (order,), (man,) = story.orders, story.men
    assert (man.namespace, man.lease_seconds, man.lasting_seconds) == (SYSTEM.namespace, 15, 420)
    assert man.permissions == (rule,)
    assert (order.dead_man, order.within_seconds, order.undo) == (man.name, 180.0, str(tmp_path / "undo.jsonl"))


def test_two_runs_have_dead_men_of_different_names(story: Story, cluster: Any, tmp_path: Path) -> None:
    for name in ("one", "other"):
        with guarded(cluster, SYSTEM, tmp_path / name, lasting_seconds=1):
            pass
    assert len({man.name for man in story.men}) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Failed(Failure("x", "a", "b")), EnvironmentFault("no journal")])
def test_an_experiment_that_ends_badly_is_put_back_all_the_same(
    story: Story, cluster: Any, tmp_path: Path, error: BaseException
) -> None:
    with pytest.raises(type(error)), guarded(cluster, SYSTEM, tmp_path, lasting_seconds=1):
        raise error
    assert story.told[3:] == TAKEN_DOWN


def test_what_could_not_be_put_back_is_left_to_the_watchdog_and_told(
    story: Story, cluster: Any, tmp_path: Path
) -> None:
    story.reverted = (Reverted("x", Outcome.DONE), Reverted("uncordon node a", Outcome.FAILED, "HTTP 403"))
    with pytest.raises(EnvironmentFault) as caught, guarded(cluster, SYSTEM, tmp_path, lasting_seconds=1):
        pass
    assert str(caught.value) == "not everything could be put back: uncordon node a: failed: HTTP 403"
    assert story.told[3:] == ["revert", "stop renewing", "take over"]


def test_a_dead_man_who_acted_while_the_runner_lived_spoils_the_run(story: Story, cluster: Any, tmp_path: Path) -> None:
    story.acted = '[{"what": "x", "outcome": "done"}]'
    with pytest.raises(EnvironmentFault) as caught, guarded(cluster, SYSTEM, tmp_path, lasting_seconds=1):
        pass
    assert str(caught.value) == (
        "the dead man put back what the experiment did while it ran: the longest time between two renewals was 16.2 s "
        'of 15 s; it told: [{"what": "x", "outcome": "done"}]'
    )
    assert story.told[3:] == TAKEN_DOWN


def test_where_no_dead_man_stands_nothing_is_begun_and_the_watchdog_is_sent_away(
    story: Story, cluster: Any, tmp_path: Path
) -> None:
    story.standing = EnvironmentFault("no dead man stands in the cluster, nothing was done: x")
    with pytest.raises(EnvironmentFault), guarded(cluster, SYSTEM, tmp_path, lasting_seconds=1):
        pytest.fail("begun")
    assert story.told == ["start watchdog", "stand", "dismiss"]


def test_where_no_watchdog_watches_nothing_is_begun_and_the_dead_man_is_taken_away(
    story: Story, cluster: Any, tmp_path: Path
) -> None:
    story.watching = EnvironmentFault("the watchdog ended with 1")
    with pytest.raises(EnvironmentFault, match="ended with 1"), guarded(cluster, SYSTEM, tmp_path, lasting_seconds=1):
        pytest.fail("begun")
    assert story.told == ["start watchdog", "stand", "watching", *TAKEN_DOWN]


def test_a_cluster_that_is_not_ours_gets_no_guard(
    story: Story, cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise GuardRefusal("not ours")

    monkeypatch.setattr(deadman, "require_owned", refuse)
    with pytest.raises(GuardRefusal), guarded(cluster, SYSTEM, tmp_path, lasting_seconds=1):
        pytest.fail("begun")
    assert story.told == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_done(
    story: Story, cluster: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(EnvironmentFault) as caught,
        guarded(cluster, SYSTEM, tmp_path / "file" / "run", lasting_seconds=1),
    ):
        pytest.fail("begun")
    assert str(caught.value) == (
        f"the undo log {tmp_path}/file/run/undo.jsonl cannot be written: Not a directory; nothing was done"
    )
    assert story.told == []


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    kinds: list[str] = []
    monkeypatch.setattr(deadman.deploy, "apply", lambda _, objects: kinds.extend(item["kind"] for item in objects))
    monkeypatch.setattr("seatrial.chaos.undo_api.require_owned", lambda _: None)
    yield kinds


def test_a_dead_man_stands_when_he_says_so_and_his_lease_is_renewed(api: Any, applied: list[str]) -> None:
    api.answer(f"GET {LEASE}", (200, {"metadata": {}}), WATCHING)
    renewal = stand(api.cluster, MAN)
    assert applied[0] == "Namespace"
    deadline = time.monotonic() + 5
    while len(api.changes) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    renewal.stop()
    seen = len(api.changes)
    assert {(method, path) for method, path, _, _ in api.changes} == {("PATCH", LEASE)}
    assert api.changes[0][3]["spec"]["renewTime"] < api.changes[1][3]["spec"]["renewTime"]
    time.sleep(0.5)
    assert len(api.changes) == seen


def test_a_namespace_that_is_still_leaving_is_waited_for(api: Any, applied: list[str]) -> None:
    api.answer(f"GET {NAMESPACE}", (200, {"items": [{"metadata": {"deletionTimestamp": "x"}}]}), (200, {"items": []}))
    api.answer(f"GET {LEASE}", WATCHING)
    stand(api.cluster, MAN).stop()
    assert applied


def test_a_dead_man_who_says_nothing_does_not_stand_and_nothing_of_him_stays(
    api: Any, applied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    monkeypatch.setattr(deadman, "STAND_SECONDS", 0.2)
    monkeypatch.setattr(deadman, "remove", lambda _, name: removed.append(name))
    api.answer(f"GET {LEASE}", (200, {"metadata": {}}))
    with pytest.raises(EnvironmentFault) as caught:
        stand(api.cluster, MAN)
    assert str(caught.value).startswith(
        "no dead man stands in the cluster, nothing was done: Job seatrial-chaos/run-1: the dead man watches\n"
    )
    assert removed == ["run-1"]


def test_of_a_dead_man_who_cannot_be_made_whole_nothing_stays(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []

    def refuse(*_: object) -> None:
        raise EnvironmentFault("kubectl apply: namespaces istio-system not found")

    monkeypatch.setattr(deadman.deploy, "apply", refuse)
    monkeypatch.setattr(deadman, "remove", lambda _, name: removed.append(name))
    with pytest.raises(EnvironmentFault, match="istio-system not found"):
        stand(api.cluster, MAN)
    assert removed == ["run-1"]
    assert api.changes == []


def test_he_is_released_before_he_is_removed(api: Any, applied: list[str]) -> None:
    labels = {"seatrial.dev/dead-man": "run-1"}
    api.items(NAMESPACE, {"metadata": {"name": "seatrial-chaos"}})
    job = {"metadata": {"name": "run-1", "namespace": "seatrial-chaos", "labels": labels}}
    api.items("/apis/batch/v1/jobs?labelSelector=seatrial.dev/dead-man", job)
    remove(api.cluster, "run-1")
    assert [(method, path.partition("?")[0]) for method, path, _, _ in api.changes] == [
        ("PATCH", LEASE),
        ("DELETE", "/apis/batch/v1/namespaces/seatrial-chaos/jobs/run-1"),
        ("DELETE", "/api/v1/namespaces/seatrial-chaos"),
    ]


def test_objects_that_cannot_be_removed_are_told(
    api: Any, applied: list[str], told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadman, "REMOVE_SECONDS", 0.0)
    api.items(NAMESPACE, {"metadata": {"name": "seatrial-chaos"}})
    path = "/api/v1/namespaces/seatrial-chaos?propagationPolicy=Background"
    api.answer(f"DELETE {path}", told(403, "Forbidden"))
    with pytest.raises(EnvironmentFault, match="delete namespace seatrial-chaos: failed: HTTP 403"):
        remove(api.cluster, "run-1")


def test_a_renewal_that_fails_is_tried_again_and_the_gap_is_known(api: Any, told: Told) -> None:
    api.answer(f"PATCH {LEASE}", told(503, "x"), told(503, "x"), (200, {}))
    renewal = Renewal(api.cluster, MAN)
    renewal.start()
    deadline = time.monotonic() + 5
    while len(api.changes) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    renewal.stop()
    assert renewal.longest_gap_seconds >= 0.5  # three fifths of its second


def test_a_release_that_does_not_arrive_is_told(api: Any, told: Told) -> None:
    api.answer(f"PATCH {LEASE}", told(503, "x"))
    with pytest.raises(EnvironmentFault, match="lease run-1 cannot be changed: HTTP 503"):
        release(api.cluster, "run-1")


def test_a_lease_that_is_gone_says_nothing(api: Any, told: Told) -> None:
    api.answer(f"GET {LEASE}", told(404, "NotFound"))
    assert lease.annotations_of(api.cluster, "run-1") == {}
    api.answer(f"GET {LEASE}", told(500, "x"))
    with pytest.raises(EnvironmentFault, match="lease run-1 cannot be read: HTTP 500"):
        lease.annotations_of(api.cluster, "run-1")
