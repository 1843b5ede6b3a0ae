"""The undo log: written before the harm, read after whatever happened, carried out in reverse order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.chaos import undo, undo_api
from seatrial.chaos.undo import MERGE, PLAIN, ApiUndo, NodeUndo, Outcome, Reverted, read, record, revert
from seatrial.errors import EnvironmentFault, GuardRefusal

Told = Callable[[int, str], tuple[int, Any]]
NODE = NodeUndo("seatrial-worker", "unpause", "", "let node seatrial-worker go on")


def put(name: str) -> ApiUndo:
    return ApiUndo("PUT", f"/api/v1/{name}", {"is": "as it was"}, PLAIN, name)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "undo.jsonl"
    monkeypatch.setenv("SEATRIAL_UNDO", str(file))
    monkeypatch.delenv("SEATRIAL_UNDO_CONFIGMAP", raising=False)
    return file


@pytest.fixture(autouse=True)
def ours(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cluster is ours; returns what was asked of the nodes. Nothing is waited for."""
    acted: list[str] = []
    monkeypatch.setattr(undo_api, "require_owned", lambda _: None)
    monkeypatch.setattr(undo, "act", lambda each: acted.append(each.verb) or Reverted(each.note, Outcome.DONE))
    monkeypatch.setattr(undo, "EVERY_SECONDS", 0.01)
    return acted


def test_nothing_is_recorded_when_no_log_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEATRIAL_UNDO", raising=False)
    monkeypatch.setattr(undo, "_append", lambda *_: pytest.fail("written"))
    record(put("x"))


def test_what_was_recorded_is_read_in_order(log: Path) -> None:
    for each in (put("first"), NODE, put("last")):
        record(each)
    assert read(log) == ((put("first"), NODE, put("last")), ())
    assert log.stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_is_told_so_that_the_harm_is_not_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEATRIAL_UNDO", str(tmp_path / "none" / "undo.jsonl"))
    with pytest.raises(EnvironmentFault) as caught:
        record(put("x"))
    assert str(caught.value) == f"the undo log {tmp_path}/none/undo.jsonl cannot be written: No such file or directory"


def test_requests_go_into_the_cluster_too_each_under_its_own_key_and_acts_on_nodes_do_not(
    log: Path, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_UNDO_CONFIGMAP", "seatrial-chaos/run-1")
    monkeypatch.setattr(undo, "cluster_here", lambda: api.cluster)
    for each in (put("first"), NODE, put("last")):
        record(each)
    path = "/api/v1/namespaces/seatrial-chaos/configmaps/run-1"
    assert [(method, where, kind) for method, where, kind, _ in api.changes] == [("PATCH", path, MERGE)] * 2
    (first, one), (last, other) = (next(iter(body["data"].items())) for *_, body in api.changes)
    assert first < last
    assert (one, other) == tuple(log.read_text().splitlines()[index] for index in (0, 2))


def test_a_log_in_the_cluster_that_cannot_be_written_is_told(
    log: Path, api: Any, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_UNDO_CONFIGMAP", "seatrial-chaos/run-1")
    monkeypatch.setattr(undo, "cluster_here", lambda: api.cluster)
    api.answer("PATCH /api/v1/namespaces/seatrial-chaos/configmaps/run-1", told(403, "Forbidden"))
    with pytest.raises(
        EnvironmentFault, match="the undo log in ConfigMap seatrial-chaos/run-1 cannot be written: HTTP 403"
    ):
        record(put("x"))
    assert len(read(log)[0]) == 1


def test_a_last_line_that_was_cut_off_is_left_out(log: Path) -> None:
    record(put("x"))
    record(put("y"))
    log.write_bytes(log.read_bytes()[:-9])
    assert read(log) == ((put("x"),), ())


def test_a_broken_line_hinders_no_other_and_is_told(log: Path, api: Any) -> None:
    record(put("x"))
    with log.open("a") as file:
        file.write("{broken\n")
    record(put("y"))
    told = revert(api.cluster, log)
    assert [each.outcome for each in told] == [Outcome.DONE, Outcome.DONE, Outcome.FAILED]
    assert str(told[2]).startswith("line 2 of undo.jsonl: failed: no undo: ")


def test_a_log_that_is_not_there_holds_nothing(log: Path, api: Any) -> None:
    assert revert(api.cluster, log) == ()


def test_all_is_put_back_in_reverse_order_and_told(log: Path, api: Any, told: Told, ours: list[str]) -> None:
    for each in (put("first"), put("gone"), NODE, put("last")):
        record(each)
    api.answer("PUT /api/v1/gone", told(404, "NotFound"))
    assert [str(each) for each in revert(api.cluster, log)] == [
        "last: done",
        "let node seatrial-worker go on: done",
        "gone: was already so",
        "first: done",
    ]
    assert [path for _, path, _, _ in api.changes] == ["/api/v1/last", "/api/v1/gone", "/api/v1/first"]
    assert api.changes[0][2:] == (PLAIN, {"is": "as it was"})
    assert ours == ["unpause"]


def test_it_may_be_put_back_again(log: Path, api: Any) -> None:
    record(put("x"))
    assert revert(api.cluster, log) == revert(api.cluster, log)


def test_what_fails_at_first_is_done_again_with_all_after_it(log: Path, api: Any, told: Told) -> None:
    for name in ("last", "middle", "first"):
        record(put(name))
    api.answer("PUT /api/v1/middle", told(503, "ServiceUnavailable"), (200, {}))
    assert {each.outcome for each in revert(api.cluster, log)} == {Outcome.DONE}
    order = [path.removeprefix("/api/v1/") for _, path, _, _ in api.changes]
    assert order == ["first", "middle", "last", "middle", "last"]


def test_what_fails_for_good_is_told_with_the_reason(log: Path, api: Any, told: Told) -> None:
    record(put("x"))
    api.answer("PUT /api/v1/x", told(403, "Forbidden"))
    (one,) = revert(api.cluster, log, within_seconds=0.05)
    assert str(one) == 'x: failed: HTTP 403 {"kind": "Status", "reason": "Forbidden", "message": "told"}'


def test_a_not_found_of_a_pod_behind_the_proxy_is_no_missing_object(log: Path, api: Any) -> None:
    record(put("x"))
    api.answer("PUT /api/v1/x", (404, {"detail": "Not Found"}))
    (one,) = revert(api.cluster, log, within_seconds=0)
    assert str(one) == 'x: failed: HTTP 404 {"detail": "Not Found"}'


def test_an_object_that_is_there_need_not_be_made(api: Any, told: Told, tmp_path: Path) -> None:
    api.answer("POST /api/v1/x", told(409, "AlreadyExists"))
    one = undo_api.send(api.cluster, ApiUndo("POST", "/api/v1/x", {}, PLAIN, "make x"))
    assert one == Reverted("make x", Outcome.ALREADY)
    api.answer("PUT /api/v1/x", told(409, "Conflict"))
    assert undo_api.send(api.cluster, put("x")).outcome is Outcome.FAILED


def test_a_cluster_that_is_not_ours_is_left_alone_and_that_is_told(
    log: Path, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise GuardRefusal("the cluster was not created by this project")

    record(put("x"))
    monkeypatch.setattr(undo_api, "require_owned", refuse)
    (one,) = revert(api.cluster, log, within_seconds=0)
    assert str(one) == "x: failed: the cluster was not created by this project"
    assert api.changes == []
