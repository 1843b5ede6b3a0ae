"""Every bound in ``system.yaml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seatrial.system_values import HOURS, Model, Ratio, Seconds


class Tolerances(Model):
    """Every bound that a check judges by, and every bound of a wait."""

    alpha: Annotated[float, Field(gt=0, lt=0.05)] = 1e-6
    """Probability that one balancing check fails by chance on a healthy system."""
    power: Annotated[float, Field(gt=0.5, lt=1)] = 0.999
    """Probability that a balancing check finds the smallest skew."""
    smallest_skew: Annotated[float, Field(gt=1, le=10)] = 2.0
    """Smallest skew that must be found: how many times its share one replica gets (and, inverted, loses)."""
    withdrawal_seconds: Seconds = 5.0
    """From a replica's failing readiness to the last request that it gets (2 probes, 1 s apart, and programming)."""
    hang_withdrawal_seconds: Seconds = 10.0
    """From a hang to the last request that is lost in the hung replica."""
    crash_error_seconds: Seconds = 5.0
    """From a crash to the last error that it causes."""
    crash_success: Ratio = 0.95
    """Least ratio of successful requests in the window after a crash, without retries."""
    crash_window_seconds: Seconds = 20.0
    """Time after a crash in which success is counted."""
    propagation_seconds: Seconds = 6.0
    """From a change of the replicas to endpoints and traffic that follow it."""
    dns_seconds: Seconds = 40.0
    """From a change of the replicas to names that follow it (a cached answer lives 30 s in CoreDNS)."""
    restart_seconds: Seconds = 45.0
    """From a hang to the restart of the replica."""
    replacement_seconds: Seconds = 45.0
    """From a deletion to a ready replacement."""
    recovery_seconds: Seconds = 45.0
    """From the end of a fault to a full share of the traffic."""
    rollout_seconds: Seconds = 180.0
    """For a rollout of all workloads."""
    settle_seconds: Seconds = 3.0
    """Traffic that is observed before a fault, and after a bound, to tell what is normal."""
    request_timeout_seconds: Seconds = 1.0
    """After which a request of the vantage counts as failed."""
    rate_per_second: Annotated[int, Field(ge=1, le=2000)] = 45
    """Fresh connections per second to each service while a fault is observed."""
    certificate_hours: Annotated[float, Field(gt=0, le=8760, json_schema_extra=HOURS)] = 24.0
    """Hours for which the gateway's certificate must still be valid."""
    fuzz_examples: Annotated[int, Field(ge=1, le=1000)] = 15
    """Generated requests for each described operation, beside those at the bounds of its values."""
    fuzz_seconds: Seconds = 60.0
    """For the generated requests of all services together (about 15 s for those of the reference system)."""
    load_users: Annotated[int, Field(ge=1, le=1000)] = 4
    """Customers that use the system at the same time during an experiment."""
    load_seconds: Seconds = 10.0
    """How long customers are observed before, and again after, a fault."""
    load_success: Ratio = 0.999
    """Least ratio of customers' requests that succeed before and after a fault."""
    load_slowdown: Annotated[float, Field(gt=1, le=20)] = 2.0
    """Largest ratio of median latencies after and before a fault."""
