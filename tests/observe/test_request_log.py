"""What replicas saw: their logs, read until the answers that customers got are in them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from seatrial.errors import EnvironmentFault
from seatrial.observe import request_log
from seatrial.observe.customers import Reply
from seatrial.observe.request_log import Attempt, observe_attempts, parse_log
from seatrial.system import RequestLog
from seatrial.system_file import parse_system

SYSTEM = parse_system(
    "{name: shop, namespace: shop, services: [{name: items}], request_log: {}, tolerances: {log_seconds: 0.5}}", "s"
)


def line(request_id: str, status: int = 200, at: float = 100.0) -> str:
    return json.dumps({"time": at, "request_id": request_id, "status": status, "method": "GET"})


def test_a_line_for_each_request_is_an_attempt() -> None:
    text = f"{line('a', 503, 1.5)}\n{line('b')}\n"
    assert list(parse_log(text, "items-1", RequestLog())) == [
        Attempt("items-1", 1.5, "a", 503),
        Attempt("items-1", 100.0, "b", 200),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "started",
        "{",
        "7",
        "[]",
        "null",
        '{"request_id": "a", "time": 1}',
        '{"request_id": 5, "status": 200, "time": 1}',
        '{"request_id": "a", "status": "200", "time": 1}',
        '{"request_id": "a", "status": 200, "time": null}',
        '{"request_id": "a", "status": 200, "time": "noon"}',
    ],
)
def test_any_other_line_is_passed_over(text: str) -> None:
    assert [each.request_id for each in parse_log(f"{text}\n{line('b')}", "items-1", RequestLog())] == ["b"]


def test_fields_have_the_names_that_are_declared_and_times_may_be_text() -> None:
    log = RequestLog(id_field="trace", status_field="code", time_field="@timestamp")
    text = '{"trace": "a", "code": 200, "@timestamp": "1970-01-01T00:01:40.5Z"}'
    assert list(parse_log(text, "items-1", log)) == [Attempt("items-1", 100.5, "a", 200)]


def reply(request_id: str, by: str = "") -> Reply:
    return Reply("GET", "https://shop.test/items", {"X-Request-Id": request_id}, 200, {"x-served-by": by} if by else {})


class Core:
    """Pods of a Deployment, and what their logs hold at each look; the last look is repeated."""

    def __init__(self, *looks: dict[str, Any]) -> None:
        self.looks = list(looks)
        self.asked: list[dict[str, Any]] = []
        self.waiting: set[str] = set()

    def list_namespaced_pod(self, namespace: str, label_selector: str) -> Any:
        assert (namespace, label_selector) == ("shop", "app=items")
        self.now = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return SimpleNamespace(items=[self.pod(name) for name in self.now])

    def pod(self, name: str) -> client.V1Pod:
        metadata = {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": "1970-01-01T00:00:00Z"}
        state = {"name": "app", "ready": False, "restartCount": 0, "image": "", "imageID": ""}
        state |= {} if name in self.waiting else {"containerID": "containerd://1"}
        spec = {"containers": [{"name": "app"}, {"name": "side"}]}
        return client.V1Pod.model_validate(
            {"metadata": metadata, "spec": spec, "status": {"containerStatuses": [state]}}
        )

    def read_namespaced_pod_log(self, name: str, namespace: str, **options: Any) -> Any:
        self.asked.append({"name": name, "namespace": namespace, **options})
        found = self.now[name]
        if isinstance(found, Exception):
            raise found
        return SimpleNamespace(data=found if isinstance(found, bytes) else "\n".join(found).encode())


def observed(core: Core, *answers: Reply, since: float = 0.0) -> tuple[Attempt, ...]:
    selector = SimpleNamespace(spec=SimpleNamespace(selector=SimpleNamespace(match_labels={"app": "items"})))
    apps = SimpleNamespace(read_namespaced_deployment=lambda name, namespace: selector)
    cluster: Any = SimpleNamespace(core=core, apps=apps)
    assert SYSTEM.request_log
    return observe_attempts(cluster, SYSTEM, SYSTEM.services[0], SYSTEM.request_log, since=since, answers=answers)


def test_attempts_of_all_replicas_are_in_order_of_time_and_requests_of_others_do_not_count() -> None:
    core = Core({"items-1": [line("a", 503, 2.0), line("x")], "items-2": [line("b", 200, 1.0), line("a", 200, 3.0)]})
    assert observed(core, reply("a", "items-2"), reply("b", "items-2"), reply("c")) == (
        Attempt("items-2", 1.0, "b", 200),
        Attempt("items-1", 2.0, "a", 503),
        Attempt("items-2", 3.0, "a", 200),
    )


def test_the_applications_log_is_read_since_a_moment_and_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log.time, "time", lambda: 1000.2)
    core = Core({"items-1": [line("a")]})
    observed(core, reply("a", "items-1"), since=990.0)
    (asked,) = core.asked
    assert (asked["name"], asked["namespace"], asked["container"]) == ("items-1", "shop", "app")
    assert (asked["since_seconds"], asked["limit_bytes"]) == (11 + 5, request_log.LIMIT_BYTES)


def test_the_logs_are_read_until_every_answer_is_in_that_of_its_replica() -> None:
    core = Core(
        {"items-1": [], "items-2": [line("b")]},
        {"items-1": [line("b")], "items-2": [line("b")]},
        {"items-1": [line("b"), line("a")], "items-2": [line("b")]},
    )
    assert len(observed(core, reply("a", "items-1"), reply("b", "items-2"))) == 3
    assert len(core.asked) == 6


def test_what_nobody_answered_is_not_waited_for() -> None:
    assert observed(Core({"items-1": []}), reply("a")) == ()


def test_a_replica_that_has_not_started_has_no_log() -> None:
    core = Core({"items-1": [line("a")], "items-2": ApiException(status=400, reason="Bad Request")})
    core.waiting = {"items-2"}
    assert len(observed(core, reply("a", "items-1"))) == 1


def test_bytes_that_are_no_text_are_passed_over() -> None:
    assert len(observed(Core({"items-1": b"\xff\n" + line("a").encode()}), reply("a", "items-1"))) == 1


def refusal_of(core: Core, *answers: Reply) -> str:
    with pytest.raises(EnvironmentFault) as caught:
        observed(core, *answers)
    return str(caught.value)


def test_an_answer_that_never_appears_is_told_with_its_replica() -> None:
    told = refusal_of(
        Core({"items-1": [line("a")]}), reply("a", "items-1"), reply("c", "items-9"), reply("b", "items-1")
    )
    assert told == (
        "the log of shop/items-1 has no line for request b, which it answered (2 such lines are missing after 0.5 s); "
        "compare what it writes with request_log in system.yaml; the gateway must pass X-Request-Id on"
    )


def test_a_log_that_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refusal_of(Core({"items-1": ApiException(status=403, reason="Forbidden")}), reply("a", "items-1"))
    assert told == "the log of shop/items-1 (container app) cannot be read: 403 Forbidden"
    monkeypatch.setattr(request_log, "LIMIT_BYTES", 10)
    monkeypatch.setattr(request_log.time, "time", lambda: 1.0)
    assert refusal_of(Core({"items-1": [line("a")]}), reply("a", "items-1")) == (
        "the log of shop/items-1 has more than 10 bytes of the last 6 s; "
        "have its replicas write less, for instance no debug lines"
    )
