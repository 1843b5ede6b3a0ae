"""What the system must carry, in ``system.yaml``: versions that boot slowly, large requests, services that scale."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seatrial.system_values import Call, DnsLabel, Model

Replicas = Annotated[int, Field(ge=1, le=100)]


class Largest(Model):
    """The largest request that a service takes, and how many of them at the same time."""

    service: DnsLabel
    """Service that takes it."""
    request: Call
    """What is sent; its JSON body gets one more field, which makes it as large as it is to be."""
    kilobytes: Annotated[int, Field(ge=1, le=1000)] = 900
    """Size of that field, in thousands of bytes (an agent takes orders of a mebibyte)."""
    at_once: Annotated[int, Field(ge=1, le=512)] = 48
    """How many are under way at the same time, over all replicas together."""


class Autoscaling(Model):
    """The autoscalers of the services: each has one, whatever the trial holds or releases."""

    min_replicas: Replicas = 2
    """Replicas that each keeps at least."""
    max_replicas: Replicas = 10
    """Replicas that each has at most."""
    service: DnsLabel
    """Service that is loaded until it scales; one whose identity path calls nobody else."""

    @property
    def half_way(self) -> int:
        """Replicas half-way between the least and the most: a load for so many is stopped by neither."""
        return (self.min_replicas + self.max_replicas) // 2
