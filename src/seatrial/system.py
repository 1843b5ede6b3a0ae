"""The typed model of ``system.yaml``: the one description of the system under test.

Everything that steps and checks know about the system comes from here. Reading the file, and errors that point at
its line, are in :mod:`seatrial.system_file`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

Words = dict[str, JsonValue]

# ``noun`` and ``base`` are the words of error messages and of the reference: see seatrial.plain_words.
SECONDS: Words = {"noun": "a duration", "base": "a number of seconds"}
HOURS: Words = {"noun": "a duration", "base": "a number of hours"}
PATH: Words = {"noun": "a path", "base": "a path that begins with / and has no blanks"}
LABEL: Words = {"noun": "a name", "base": "a name of at most 63 lower-case letters, digits and inner dashes"}
DOMAIN: Words = {"noun": "a domain", "base": "a domain such as cluster.local"}
HEADER: Words = {"noun": "a header name", "base": "a header name of letters, digits and dashes"}

Seconds = Annotated[float, Field(gt=0, le=3600, json_schema_extra=SECONDS)]
Ratio = Annotated[float, Field(ge=0, le=1, json_schema_extra={"noun": "a ratio"})]
Port = Annotated[int, Field(ge=1, le=65535, json_schema_extra={"noun": "a port"})]
Text = Annotated[str, Field(min_length=1)]
HttpPath = Annotated[str, Field(pattern=r"^/\S*$", json_schema_extra=PATH)]
DnsLabel = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63, json_schema_extra=LABEL)]
DnsDomain = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$", json_schema_extra=DOMAIN)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$", json_schema_extra=HEADER)]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


class Model(BaseModel):
    """Base of all parts: immutable, and no field is accepted that does not exist."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, strict=True)


class Call(Model):
    """One HTTP request of the system's own interface."""

    method: Method = "GET"
    """HTTP method."""
    path: HttpPath
    """Path and query."""
    json_body: Any = Field(default=None, alias="json")
    """Body, sent as JSON; none when left out."""
    login: bool = False
    """Send the token of the declared log-in as bearer token."""
    status: Annotated[int, Field(ge=100, le=599)] = 200
    """HTTP status of a good answer."""


class Probes(Model):
    """What the workload's three health checks ask."""

    readiness: HttpPath = "/readyz"
    """Fails while a replica is to get no traffic."""
    liveness: HttpPath = "/livez"
    """Fails when a replica is to be restarted."""
    startup: HttpPath = "/startupz"
    """Fails until a replica has started."""


class Service(Model):
    """One service of the system."""

    name: DnsLabel
    """How the service is called in this file and in reports."""
    workload: DnsLabel = ""
    """Name of its Deployment; the service's name when left out."""
    service: DnsLabel = ""
    """Name of its Service object; the service's name when left out."""
    headless: DnsLabel | None = None
    """Name of the headless Service over the same replicas, if there is one."""
    external: DnsLabel | None = None
    """Name of the NodePort Service through which customers come from outside, if there is one."""
    port: Port = 80
    """Port of the Service."""
    port_name: DnsLabel = "http"
    """Name of that port; SRV records are made of it."""
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    """Transport protocol of that port; SRV records are made of it, too."""
    identity_path: HttpPath = "/whoami"
    """A cheap path that any replica answers without log-in; used to count who answers."""
    probes: Probes = Probes()
    """Paths of the health checks."""
    replicas: Annotated[int, Field(ge=2, le=50)] = 3
    """Replicas that the overlay declares; a criterion about balancing needs two."""

    @model_validator(mode="before")
    @classmethod
    def _names(cls, given: Any) -> Any:
        if isinstance(given, dict) and "name" in given:
            return {"workload": given["name"], "service": given["name"], **given}
        return given


class Edge(Model):
    """A declared call of one service to another, shown by a request to the caller that makes it happen."""

    caller: DnsLabel
    """Service that calls."""
    callee: DnsLabel
    """Service that is called."""
    request: Call
    """Sent to the caller; its answer must name a replica of the callee in the called header."""


class Identity(Model):
    """How an answer says which replicas made it."""

    header: HeaderName = "X-Served-By"
    """Response header with the name of the pod that answered."""
    called_header: HeaderName = "X-Called"
    """Response header with the replicas that were called in turn: ``auth=auth-5d9-x7,users=users-66-qq``."""


class Login(Model):
    """How a customer gets a token."""

    service: DnsLabel
    """Service that gives tokens."""
    request: Call
    """Request that is answered with a token."""
    token_field: Text = "token"
    """Field of the JSON answer that holds the token."""


