"""The life of a process: what its three probes mean, how it ends, and what is the same when it comes back."""

from __future__ import annotations

import re
import select
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
from marketplace_process import SERVICES, START_SECONDS, Launcher, Marketplace, Running, wait_until

STARTUP_SECONDS = 1.5
QUEUE = 128
"""Connections that a service keeps waiting."""


def probes(running: Running) -> dict[str, int]:
    return {path: running.get(path, headers={}).status_code for path in ("/startupz", "/readyz", "/livez")}


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_that_has_started_is_alive_and_ready(marketplace: Marketplace, service: str):
    assert probes(marketplace.service(service)) == {"/startupz": 200, "/readyz": 200, "/livez": 200}


def test_a_slow_start_is_alive_but_neither_started_nor_ready_until_it_is_over(launcher: Launcher):
    slow = launcher.start("users", "users-slow", STARTUP_DELAY_SECONDS=str(STARTUP_SECONDS))
    assert probes(slow) == {"/startupz": 503, "/readyz": 503, "/livez": 200}
    wait_until(lambda: slow.get("/startupz").status_code == 200, within_seconds=10)
    assert probes(slow) == {"/startupz": 200, "/readyz": 200, "/livez": 200}
    assert slow.terminate() == 0


def test_a_slow_boot_answers_nobody_until_it_is_over(launcher: Launcher):
    slow = launcher.launch("users", "users-booting", BOOT_SECONDS=str(STARTUP_SECONDS))
    began = time.monotonic()
    assert is_refused(slow)
    slow.await_start()
    assert time.monotonic() - began > STARTUP_SECONDS
    assert probes(slow) == {"/startupz": 200, "/readyz": 200, "/livez": 200}
    assert slow.terminate() == 0


def test_a_process_that_is_told_to_end_while_it_boots_ends(launcher: Launcher):
    slow = launcher.launch("users", "users-told-to-end", BOOT_SECONDS="600")
    wait_until(lambda: "SIGTERM" in caught(slow), within_seconds=START_SECONDS)
    assert slow.terminate() == 143


