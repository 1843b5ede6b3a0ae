"""Experiments in features: what enters nodes is told by its tag, for only then are nodes looked at afterwards."""

from __future__ import annotations

import pytest

from seatrial.paths import ROOT
from seatrial.report.gherkin import read_feature

FEATURES = sorted((ROOT / "features").glob("*.feature"))


@pytest.mark.parametrize("file", FEATURES, ids=lambda file: file.stem)
def test_a_scenario_that_runs_an_experiment_is_tagged_so(file):
    for title in read_feature(file).titles:
        runs = any(step.name.startswith("the experiment ") for step in title.template.steps)
        assert not runs or {"chaos", "disruptive"} <= title.tags, title.name
