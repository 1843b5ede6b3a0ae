"""Health checks: there, asking what is declared, and quick enough for their bounds."""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc

import pytest

from seatrial.checks.probes import missing_probes
from seatrial.observe.records import Probe, Workload
from seatrial.system import Service
from seatrial.tolerances import Tolerances

from .traffic import told

LEADS = Service(name="leads")
READINESS = Probe("readiness", "/readyz", period_seconds=1, timeout_seconds=1, failures=2)
LIVENESS = Probe("liveness", "/livez", period_seconds=2, timeout_seconds=1, failures=3)
STARTUP = Probe("startup", "/startupz", period_seconds=1, timeout_seconds=1, failures=60)


def judged(*probes: Probe) -> str:
    workload = Workload("leads", replicas=3, available=3, probes=probes)
    return told(missing_probes(LEADS, "lead-platform/leads", workload, Tolerances()))


def test_the_three_declared_probes_are_enough():
    assert judged(READINESS, LIVENESS, STARTUP) == ""


def test_a_workload_without_probes_is_told_what_each_of_them_is_for():
    assert judged() == cleandoc(
        """
        leads (Deployment lead-platform/leads): its readiness probe is missing
          expected  GET /readyz
          observed  none
          hint      traffic goes to replicas that cannot serve
        leads (Deployment lead-platform/leads): its liveness probe is missing
          expected  GET /livez
          observed  none
          hint      a replica that hangs is never restarted
        leads (Deployment lead-platform/leads): its startup probe is missing
          expected  GET /startupz
          observed  none
          hint      a slow start is taken for a hang
        """
    )


def test_a_probe_that_asks_another_path_is_told():
    assert judged(READINESS, replace(LIVENESS, path="/readyz"), STARTUP) == cleandoc(
        """
        leads (Deployment lead-platform/leads): its liveness probe asks something else
          expected  GET /livez
          observed  GET /readyz
          hint      a replica that hangs is never restarted
        """
    )


def test_a_probe_that_is_no_http_check_is_told_as_such():
    assert judged(replace(READINESS, path=""), LIVENESS, STARTUP) == cleandoc(
        """
        leads (Deployment lead-platform/leads): its readiness probe asks something else
          expected  GET /readyz
          observed  not an HTTP check
          hint      traffic goes to replicas that cannot serve
        """
    )


def test_probes_that_detect_too_late_are_told_together():
    slow = replace(READINESS, period_seconds=30, failures=10), replace(LIVENESS, period_seconds=20)
    assert judged(*slow, STARTUP) == cleandoc(
        """
        leads (Deployment lead-platform/leads): its readiness probe is too slow for its bound
          expected  detection within 5 s
          observed  10 failures, one every 30 s, the last after 1 s: up to 301 s
        leads (Deployment lead-platform/leads): its liveness probe is too slow for its bound
          expected  detection within 45 s
          observed  3 failures, one every 20 s, the last after 1 s: up to 61 s
        """
    )


@pytest.mark.parametrize(("timeout_seconds", "is_good"), [(3, True), (4, False)])
def test_detection_may_take_the_whole_bound_with_the_last_timeout_and_no_more(timeout_seconds, is_good):
    assert (judged(replace(READINESS, timeout_seconds=timeout_seconds), LIVENESS, STARTUP) == "") is is_good


def test_a_slow_start_is_what_the_startup_probe_is_for():
    assert judged(READINESS, LIVENESS, replace(STARTUP, period_seconds=60)) == ""
