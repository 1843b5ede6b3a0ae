"""An undo is data of a closed form: whatever is not in the list is no undo, wherever it was read."""

from __future__ import annotations

import json

import pytest

from seatrial.chaos.undo_node import ACTS
from seatrial.chaos.undo_records import MERGE, VERBS, ApiUndo, NodeUndo, Outcome, Reverted, Undo, line_of, undo_of
from seatrial.errors import UsageError

API = ApiUndo("PATCH", "/api/v1/nodes/worker", {"spec": {"unschedulable": None}}, MERGE, "uncordon node worker")
NODE = NodeUndo("seatrial-worker", "continue", "0123456789abcdef", "continue auth-1")


@pytest.mark.parametrize("undo", [API, NODE, ApiUndo("DELETE", "/api/v1/pods/x?gracePeriodSeconds=0", None, "", "x")])
def test_an_undo_is_one_line_and_the_same_when_it_is_read(undo: Undo) -> None:
    assert "\n" not in line_of(undo)
    assert undo_of(line_of(undo)) == undo


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/secrets"),
        ("PATCH", "/healthz"),
        ("PATCH", "https://elsewhere/api/v1/x"),
        ("PATCH", "/api/v1/../../x"),
        ("PATCH", "/api/v1/x y"),
        ("PATCH", "/api/v1/x#y"),
    ],
)
def test_only_changes_under_the_apis_own_paths_are_requests(method: str, path: str) -> None:
    with pytest.raises(UsageError) as caught:
        ApiUndo(method, path, None, MERGE, "x")
    assert str(caught.value) == f"no request that undoes something: {method} {path}"


@pytest.mark.parametrize(
    ("node", "verb", "argument"),
    [
        ("worker", "rm", ""),
        ("worker", "unpause", "x"),
        ("worker; reboot", "unpause", ""),
        ("--privileged", "start", ""),
        ("worker", "continue", "$(reboot)"),
        ("worker", "continue", "abc"),
        ("worker", "connect", ""),
        ("worker", "connect", "--alias=x"),
        ("worker", "uncover", "other"),
        ("worker", "uncover", "seatrial-like"),
        ("worker", "uncover", "seatrial: `reboot`"),
        ("worker", "start-kubelet", "containerd"),
    ],
)
def test_an_act_that_is_not_in_the_list_or_has_another_argument_is_none(node: str, verb: str, argument: str) -> None:
    with pytest.raises(UsageError) as caught:
        NodeUndo(node, verb, argument, "x")
    assert str(caught.value).startswith(
        f"no act that undoes something: {verb!r} with argument {argument!r} on node {node!r}; use one of unpause, start"
    )


@pytest.mark.parametrize("argument", ["", "seatrial", "seatrial: auth to users", "seatrial drop"])
def test_rules_are_named_by_a_comment_of_ours(argument: str) -> None:
    assert NodeUndo("worker", "uncover", argument, "x").argument == argument


def test_every_verb_can_be_carried_out_and_no_other() -> None:
    assert set(ACTS) == set(VERBS)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"kind": "shell", "command": "reboot"}',
        json.dumps({**json.loads(line_of(NODE)), "verb": "rm"}),
        json.dumps({**json.loads(line_of(API)), "method": "GET"}),
        json.dumps({**json.loads(line_of(API)), "path": None}),
        json.dumps({**json.loads(line_of(API)), "more": 1}),
    ],
)
def test_a_line_that_holds_no_undo_is_told(line: str) -> None:
    with pytest.raises(ValueError, match="no undo: "):
        undo_of(line)


def test_what_became_of_an_undo_is_told_in_one_line() -> None:
    assert str(Reverted("uncordon node worker", Outcome.DONE)) == "uncordon node worker: done"
    assert str(Reverted("uncordon node worker", Outcome.FAILED, "HTTP 403 no")) == (
        "uncordon node worker: failed: HTTP 403 no"
    )
