"""Every bound in ``system.yaml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seatrial.system_values import HOURS, SECONDS, Model, Ratio, Seconds

Confidence = Annotated[float, Field(ge=0.5, lt=1)]
Slowdown = Annotated[float, Field(gt=1, le=20)]


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
    name_seconds: Seconds = 6.0
    """For the answer to a question for a name while one of its servers is lost (a resolver asks again after 5 s)."""
    names_back_seconds: Seconds = 30.0
    """From the loss of all name servers to names that are answered again (CoreDNS is probed every 10 s)."""
    restart_seconds: Seconds = 45.0
    """From a hang to the restart of the replica."""
    node_loss_seconds: Seconds = 65.0
    """From the loss of a node to the last request that is lost there: a grace of 50 s, and 15 s more."""
    replacement_seconds: Seconds = 45.0
    """From a deletion to a ready replacement."""
    recovery_seconds: Seconds = 45.0
    """From the end of a fault to a full share of the traffic."""
    rollout_seconds: Seconds = 180.0
    """For a rollout of all workloads."""
    permission_seconds: Seconds = 10.0
    """From a Role that is made for an experiment to an API server that follows it."""
    lease_seconds: Annotated[int, Field(ge=5, le=300, json_schema_extra=SECONDS)] = 15
    """From the last sign of life of an experiment's runner until the dead man in the cluster puts back what it can."""
    healed_seconds: Seconds = 180.0
    """From the end of a runner that was killed to a system that is healed and proven steady, by the watchdog."""
    rollout_rate_per_second: Annotated[int, Field(ge=2, le=2000)] = 40
    """Requests a second to each service while it is rolled out and scaled, half of them over kept connections."""
    rollout_requests: Annotated[int, Field(ge=100, le=1_000_000)] = 30_000
    """Requests that the nightly trial of rollouts sends to all services together, half over each kind of connection."""
    rollout_gap_seconds: Seconds = 1.0
    """Longest time without a request of a kind to a service while it changes: what fails meanwhile is not seen."""
    settle_seconds: Seconds = 3.0
    """Traffic that is observed before a fault, and after a bound, to tell what is normal."""
    request_timeout_seconds: Seconds = 1.0
    """After which a request of the vantage counts as failed."""
    rate_per_second: Annotated[int, Field(ge=1, le=2000)] = 45
    """Fresh connections per second to each service while a fault is observed."""
    reads_per_second: Annotated[int, Field(ge=1, le=2000)] = 60
    """Requests per second that customers read by at the gateway while a replica fails."""
    reads_seconds: Seconds = 6.0
    """How long they do: a full share is three times then what a replica that fails may get; two times are needed."""
    log_seconds: Seconds = 10.0
    """From an answer to its line in the log of the replica that gave it."""
    refusal_seconds: Seconds = 0.15
    """From a request beyond the limit of a route to its refusal; a quarter of what a slow replica takes to answer."""
    certificate_hours: Annotated[float, Field(gt=0, le=8760, json_schema_extra=HOURS)] = 24.0
    """Hours for which the gateway's certificate must still be valid."""
    fuzz_examples: Annotated[int, Field(ge=1, le=1000)] = 15
    """Generated requests for each described operation, beside those at the bounds of its values."""
    fuzz_seconds: Seconds = 60.0
    """For the generated requests of all services together (about 15 s for those of the reference system)."""
    large_seconds: Seconds = 10.0
    """For the answer to a large request, while as many as declared are under way."""
    metrics_seconds: Seconds = 60.0
    """From a ready replica to an autoscaler that knows what it uses (scraped every 15 s, decided upon every 15 s)."""
    scale_out_seconds: Seconds = 210.0
    """From the beginning of a load for the most replicas to these: two decisions, starts, metrics of what started."""
    scale_in_seconds: Seconds = 180.0
    """From the end of the load to the least replicas: the autoscaler's own window, stale metrics, a decision."""
    scale_settle_seconds: Seconds = 90.0
    """Without a change of the number of replicas, to count as settled: the window for scaling in, and decisions."""
    load_users: Annotated[int, Field(ge=1, le=1000)] = 4
    """Customers that use the system at the same time during an experiment."""
    load_seconds: Seconds = 10.0
    """How long customers are observed before, and again after, a fault; longer until 30 requests are made, which a
    median needs."""
    load_success: Ratio = 0.999
    """Least ratio of customers' requests that succeed before and after a fault."""
    load_slowdown: Annotated[float, Field(gt=1, le=20)] = 2.0
    """Largest ratio of median latencies after and before a fault."""
    load_recovery_seconds: Seconds = 30.0
    """From whole again until customers are served as fast as before: what began anew is cold at first."""
    failure_rate: Annotated[float, Field(gt=0, lt=0.5)] = 0.001
    """Ratio of failed requests that a declared call, or a route, must stay below under load: shown by night."""
    daily_failure_rate: Annotated[float, Field(gt=0, lt=0.5)] = 0.005
    """The same as far as every run shows it; it also sizes the load of the daily trial of rollouts."""
    failure_confidence: Confidence = 0.95
    """Confidence with which both are shown; they give the number of requests: 2,995 by night, 598 by day."""
    edge_rate_per_second: Annotated[int, Field(ge=1, le=5000)] = 800
    """Requests a second on all declared calls together (0.4 ms of a core each in the reference services); half as many
    where a mesh carries them."""
    route_rate_per_second: Annotated[int, Field(ge=1, le=5000)] = 300
    """Requests a second through the gateway on all routes together (up to 4 ms of a core each); half as many where a
    mesh carries them."""
    send_lag_seconds: Seconds = 0.005
    """From the moment when a request is due until it is sent, for 99 of 100, where tails of latencies are judged."""
    load_lag_seconds: Seconds = 0.05
    """The same where failures or medians are judged: the rate must be kept, and latencies hold the lag."""
    instrument_rate_per_second: Annotated[int, Field(ge=1, le=5000)] = 500
    """Requests a second that one agent must be able to send in time."""
    instrument_seconds: Seconds = 5.0
    """How long that is tried."""
    instrument_shown_seconds: Seconds = 30.0
    """In which it must be seen to be able to: others on the same machine can hide it, and never pretend it."""
    gateway_slowdown: Slowdown = 3.0
    """Times that a request may take through the gateway as long as directly: TLS, a second connection, and its turn."""
    mesh_slowdown: Slowdown = 3.0
    """Times that a request may take through the mesh as long as without: two proxies and TLS between them."""
    slowdown_confidence: Confidence = 0.99
    """Confidence with which a slowdown is said to be below its bound, or above it."""
    slowdown_percentile: Annotated[int, Field(ge=50, le=99)] = 95
    """Highest of p50, p95 and p99 that is judged; those above are told: a tail needs a quiet machine or many blocks."""
    slowdown_blocks: Annotated[int, Field(ge=30, le=1000)] = 30
    """Pairs of blocks, one on each way, that a slowdown is judged by."""
    block_requests: Annotated[int, Field(ge=5, le=1000)] = 20
    """Requests of one block."""
    compared_rate_per_second: Annotated[int, Field(ge=1, le=5000)] = 150
    """Requests a second while two ways are compared."""
