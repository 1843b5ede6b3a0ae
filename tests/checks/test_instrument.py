"""The instrument: an agent that cannot keep up is a doubt about everything, and no fault of the system."""

from __future__ import annotations

from inspect import cleandoc

import pytest

from seatrial.checks.instrument import sent_per_second, too_weak
from seatrial.observe.records import Request, Traffic

from .traffic import told


def asked(rate: float, *, lag: float = 0.0, failed: int = 0, count: int = 1001) -> Traffic:
    moments = (number / rate for number in range(count))
    requests = (Request(due, due + lag, due + 0.01, 200, "", "") for due in moments)
    lost = (Request(0.5, 0.5, 0.6, 0, "", "timeout") for _ in range(failed))
    return Traffic("node-b", "http://10.0.0.1:9090/healthz", False, (*requests, *lost))


@pytest.mark.parametrize("rate", [500, 495.5, 800])
def test_an_agent_that_keeps_up_is_good(rate: float):
    assert sent_per_second(asked(rate)) == pytest.approx(rate)
    assert told(too_weak(asked(rate, lag=0.004), 500, 0.005)) == ""


def test_all_that_is_wrong_with_an_agent_is_told():
    assert told(too_weak(asked(250, lag=0.02, failed=3), 500, 0.005)) == cleandoc(
        """
        the agent on node-b, which asks http://10.0.0.1:9090/healthz
          missing   requests that are sent in time: 99 of 100 within 5.0 ms after they are due
                    99 of 100 within 20.0 ms, 1,004 requests from node-b
          remedy    give the machine to the trial alone, or declare a lower rate
        the agent on node-b, which asks http://10.0.0.1:9090/healthz
          missing   an agent that sends 500 requests a second
                    it sent 251 a second
          remedy    give the machine to the trial alone
        the agent on node-b, which asks http://10.0.0.1:9090/healthz
          missing   an agent that answers whatever it is asked
                    3 of 1,004 failed: 3 × timeout
          remedy    see the log of the vantage, and whether anything stands between the nodes
        """
    )


def test_an_agent_that_sent_nothing_is_told_once():
    nothing = asked(500, count=0)
    assert sent_per_second(nothing) == 0
    assert told(too_weak(nothing, 500, 0.005)).count("missing") == 1
