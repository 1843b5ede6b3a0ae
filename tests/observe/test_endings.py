"""How containers ended: the kubelet's word, for the application container and no other."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from seatrial.observe.endings import Ending, endings_of

AT = datetime(2026, 11, 25, 0, 18, 11, tzinfo=UTC)


def ended(reason: str | None = "OOMKilled", code: int = 137, at: datetime | None = AT) -> Any:
    return SimpleNamespace(terminated=SimpleNamespace(reason=reason, exit_code=code, finished_at=at))


RUNNING = SimpleNamespace(terminated=None)


def pod(*statuses: tuple[str, Any, Any]) -> Any:
    return SimpleNamespace(
        metadata=SimpleNamespace(name="auth-1", uid="u1", annotations=None),
        spec=SimpleNamespace(containers=[SimpleNamespace(name="service"), SimpleNamespace(name="agent")]),
        status=SimpleNamespace(
            container_statuses=[
                SimpleNamespace(name=name, state=state, last_state=last) for name, state, last in statuses
            ]
        ),
    )


def found(*pods: Any) -> list[Ending]:
    return list(endings_of(pods))


def test_the_end_of_the_last_life_is_told() -> None:
    ending = Ending("auth-1", "u1", "OOMKilled", 137, AT.timestamp())
    assert found(pod(("service", RUNNING, ended()))) == [ending]


def test_an_end_that_no_new_life_followed_yet_comes_first() -> None:
    later = AT.replace(minute=20)
    [ending] = found(pod(("service", ended("Error", 1, later), ended())))
    assert (ending.reason, ending.at) == ("Error", later.timestamp())


def test_containers_beside_the_application_do_not_count_nor_those_that_never_ended() -> None:
    assert found(pod(("agent", RUNNING, ended()), ("service", RUNNING, None))) == []
    assert found(pod(("service", RUNNING, ended(at=None)))) == []
    assert found(pod()) == []


def test_an_end_without_a_reason_is_told_all_the_same() -> None:
    assert found(pod(("service", RUNNING, ended(reason=None))))[0].reason == ""
