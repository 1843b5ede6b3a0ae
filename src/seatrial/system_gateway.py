"""The gateway in ``system.yaml``: what it promises, route by route."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from seatrial.system_values import (
    SECONDS,
    Call,
    CookieName,
    DnsDomain,
    DnsLabel,
    HeaderName,
    HttpPath,
    Model,
    Seconds,
    Text,
)


def is_below(path: str, route: str) -> bool:
    """Tell whether a path, with or without a query, is that of a route or lies below it."""
    return f"{path.partition('?')[0]}/".startswith(f"{route.rstrip('/')}/")


class Quota(Model):
    """How many requests a route takes, for all customers together; each replica of the gateway counts for itself."""

    per_second: Annotated[int, Field(ge=1, le=10000)]
    """Requests a second that are let through for ever."""
    burst: Annotated[int, Field(ge=0, le=10000)]
    """Requests beyond that at once; they come back at the same rate."""


class Ejection(Model):
    """How a replica that fails, and is ready all the same, is left out; each replica of the gateway decides alone."""

    failures: Annotated[int, Field(ge=1, le=1000)] = 5
    """Failed requests after which it is left out, at the latest."""
    for_seconds: Annotated[float, Field(ge=0.5, le=3600, json_schema_extra=SECONDS)] = 2.0
    """How long it is left out, at least, before it is tried again."""


class Affinity(Model):
    """By what the gateway knows a customer again; exactly one of the two."""

    cookie: CookieName | None = None
    """Cookie that the gateway gives to a new customer."""
    header: HeaderName | None = None
    """Header that a customer sends, each with a value of their own."""

    @property
    def told(self) -> str:
        """Say it to a reader: ``cookie basket``."""
        return f"cookie {self.cookie}" if self.cookie else f"header {self.header}"


class Split(Model):
    """Another version of a route's service that gets a share of its requests."""

    service: DnsLabel
    """Name of the other version's Service object, which is none of the declared services."""
    percent: Annotated[int, Field(ge=1, le=99)]
    """Its share of the route's requests, each chosen for itself."""


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
    concurrent: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Requests that each replica of the gateway lets through at the same time, with HTTP 503 for those beyond; no limit
    when left out."""
    pending: Annotated[int, Field(ge=0, le=1000)] = 0
    """Requests beyond ``concurrent`` that may wait, at most, instead of being refused."""
    affinity: Affinity | None = None
    """Left out when any replica will do for any request; with it, ``balancing`` and ``split`` are left out."""
    split: Split | None = None
    """Left out when one version of the service answers."""

    @property
    def call(self) -> Call:
        """Return the request that tries the route."""
        return self.request or Call(path=self.path)

    @property
    def told(self) -> str:
        """Say to a reader what is asked, and who answers: ``GET /v1/leads → leads``."""
        return f"{self.call.method} {self.call.path} → {self.service}"

    @property
    def policy(self) -> str:
        """Return by what a request finds its replica: ``affinity`` where that is declared, else the balancing."""
        return "affinity" if self.affinity else self.balancing


class Forwarded(Model):
    """How a service behind the gateway tells, on request, how a customer came in."""

    request: Call
    """A request that is answered with JSON of the fields below."""
    client: Text = "client"
    """Field with the address that the customer came from."""
    scheme: Text = "scheme"
    """Field with the scheme that the customer used: ``https``."""
    host: Text = "host"
    """Field with the host that the customer asked for."""


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
    nodes: Literal["all", "own"] = "all"
    """Nodes at which customers are let in: all, or those that hold a ready replica of it (``externalTrafficPolicy:
    Local``)."""
    timeout_seconds: Annotated[float, Field(gt=0, le=9, json_schema_extra=SECONDS)] = 5.0
    """How long it waits for a replica; what may not be asked twice ends then with HTTP 504."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes of one replica of the gateway that take turns each for itself."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 2
    """Replicas that it asks, at most, for a request that may be repeated (GET); for any other it asks one."""
    ejection: Ejection | None = None
    """Left out when it asks replicas that fail as often as others."""
    readmission_seconds: Seconds = 20.0
    """From the end of a replica's failures to its full share of the requests."""
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    """What goes where."""
    forwarded: Forwarded | None = None
    """How to find out what the services learn of a customer; left out when none of them tells."""

    @property
    def cookies(self) -> frozenset[str]:
        """Return the names of the cookies that the gateway itself gives to customers."""
        return frozenset(each.affinity.cookie for each in self.routes if each.affinity and each.affinity.cookie)

    def route(self, path: str) -> Route | None:
        """Return the route that a path lies below: the longest where there are several; None where no route leads."""
        below = [each for each in self.routes if is_below(path, each.path)]
        return max(below, key=lambda each: len(each.path), default=None)
