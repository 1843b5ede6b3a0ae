"""What was seen: the data classes that observation hands to the checks.

All times are Unix seconds (float) on the clock of the machine that runs the trial, unless a field says otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """One request made by a vantage."""

    scheduled: float
    """When it was due (open loop); equal to ``start`` when no rate was asked."""
    start: float
    end: float
    status: int
    """HTTP status, 0 when there was no answer."""
    served_by: str
    """The replica that answered, empty when unknown."""
    error: str
    """Empty, or one of: refused, timeout, reset, dns, unreachable, other."""

    @property
    def ok(self) -> bool:
        """True for a 2xx or 3xx answer."""
        return not self.error and 200 <= self.status < 400

    @property
    def outcome(self) -> str:
        """Its error class, or ``HTTP <status>`` where it was answered."""
        return self.error or f"HTTP {self.status}"

    def is_answered(self, status: int) -> bool:
        """Tell whether it got the whole answer that is declared for it."""
        return not self.error and self.status == status


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests of one run from one vantage to one URL."""

    node: str
    """Node of the vantage."""
    url: str
    fresh: bool
    """True when each request opened its own connection."""
    requests: tuple[Request, ...]

    @property
    def count(self) -> int:
        return len(self.requests)

    @property
    def failed(self) -> tuple[Request, ...]:
        return tuple(request for request in self.requests if not request.ok)

    def answers(self) -> Counter[str]:
        """Successful requests by the replica that answered."""
        return Counter(request.served_by for request in self.requests if request.ok)

    def errors(self) -> Counter[str]:
        """Failed requests by error class, or ``HTTP <status>`` for an unsuccessful answer."""
        return Counter(request.outcome for request in self.failed)


def merge(traffic: Iterable[Traffic]) -> Traffic:
    """Join runs to one URL from several vantages into one sample, in order of start."""
    runs = tuple(traffic)
    requests = sorted((request for run in runs for request in run.requests), key=lambda request: request.start)
    return Traffic(
        node="+".join(sorted({run.node for run in runs})),
        url=runs[0].url if runs else "",
        fresh=all(run.fresh for run in runs),
        requests=tuple(requests),
    )


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One resource record of an answer."""

    name: str
    type: str
    """A, AAAA, SRV or CNAME."""
    ttl_seconds: int
    data: str
    """Address for A and AAAA, target name for SRV and CNAME; no trailing dot."""
    port: int = 0
    """SRV only."""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What a resolver said to one question, asked from one node."""

    node: str
    question: str
    """The name as asked: short, or fully qualified."""
    resolved: str
    """The fully qualified name that the search list led to."""
    type: str
    rcode: str
    """NOERROR, NXDOMAIN, SERVFAIL …, or TIMEOUT."""
    records: tuple[DnsRecord, ...]
    seconds: float

    def addresses(self) -> frozenset[str]:
        return frozenset(record.data for record in self.records if record.type in ("A", "AAAA"))


@dataclass(frozen=True, slots=True)
class ServicePort:
    name: str
    port: int
    target: str
    """Number or name of the container's port."""
    protocol: str
    node_port: int = 0
    """Port on every node, 0 when there is none."""


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A live Service object."""

    namespace: str
    name: str
    cluster_ip: str
    """``None`` (the word) for a headless Service, as Kubernetes writes it."""
    ports: tuple[ServicePort, ...]
    session_affinity: str
    selector: tuple[tuple[str, str], ...]

    @property
    def headless(self) -> bool:
        return self.cluster_ip == "None"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a Service, joined from its EndpointSlices."""

    address: str
    pod: str
    node: str
    ready: bool
    serving: bool
    terminating: bool
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PodView:
    """A live pod."""

    namespace: str
    name: str
    uid: str
    ip: str
    node: str
    phase: str
    ready: bool
    terminating: bool
    restarts: int
    """Restarts of the application container."""
    container: str
    """Name of the application container."""
    container_id: str
    """Runtime id without scheme, empty before it exists."""
    created: float
    ready_since: float
    """Time of the last Ready condition transition."""
    service_account: str = ""
    """Name of the ServiceAccount that it runs under."""
    template: str = ""
    """Hash of the Deployment's template that it was made from."""
    ended: str = ""
    """Why the application container's last life ended, as the kubelet says it: ``OOMKilled``; empty when none did."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A health check of a workload's application container."""

    kind: str
    """readiness, liveness or startup."""
    path: str
    """Empty when it is not an HTTP check."""
    period_seconds: int
    timeout_seconds: int
    failures: int
    """Failures in a row until it counts."""

    @property
    def detection_seconds(self) -> int:
        """Longest time from the start of a failure to its detection: all periods, and the last answer's timeout."""
        return self.period_seconds * self.failures + self.timeout_seconds


@dataclass(frozen=True, slots=True)
class Workload:
    """A live Deployment."""

    name: str
    replicas: int
    available: int
    probes: tuple[Probe, ...]

    def probe(self, kind: str) -> Probe | None:
        return next((probe for probe in self.probes if probe.kind == kind), None)


@dataclass(frozen=True, slots=True)
class PodChange:
    """A pod as it was after something about it changed."""

    at: float
    """When the change was seen."""
    pod: str
    uid: str
    ready: bool
    restarts: int
    gone: bool
    """True when the object was deleted."""


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """An endpoint of a Service as it was after something about it changed."""

    at: float
    """When the change was seen."""
    service: str
    pod: str
    ready: bool
    """False also when the endpoint was removed."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a watch saw of a namespace, in order of time; the first entries are the state at its start."""

    pods: tuple[PodChange, ...]
    endpoints: tuple[EndpointChange, ...]

    def ready_endpoints(self, service: str) -> frozenset[str]:
        """Return the pods that are ready endpoints of a Service after the last change."""
        last = {change.pod: change.ready for change in self.endpoints if change.service == service}
        return frozenset(pod for pod, ready in last.items() if ready)


UNDERGOES = "undergoes "
"""Begins what was done where an experiment did it; its name follows."""


def undergoing(experiment: str) -> str:
    """Say what an experiment did to a replica: ``undergoes process-crash``."""
    return f"{UNDERGOES}{experiment}"


@dataclass(frozen=True, slots=True)
class Outage:
    """All that was seen around one fault that was done to one replica of one service."""

    service: str
    """Name of the service, as the system's description says it."""
    endpoint_service: str
    """Name of its Service object."""
    kind: str
    """What was done, as a sentence says it: ``is not ready``, ``hangs``, or :func:`undergoing` an experiment."""
    victim: PodView
    """The replica as it was before."""
    fault_at: float
    proof: str
    """What shows that the fault was done, beside what is judged; empty when nothing does."""
    traffic: Traffic
    """Requests to the service from every node, from before the fault until some time after."""
    changes: Changes
    replicas: tuple[PodView, ...]
    """The replicas before the fault."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One dated event of a timeline."""

    at: float
    what: str
    """Stable name: fault, first_error, not_ready, endpoint_removed, last_answer, last_error, recovered, …."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened around one fault, in order; seconds are relative to the fault."""

    subject: str
    fault_at: float
    moments: tuple[Moment, ...]

    def seconds(self, what: str) -> float | None:
        """Seconds from the fault to the named moment, or None when it did not occur."""
        return next((moment.at - self.fault_at for moment in self.moments if moment.what == what), None)
