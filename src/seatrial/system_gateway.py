"""The gateway in ``system.yaml``: what it promises, route by route."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from seatrial.system_values import SECONDS, Call, DnsDomain, DnsLabel, HttpPath, Model, Text


def is_below(path: str, route: str) -> bool:
    """Tell whether a path, with or without a query, is that of a route or lies below it."""
    return f"{path.partition('?')[0]}/".startswith(f"{route.rstrip('/')}/")


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
    timeout_seconds: Annotated[float, Field(gt=0, le=9, json_schema_extra=SECONDS)] = 5.0
    """How long it waits for a replica; what may not be asked twice ends then with HTTP 504."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes of one replica of the gateway that take turns each for itself."""
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    """What goes where."""
    forwarded: Forwarded | None = None
    """How to find out what the services learn of a customer; left out when none of them tells."""

    def route(self, path: str) -> Route | None:
        """Return the route that a path lies below: the longest where there are several; None where no route leads."""
        below = [each for each in self.routes if is_below(path, each.path)]
        return max(below, key=lambda each: len(each.path), default=None)
