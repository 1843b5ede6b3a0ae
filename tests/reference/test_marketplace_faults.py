"""The fault switches: closed unless opened, on a port of their own, each with the effect that a trial counts on."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from marketplace_process import CLIENT, SERVICES, Marketplace, Running, wait_until

QUIET = {"readiness": "ok", "error_rate": 0.0, "error_status": 500, "latency_seconds": 0.0, "cpu_burn": 0.0}
QUIET |= {"memory_mib_per_second": 0.0}


@pytest.mark.parametrize("service", SERVICES)
def test_switches_are_closed_unless_they_are_enabled(marketplace: Marketplace, service: str):
    with pytest.raises(httpx.ConnectError):
        CLIENT.get(marketplace.service(service).faults_url)


def test_switches_are_not_on_the_port_of_the_service(disturbed: Running):
    assert disturbed.get("/faults").status_code == 404
    assert "/faults" not in disturbed.get("/openapi.json").text
    assert CLIENT.get(f"http://127.0.0.1:{disturbed.faults_port}/v1/leads").status_code == 404


def test_all_switches_are_off_at_first_and_a_field_that_is_left_out_stays(disturbed: Running):
    assert CLIENT.get(disturbed.faults_url).json() == QUIET
    assert disturbed.switch(error_rate=0.5) == QUIET | {"error_rate": 0.5}
    assert disturbed.switch(readiness="fail") == QUIET | {"error_rate": 0.5, "readiness": "fail"}
    assert CLIENT.get(disturbed.faults_url).json() == QUIET | {"error_rate": 0.5, "readiness": "fail"}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"readyness": "fail"}', "readyness: extra inputs are not permitted"),
        ('{"readiness": "no"}', "readiness: input should be 'ok' or 'fail'"),
        ('{"error_rate": 1.1}', "error_rate: input should be less than or equal to 1"),
        ('{"error_rate": -0.1}', "error_rate: input should be greater than or equal to 0"),
        ('{"error_rate": "0.5"}', "error_rate: input should be a valid number"),
        ('{"error_rate": true}', "error_rate: input should be a valid number"),
        ('{"error_status": 404}', "error_status: input should be 500 or 503"),
        ('{"error_status": "503"}', "error_status: input should be 500 or 503"),
        ('{"latency_seconds": 61}', "latency_seconds: input should be less than or equal to 60"),
        ('{"latency_seconds": NaN}', "latency_seconds: input should be a finite number"),
        ('{"cpu_burn": 2}', "cpu_burn: input should be less than or equal to 1"),
        ('{"memory_mib_per_second": 2000}', "memory_mib_per_second: input should be less than or equal to 1024"),
        ('{"hang": "yes"}', "hang: input should be True"),
        ('{"hang": false}', "hang: input should be True"),
        (
            '{"error_rate": 2, "cpu_burn": 2}',
            "error_rate: input should be less than or equal to 1; cpu_burn: input should be less than or equal to 1",
        ),
        ("{", "the body is not JSON: Expecting property name enclosed in double quotes"),
        ("[]", "the body: input should be a valid dictionary or object to extract fields from"),
        ("", "the body: field required"),
    ],
)
def test_a_bad_switch_is_refused_in_words_and_changes_nothing(disturbed: Running, body: str, text: str):
    answer = CLIENT.put(disturbed.faults_url, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (422, {"detail": text})
    assert CLIENT.get(disturbed.faults_url).json() == QUIET


def test_a_body_with_one_bad_field_switches_none_of_the_others(disturbed: Running):
    answer = CLIENT.put(disturbed.faults_url, json={"readiness": "fail", "error_rate": 2})
    assert answer.status_code == 422
    assert CLIENT.get(disturbed.faults_url).json() == QUIET


def test_errors_come_at_the_given_rate_and_are_counted_under_their_route(disturbed: Running):
    disturbed.switch(error_rate=0.5)
    name = 'http_requests_total{method="GET",route="/whoami",status="500"}'
    before = disturbed.samples().get(name, 0)
    answers = [disturbed.get("/whoami") for _ in range(60)]
    seen = Counter(answer.status_code for answer in answers)
    # outside of this once in some 10^9 runs
    assert 8 <= seen[500] <= 52
    assert seen[200] + seen[500] == 60
    assert disturbed.samples()[name] - before == seen[500]
    failed = next(answer for answer in answers if answer.status_code == 500)
    assert failed.json() == {"detail": "a fault switch is on"}
    assert failed.headers["X-Served-By"] == "leads-2"


def test_errors_have_the_given_status_and_500_at_first(disturbed: Running):
    disturbed.switch(error_rate=1)
    assert disturbed.get("/v1/leads").status_code == 500
    assert disturbed.switch(error_status=503) == QUIET | {"error_rate": 1.0, "error_status": 503}
    answer = disturbed.get("/v1/leads")
    assert (answer.status_code, answer.json()) == (503, {"detail": "a fault switch is on"})
    assert disturbed.get("/readyz").status_code == 200


def test_a_status_alone_makes_no_errors(disturbed: Running):
    disturbed.switch(error_status=503)
    assert {disturbed.get("/whoami").status_code for _ in range(20)} == {200}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/metrics", "/openapi.json"])
def test_the_platform_is_spared_by_errors_and_latency(disturbed: Running, path: str):
    disturbed.switch(error_rate=1, latency_seconds=3)
    answer = disturbed.get(path)
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() < 2


def test_latency_is_added_to_each_request_without_holding_up_others(disturbed: Running):
    disturbed.switch(latency_seconds=0.4)
    answer = disturbed.get("/v1/leads/1")
    assert (answer.status_code, answer.json()["id"]) == (200, 1)
    assert answer.elapsed.total_seconds() >= 0.4


def cpu_seconds(running: Running) -> float:
    fields = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_cpu_is_burnt_while_the_switch_is_on_and_the_service_answers(disturbed: Running):
    disturbed.switch(cpu_burn=0.9)
    before = cpu_seconds(disturbed)
    # by amount and not by time: on a busy machine it gets a share only; at rest it would take half a minute
    wait_until(lambda: cpu_seconds(disturbed) > before + 0.4, within_seconds=10)
    assert disturbed.get("/whoami").status_code == 200
    disturbed.switch(cpu_burn=0)
    time.sleep(0.2)
    before = cpu_seconds(disturbed)
    time.sleep(0.5)
    assert cpu_seconds(disturbed) - before < 0.1


def test_cpu_is_burnt_by_one_thread_however_often_the_switch_is_turned(disturbed: Running):
    threads = Path(f"/proc/{disturbed.process.pid}/task")
    disturbed.switch(cpu_burn=0.1)
    before = len(list(threads.iterdir()))
    for share in (0, 0.1, 0, 0.1):
        disturbed.switch(cpu_burn=share)
    assert len(list(threads.iterdir())) == before


def resident_mib(running: Running) -> float:
    return int(Path(f"/proc/{running.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_memory_is_taken_for_good_while_the_switch_is_on_and_given_back_afterwards(disturbed: Running):
    before = resident_mib(disturbed)
    disturbed.switch(memory_mib_per_second=200)
    wait_until(lambda: resident_mib(disturbed) > before + 60, within_seconds=10)
    assert disturbed.get("/whoami").status_code == 200
    disturbed.switch(memory_mib_per_second=0)
    wait_until(lambda: resident_mib(disturbed) < before + 30, within_seconds=10)


def test_a_hang_is_answered_and_then_nothing_is_any_more(mayfly: Running):
    assert mayfly.switch(hang=True) == QUIET

    def is_silent(url: str) -> bool:
        try:
            CLIENT.get(url, timeout=0.3)
        except httpx.ReadTimeout:
            return True
        return False

    wait_until(lambda: is_silent(f"{mayfly.url}/livez"), within_seconds=5)
    assert is_silent(f"{mayfly.url}/whoami")
    assert is_silent(mayfly.faults_url)
    assert mayfly.process.poll() is None
    mayfly.process.terminate()
    time.sleep(0.3)
    assert mayfly.process.poll() is None  # a hang does not drain: the kubelet kills it


def test_stuck_readiness_says_yes_although_it_is_told_to_fail(marketplace: Marketplace):
    assert marketplace.forlorn.switch(readiness="fail") == QUIET | {"readiness": "fail"}
    assert marketplace.forlorn.get("/readyz").status_code == 200
    marketplace.forlorn.switch(readiness="ok")