class Faults(Model):
    """The fault switches of the system's services: an HTTP endpoint of each pod, outside every Service."""

    port: Port
    """Port of the pod that the switches listen on."""
    path: HttpPath = "/faults"
    """Takes PUT with one of the bodies below, as JSON."""
    not_ready: dict[str, Any]
    """Body after which the readiness endpoint fails."""
    ready: dict[str, Any]
    """Body after which the replica is as it was."""
    hang: dict[str, Any]
    """Body after which the replica answers nothing any more."""
    failing: dict[str, Any] | None = None
    """Body after which it answers every request with a server error, and is ready all the same."""
    stalled: dict[str, Any] | None = None
    """Body after which it takes far longer for every request than the gateway waits."""
    slow: dict[str, Any] | None = None
    """Body after which it takes at least a fifth of a second for every request."""


class Quota(Model):
    """How many requests a route takes, for all customers together; each replica of the gateway counts for itself."""

    per_second: Annotated[int, Field(ge=1, le=10000)]
    """Requests a second that are let through for ever."""
    burst: Annotated[int, Field(ge=0, le=10000)]
    """Requests beyond that at once; they come back at the same rate."""


class Route(Model):
    """One rule of the gateway."""

    path: HttpPath
    """A path below which every request goes to the service; it is called to see who answers."""
    service: DnsLabel
    """Service that answers."""
    request: Call | None = None
    """A request of this route with the status of its answer; GET of the path, answered 200, when left out."""
    quota: Quota | None = None
    """Left out when the route has no limit of its own."""
    balancing: Literal["round_robin", "least_request"] = "round_robin"
    """How its requests are handed out to the replicas: by turns, or to the one with the fewest under way."""

    @property
    def call(self) -> Call:
        """Return the request that tries the route."""
        return self.request or Call(path=self.path)


class Gateway(Model):
    """The one front door of the system."""

    service: DnsLabel = "gateway"
    """Name of its NodePort or LoadBalancer Service object."""
    host: DnsDomain
    """Name that customers ask for; its certificate is for it."""
    tls_secret: DnsLabel = "gateway-tls"
    """Secret that holds its certificate; it is made at deployment when the overlay mounts it without bringing it."""
    http_port_name: DnsLabel = "http"
    """Port of the Service object that redirects to HTTPS."""
    https_port_name: DnsLabel = "https"
    """Port of the Service object that serves."""
    timeout_seconds: Annotated[float, Field(gt=0, le=9, json_schema_extra=SECONDS)] = 5.0
    """How long it waits for a replica; what may not be asked twice ends then with HTTP 504."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes of one replica of the gateway that take turns each for itself."""
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    """What goes where."""


class JourneyStep(Model):
    """One request of a customer's journey through the system, sent from outside the cluster."""

    name: Text
    """What the customer does, in words of the report."""
    service: DnsLabel
    """Service that the customer asks; it needs ``external`` where there is no gateway."""
    request: Call
    """What is sent."""
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    """How often, relative to the other steps."""


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
    load_users: Annotated[int, Field(ge=1, le=1000)] = 4
    """Customers that use the system at the same time during an experiment."""
    load_seconds: Seconds = 10.0
    """How long customers are observed before, and again after, a fault."""
    load_success: Ratio = 0.999
    """Least ratio of customers' requests that succeed before and after a fault."""
    load_slowdown: Annotated[float, Field(gt=1, le=20)] = 2.0
    """Largest ratio of median latencies after and before a fault."""


class System(Model):
    """The system under test."""

    name: Text
    """What the system is called in reports."""
    namespace: DnsLabel
    """Namespace that its overlay deploys into."""
    cluster_domain: DnsDomain = "cluster.local"
    """Domain of the cluster's names."""
    services: Annotated[tuple[Service, ...], Field(min_length=1)]
    """The services, each with its replicas and health checks."""
    edges: tuple[Edge, ...] = ()
    """The declared calls between services."""
    identity: Identity = Identity()
    """How an answer says which replicas made it."""
    login: Login | None = None
    """Left out when no declared call needs a log-in."""
    gateway: Gateway | None = None
    """Left out when the system has no gateway in any of its overlays."""
    faults: Faults | None = None
    """Left out when the system has no fault switches: scenarios that need them are skipped with that reason."""
    frontend: Text | None = None
    """File of the frontend's recorded calls, relative to this one; left out when nothing is recorded."""
    journey: tuple[JourneyStep, ...] = ()
    """What customers do; the load of experiments is made of it."""
    tolerances: Tolerances = Tolerances()
    """Bounds of checks and waits."""

    def service(self, name: str) -> Service:
        """Return a service by its name; KeyError when there is none."""
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)

    def host(self, service: Service, name: str | None = None) -> str:
        """Return the fully qualified name of a service's Service object, or of another one in its namespace."""
        return f"{name or service.service}.{self.namespace}.svc.{self.cluster_domain}"

    def url(self, service: Service, path: str | None = None, name: str | None = None) -> str:
        """Return an address inside the cluster; the path defaults to the identity path.

        The name is absolute (it ends with a dot), so that no search list multiplies the lookups.
        """
        return f"http://{self.host(service, name)}.:{service.port}{path or service.identity_path}"
