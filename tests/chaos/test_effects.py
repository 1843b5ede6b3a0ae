"""What shows that a fault happened: asked of the replicas, not of the action."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from stakes import pod

from seatrial.chaos import effects
from seatrial.chaos.ledger import Harmed, open_ledger
from seatrial.observe.records import PodView
from seatrial.system_file import parse_system

SYSTEM = parse_system("{name: shop, namespace: shop, services: [{name: auth}]}", "system.yaml")
Looks = list[tuple[PodView, ...]]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """What each look finds; the last one is repeated."""
    found: Looks = []
    monkeypatch.setattr(effects, "cluster_here", lambda: None)
    monkeypatch.setattr(effects, "system_here", lambda: SYSTEM)
    monkeypatch.setattr(effects, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(effects, "observe_pods", lambda *_: found.pop(0) if len(found) > 1 else found[0])
    return found


def test_a_replica_is_gone_when_it_is_no_more_or_on_its_way_out(looks: Looks) -> None:
    looks.append((pod("auth-1"), pod("auth-2")))
    assert not effects.replicas_are_gone("^auth-1$")
    looks[:] = [(replace(pod("auth-1"), terminating=True), pod("auth-2"))]
    assert effects.replicas_are_gone("^auth-1$")
    looks[:] = [(pod("auth-1"),), (pod("auth-2"), pod("auth-3"))]
    assert effects.replicas_are_gone("^auth-1$", within_seconds=5)


def test_all_that_the_run_was_permitted_to_harm_must_have_been_restarted(
    looks: Looks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ledger = str(tmp_path / "ledger.jsonl")
    monkeypatch.setenv("SEATRIAL_LIMITS", json.dumps({"ledger": ledger}))
    looks.append((pod("auth-1", restarts=5), pod("auth-2", restarts=1)))
    assert not effects.harmed_were_restarted()
    with open_ledger(ledger) as book:
        harmed = {f"uid of auth-{number}": Harmed(f"auth-{number}", "auth", 1) for number in (1, 2)}
        book.add(harmed, [], {})
    assert not effects.harmed_were_restarted()
    looks.append((pod("auth-1", restarts=5), pod("auth-2", restarts=2)))
    assert effects.harmed_were_restarted(within_seconds=5)
    looks[:] = [(pod("auth-1", restarts=5),)]
    assert not effects.harmed_were_restarted()
