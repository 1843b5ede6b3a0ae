"""The typed model of ``system.yaml``: the one description of the system under test.

Everything that steps and checks know about the system comes from here. Its values are in :mod:`seatrial.system_values`,
its gateway in :mod:`seatrial.system_gateway`, its mesh in :mod:`seatrial.system_mesh`, what it must carry in
:mod:`seatrial.system_capacity`, its bounds in :mod:`seatrial.tolerances`. Reading the file, and errors that point at
its line, are in :mod:`seatrial.system_file`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from seatrial.system_capacity import Autoscaling, Largest
from seatrial.system_gateway import Gateway
from seatrial.system_mesh import Mesh
from seatrial.system_values import Call, DnsDomain, DnsLabel, HeaderName, HttpPath, Model, Port, Text
from seatrial.tolerances import Tolerances


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
    direct: DnsLabel | None = None
    """Name of the Service over the same replicas that a mesh leaves alone, if there is one."""
    direct_port: Port = 8079
    """Port of that Service and of its pods: a mesh is told by the port what to leave alone."""
    port: Port = 80
    """Port of the Service."""
    port_name: DnsLabel = "http"
    """Name of that port; SRV records are made of it."""
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    """Transport protocol of that port; SRV records are made of it, too."""
    identity_path: HttpPath = "/whoami"
    """A cheap path that any replica answers without log-in; used to count who answers."""
    openapi: HttpPath | None = None
    """Path of its OpenAPI description, as JSON; left out when it gives none."""
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
    broken: dict[str, Any] | None = None
    """Body after which it answers every request with HTTP 500, as a bug makes it, and is ready all the same."""
    stalled: dict[str, Any] | None = None
    """Body after which it takes far longer for every request than the gateway waits."""
    slow: dict[str, Any] | None = None
    """Body after which it takes at least a fifth of a second for every request."""
    growing: dict[str, Any] | None = None
    """Body after which it takes more and more memory, until its limit has it killed."""


class RequestLog(Model):
    """The line that each replica writes to its standard output for every request that it answered: a JSON object."""

    id_field: Text = "request_id"
    """Field with the request id that the request brought in the header X-Request-Id."""
    status_field: Text = "status"
    """Field with the HTTP status of the answer."""
    time_field: Text = "time"
    """Field with the time of the answer, in Unix seconds or as in ISO 8601."""


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


class System(Model):
    """The system under test."""

    name: Text
    """What the system is called in reports."""
    namespace: DnsLabel
    """Namespace that its overlay deploys into."""
    allow_clusters: tuple[Text, ...] = ()
    """Contexts of clusters not created here where faults are allowed, when namespace and person agree, too."""
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
    mesh: Mesh | None = None
    """Left out when no replica tells, at its identity path, who asks it by the mesh."""
    vantage_beside: bool = False
    """True when each replica has the trial's agent as a further container: load comes from the callers' own pods."""
    faults: Faults | None = None
    """Left out when the system has no fault switches: scenarios that need them are skipped with that reason."""
    request_log: RequestLog | None = None
    """Left out when replicas write no such log: scenarios that count what replicas saw are skipped with that reason."""
    slow_boot: dict[str, str] | None = None
    """Environment variables that make a service boot longer than its liveness waits; new versions get them."""
    largest: Largest | None = None
    """Left out when no request is large: what many of them at a time need of memory is not tried then."""
    autoscaling: Autoscaling | None = None
    """Left out when the services have no HorizontalPodAutoscaler."""
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

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """Return caller and callee of each declared call, each pair once."""
        return tuple(dict.fromkeys((edge.caller, edge.callee) for edge in self.edges))

    def host(self, service: Service, name: str | None = None) -> str:
        """Return the fully qualified name of a service's Service object, or of another one in its namespace."""
        return f"{name or service.service}.{self.namespace}.svc.{self.cluster_domain}"

    def url(self, service: Service, path: str | None = None, name: str | None = None) -> str:
        """Return an address inside the cluster; the path defaults to the identity path.

        The name is absolute (it ends with a dot), so that no search list multiplies the lookups.
        """
        return f"http://{self.host(service, name)}.:{service.port}{path or service.identity_path}"
