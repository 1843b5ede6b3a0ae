"""Versions: a bad one is never ready and remembers the good one, which comes back exactly."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from fake_api import merged

from seatrial.chaos.templates import (
    NEVER_READY,
    RESTARTED,
    TEMPLATE_BEFORE,
    is_spoilt,
    restarted,
    restarted_at,
    spoilt,
    template_before,
    unspoilt,
)

PROBE = {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1}
DEPLOYMENT: dict[str, Any] = {
    "metadata": {"name": "leads"},
    "spec": {
        "template": {
            "metadata": {"labels": {"app": "leads"}, "annotations": {"kubectl.kubernetes.io/default-container": "app"}},
            "spec": {"containers": [{"name": "proxy"}, {"name": "app", "readinessProbe": PROBE}]},
        }
    },
}


def changed(deployment: dict[str, Any], change: dict[str, Any] | None) -> dict[str, Any]:
    assert change is not None
    return merged(deepcopy(deployment), change, strategic=True)


def test_a_bad_version_asks_its_application_for_a_path_that_is_not_there_and_is_else_the_same():
    bad = changed(DEPLOYMENT, spoilt(DEPLOYMENT))
    expected = deepcopy(DEPLOYMENT["spec"]["template"])
    expected["spec"]["containers"][1]["readinessProbe"]["httpGet"]["path"] = NEVER_READY
    assert bad["spec"]["template"] == expected
    assert is_spoilt(bad["spec"]["template"]) and not is_spoilt(DEPLOYMENT["spec"]["template"])


def test_a_bad_version_remembers_the_good_one_which_comes_back_exactly():
    bad = changed(DEPLOYMENT, spoilt(DEPLOYMENT))
    before = template_before(bad)
    assert before == DEPLOYMENT["spec"]["template"]
    bad["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 7  # something that came on top of it
    good = changed(bad, unspoilt(before))
    assert good["spec"] == DEPLOYMENT["spec"]
    assert TEMPLATE_BEFORE not in good["metadata"]["annotations"]
    assert changed(good, unspoilt(before)) == good


@pytest.mark.parametrize("probe", [None, {"exec": {"command": ["true"]}}, {"tcpSocket": {"port": 80}}])
def test_where_readiness_is_not_asked_by_http_no_version_is_made_bad(probe: Any):
    container = {"name": "app"} | ({"readinessProbe": probe} if probe else {})
    assert spoilt({"metadata": {}, "spec": {"template": {"spec": {"containers": [container]}}}}) is None


def test_without_a_mark_the_first_container_is_the_application():
    template = {"spec": {"containers": [{"name": "app", "readinessProbe": PROBE}, {"name": "vantage"}]}}
    change = spoilt({"metadata": {}, "spec": {"template": template}})
    assert change is not None
    assert [each["name"] for each in change["spec"]["template"]["spec"]["containers"]] == ["app"]
    assert json.loads(change["metadata"]["annotations"][TEMPLATE_BEFORE]) == template


def test_a_restart_is_an_annotation_of_the_template_and_nothing_else():
    after = changed(DEPLOYMENT, restarted(12.5))
    assert (restarted_at(DEPLOYMENT), restarted_at(after)) == ("", "12.500")
    del after["spec"]["template"]["metadata"]["annotations"][RESTARTED]
    assert after == DEPLOYMENT


def test_a_deployment_without_annotations_was_not_spoilt():
    assert template_before(DEPLOYMENT) is None
