"""When this experiment began, on the clock that the cluster dates its own events by."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import httpx

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault

BEGAN = time.monotonic()
"""Chaos Toolkit imports the probes when it validates the experiment, before anything is done."""
CUT_SECONDS = 1.0
"""What the cluster dates is cut to seconds: of two events in the same second none is sure to be the later one."""


def began_at(cluster: Cluster) -> float:
    """Return when this process began with the experiment, in Unix seconds on the API server's clock, to the second.

    Another machine's clock may differ from ours by more than a fault takes; how long ago it was does not.
    """
    try:
        with cluster.http() as http:
            date = http.get("/version").headers["Date"]
    except (httpx.HTTPError, KeyError) as error:
        raise EnvironmentFault(f"the API server does not say what time it is: {error!r}") from error
    return parsedate_to_datetime(date).timestamp() - (time.monotonic() - BEGAN) - CUT_SECONDS