def caught(running: Running) -> set[str]:
    """Return the names of the signals that a process has a handler for."""
    (mask,) = re.findall(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{running.process.pid}/status").read_text(), re.MULTILINE)
    return {each.name for each in signal.Signals if int(mask, 16) >> (each - 1) & 1}


def test_who_comes_while_it_stands_still_is_not_all_kept_for_later(launcher: Launcher):
    still = launcher.start("users", "users-standing-still")
    still.process.send_signal(signal.SIGSTOP)
    with ExitStack() as open_ones:
        callers = [open_ones.enter_context(socket.socket()) for _ in range(2 * QUEUE)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", still.port))
        _, connected, _ = select.select([], callers, [], 1.0)
        assert QUEUE / 2 < len(connected) < 1.1 * QUEUE
        still.process.send_signal(signal.SIGCONT)
    assert still.terminate() == 0


def test_readiness_is_withheld_without_a_word_to_the_other_probes(disturbed: Running):
    disturbed.switch(readiness="fail")
    assert probes(disturbed) == {"/startupz": 200, "/readyz": 503, "/livez": 200}
    assert disturbed.get("/v1/leads/1").status_code == 200
    disturbed.switch(readiness="ok")
    assert probes(disturbed)["/readyz"] == 200


def test_readiness_does_not_depend_on_dependencies(marketplace: Marketplace, disturbed: Running):
    disturbed.switch(error_rate=1, readiness="fail")
    assert marketplace.forlorn.post("/v1/buyers/match", json={"lead_id": 1}).status_code == 502
    assert probes(marketplace.forlorn) == {"/startupz": 200, "/readyz": 200, "/livez": 200}


def test_after_sigterm_it_lingers_then_takes_no_more_and_finishes_what_is_under_way(mayfly: Running):
    mayfly.switch(latency_seconds=2.8)  # longer than it lingers
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(mayfly.get, "/v1/leads/1")
        wait_until(lambda: mayfly.samples()["http_requests_in_flight"] == 2, within_seconds=5)
        mayfly.process.terminate()
        wait_until(lambda: probes(mayfly)["/readyz"] == 503, within_seconds=1)
        assert not is_refused(mayfly)  # nodes that have not heard yet still send to it
        wait_until(lambda: is_refused(mayfly), within_seconds=2.5)
        assert not asked.done()
        assert (asked.result().status_code, asked.result().json()["id"]) == (200, 1)
    assert mayfly.process.wait(10) == 0
    assert [line["level"] for line in mayfly.lines() if line["level"] != "info"] == []


def is_refused(running: Running) -> bool:
    try:
        running.get("/livez")
    except (httpx.NetworkError, httpx.RemoteProtocolError):  # what nobody took is reset, what was taken last is closed
        return True
    return False


def test_a_caller_is_told_in_time_that_its_kept_connection_ends(mayfly: Running):
    with httpx.Client(trust_env=False) as kept:
        assert "connection" not in kept.get(f"{mayfly.url}/livez").headers
        mayfly.process.terminate()
        wait_until(lambda: kept.get(f"{mayfly.url}/livez").headers.get("connection") == "close", within_seconds=1)
    assert mayfly.process.wait(10) == 0


def test_a_process_that_is_to_end_abruptly_loses_what_is_under_way(launcher: Launcher):
    rude = launcher.start("leads", "leads-rude", ABRUPT_END="1", SEATRIAL_FAULTS="enabled")
    rude.switch(latency_seconds=30)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(rude.get, "/v1/leads/1")
        wait_until(lambda: rude.samples()["http_requests_in_flight"] == 2, within_seconds=5)
        assert rude.terminate() == 143
        assert isinstance(asked.exception(), httpx.NetworkError | httpx.RemoteProtocolError)


def test_an_idle_process_ends_soon_after_sigterm_with_exit_code_0(mayfly: Running):
    with httpx.Client(trust_env=False) as kept:  # a connection that is kept does not delay the end
        assert kept.get(f"{mayfly.url}/livez").status_code == 200
        began = time.monotonic()
        assert mayfly.terminate() == 0
        assert time.monotonic() - began < 5


def test_a_restarted_process_gives_the_same_data(marketplace: Marketplace, launcher: Launcher):
    again = launcher.start("leads", "leads-again")  # Python hashes by another seed in each process
    for path in ("/v1/leads?limit=100", "/v1/leads?limit=100&offset=100", "/v1/leads/200", "/openapi.json"):
        assert again.get(path).text == marketplace.leads.get(path).text


def test_a_direct_port_is_another_way_to_the_same_process_and_ends_with_it(launcher: Launcher):
    direct = next(launcher.ports)
    running = launcher.start("users", "users-direct", DIRECT_PORT=str(direct))
    other = replace(running, port=direct)
    wait_until(lambda: not is_refused(other), within_seconds=5)
    before = running.samples()["http_requests_in_flight"]
    with httpx.Client(trust_env=False) as kept:
        assert kept.get(f"{other.url}/whoami").json() == running.get("/whoami").json()
        assert abs(clock_of(other) - clock_of(running)) <= 2  # seconds, renewed each second
        assert before == other.samples()["http_requests_in_flight"] == 1  # one application counts both
        assert running.terminate() == 0
    assert is_refused(other)
    assert [line["level"] for line in running.lines() if line["level"] != "info"] == []


def clock_of(running: Running) -> float:
    """Return what the answers of a process say about the time."""
    return parsedate_to_datetime(running.get("/whoami").headers["Date"]).timestamp()


def test_the_date_of_answers_goes_on(users: Running):
    first = clock_of(users)
    wait_until(lambda: clock_of(users) > first, within_seconds=5)
    assert abs(clock_of(users) - time.time()) < 5


def test_a_process_that_nobody_needs_wakes_up_once_a_second(launcher: Launcher):
    idle = launcher.start("users", "users-idle", DIRECT_PORT=str(next(launcher.ports)), SEATRIAL_FAULTS="enabled")
    before = wake_ups(idle)
    time.sleep(3)  # the time that is looked at
    assert wake_ups(idle) - before <= 9


def wake_ups(running: Running) -> int:
    """Return how often the threads of a process have gone to sleep, of their own accord."""
    threads = Path(f"/proc/{running.process.pid}/task").glob("*/status")
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)$", each.read_text(), re.M)[1]) for each in threads)
