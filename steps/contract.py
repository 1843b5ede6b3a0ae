"""Steps about the frontend's calls, as they were recorded before the migration."""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import pytest
from pytest_bdd import given, then, when

from seatrial.capabilities import Capabilities
from seatrial.cluster.client import Cluster
from seatrial.contract import Frontend, FrontendCall, Recorded, differences, load_answers, load_frontend
from seatrial.errors import fail_on
from seatrial.observe.way_in import frontend_client, frontend_token, observe_way_in, send
from seatrial.plugin import TrialOptions
from seatrial.report.evidence import Evidence
from seatrial.system import System


class Recording(NamedTuple):
    """The frontend's calls and the answers that it got before the migration."""

    frontend: Frontend
    answers: dict[str, Recorded]


@given("the frontend's calls and their answers were recorded before the migration", target_fixture="recording")
def recording(system: System, trial_options: TrialOptions) -> Recording:
    if system.frontend is None:
        pytest.skip(f"{system.name} declares no recorded calls of a frontend")
    calls = trial_options.system.parent / system.frontend
    frontend = load_frontend(calls, system)
    return Recording(frontend, load_answers(calls, frontend))


@when("the frontend makes each call again", target_fixture="replayed")
def replay(
    recording: Recording, cluster: Cluster, system: System, capabilities: Capabilities
) -> list[tuple[FrontendCall, Recorded | str]]:
    way = observe_way_in(cluster, system, recording.frontend, through_gateway=capabilities.get("gateway") is True)
    with frontend_client(way) as client:
        token = frontend_token(client, way, system)
        return [(call, send(client, way, call, recording.frontend, token)) for call in recording.frontend.calls]


@then("each answer equals the recorded one")
def answers_are_equal(
    replayed: list[tuple[FrontendCall, Recorded | str]], recording: Recording, evidence: Evidence
) -> None:
    evidence.json("answers", {call.name: answer for call, answer in replayed})
    fail_on(
        chain.from_iterable(
            differences(call, recording.answers[call.name], answer, recording.frontend) for call, answer in replayed
        )
    )
