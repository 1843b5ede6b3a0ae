"""Autoscalers: whether they scale what they are to, and whether they can know what they need."""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc
from typing import Any

import pytest

from seatrial.checks.autoscalers import blind, not_scaled, unmeasured
from seatrial.observe.autoscalers import Autoscaler, Condition
from seatrial.observe.usage import Usage
from seatrial.system_capacity import Autoscaling

from .traffic import told

DECLARED = Autoscaling(service="auth")
LEADS = Autoscaler("leads", "Deployment", "leads", 2, 10, {"cpu": 70, "memory": 85}, 300)
AUTH = replace(LEADS, name="auth", target="auth")
ADDRESS = "lead-platform/leads"
ASKED = {"leads-a": {"service": {"cpu": 0.05, "memory": 96e6}, "vantage": {"cpu": 0.01, "memory": 16e6}}}
USED = Usage({"leads-a": {"service": {"cpu": 0.004, "memory": 6e7}}})


def knows(autoscaler: Autoscaler = LEADS, asked: dict[str, Any] | None = None, usage: Usage = USED) -> str:
    return told(blind("leads", autoscaler, ASKED if asked is None else asked, usage, 60))


def test_one_autoscaler_between_the_declared_bounds_that_knows_all_is_good():
    assert told(not_scaled("leads", ADDRESS, [AUTH, LEADS], DECLARED)) == ""
    assert told(unmeasured(USED)) == knows() == ""


def test_a_target_of_another_name_is_told_with_what_there_is():
    lost = replace(LEADS, target="lead")
    assert told(not_scaled("leads", ADDRESS, [AUTH, lost], DECLARED)) == cleandoc(
        """
        leads (Deployment lead-platform/leads): no autoscaler scales it
          expected  one HorizontalPodAutoscaler whose scaleTargetRef leads to it
          observed  none
                    auth scales Deployment auth
                    leads scales Deployment lead
        """
    )


@pytest.mark.parametrize("other", [replace(LEADS, kind="StatefulSet"), replace(LEADS, target="leads-next")])
def test_something_else_that_is_scaled_does_not_count(other: Autoscaler):
    assert "no autoscaler scales it" in told(not_scaled("leads", ADDRESS, [other], DECLARED))


def test_two_autoscalers_of_one_deployment_are_a_failure():
    found = told(not_scaled("leads", ADDRESS, [LEADS, replace(LEADS, name="more")], DECLARED))
    assert found.startswith("leads (Deployment lead-platform/leads): its autoscalers work against each other\n")
    assert "observed  leads, more" in found


def test_other_bounds_than_declared_are_a_failure():
    assert told(not_scaled("leads", ADDRESS, [replace(LEADS, max_replicas=4)], DECLARED)) == cleandoc(
        """
        leads (Deployment lead-platform/leads): its autoscaler leads has other bounds
          expected  from 2 to 10 replicas
          observed  from 2 to 4
        """
    )


def test_a_metrics_api_that_does_not_answer_is_told_once_and_no_autoscaler_is_blamed():
    away = Usage(error="HTTP 503 service unavailable")
    assert told(unmeasured(away)) == cleandoc(
        """
        the metrics API (APIService v1beta1.metrics.k8s.io) does not say what replicas use
          expected  an answer: autoscalers ask it
          observed  HTTP 503 service unavailable
          hint      the metrics server is away, or its APIService leads elsewhere
        """
    )
    inactive = replace(LEADS, conditions=(Condition("ScalingActive", False, "FailedGetResourceMetric", "no metrics"),))
    assert knows(inactive, usage=away) == ""


def test_replicas_without_metrics_are_told():
    assert knows(usage=Usage()) == cleandoc(
        """
        leads: its autoscaler leads cannot know what its replicas use
          expected  metrics of each within 60 s
          observed  none of leads-a
        """
    )


def test_a_container_without_a_request_is_told():
    asked = {name: {"service": {"memory": 96e6}, "vantage": {"cpu": 0.01, "memory": 16e6}} for name in ("a", "b")}
    found = told(blind("leads", LEADS, asked, Usage({"a": {}, "b": {}}), 60))
    assert found == cleandoc(
        """
        leads: its autoscaler leads cannot know how much cpu its replicas may use
          expected  a request for cpu in every container: its target is 70 % of that
          observed  none in service
          hint      a limit without a request would stand in for it
        """
    )


def test_a_resource_without_a_target_needs_no_request():
    assert knows(replace(LEADS, utilization={"memory": 85}), {"leads-a": {"service": {"memory": 1.0}}}) == ""


def test_an_autoscaler_that_says_that_it_cannot_work_is_told_in_its_own_words():
    said = Condition("ScalingActive", False, "FailedGetResourceMetric", "missing request for cpu")
    assert knows(replace(LEADS, conditions=(said,))) == cleandoc(
        """
        leads: its autoscaler leads cannot know how many replicas are needed
          expected  ScalingActive holds
          observed  FailedGetResourceMetric: missing request for cpu
        """
    )
    assert knows(replace(LEADS, conditions=(replace(said, holds=True),))) == ""
