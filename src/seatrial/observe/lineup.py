"""The replicas of a service as they stand at one moment, and whether a change of them has come to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.cluster.client import Cluster
from seatrial.observe.kube import UNREAD, observe_pods, unread
from seatrial.observe.records import PodView
from seatrial.system import System
from seatrial.waiting import look_until

POLL_SECONDS = 1.0
"""Seldom enough to leave the cores to what starts."""


@dataclass(frozen=True, slots=True)
class Lineup:
    """The pods of one Deployment, and how far its controller is."""

    wanted: int
    updated: int
    """Replicas of the present template."""
    available: int
    observed: bool
    """Whether the controller has seen the last change of the Deployment."""
    pods: tuple[PodView, ...]

    @property
    def uids(self) -> frozenset[str]:
        return frozenset(pod.uid for pod in self.pods)

    @property
    def templates(self) -> frozenset[str]:
        """Hashes of the templates that the pods were made from; one of them when nothing changes."""
        return frozenset(pod.template for pod in self.pods)

    @property
    def renewed(self) -> bool:
        """Tell whether all is as wanted, and the pods that have to go are gone or leaving."""
        pods = [pod for pod in self.pods if not pod.terminating]
        ready = [pod for pod in pods if pod.ready]
        return self.observed and {self.updated, self.available, len(pods), len(ready)} == {self.wanted}

    @property
    def settled(self) -> bool:
        """Tell whether all is as wanted, and the pods that had to go are gone."""
        return self.renewed and len(self.pods) == self.wanted

    def __str__(self) -> str:
        leaving = sum(pod.terminating for pod in self.pods)
        return (
            f"{self.updated} of {self.wanted} replicas are of the new version, {self.available} available"
            + (f", {leaving} still leaving" if leaving else "")
            + ("" if self.observed else ", the controller has not seen the change")
        )


Lineups = Mapping[str, Lineup]
"""Service to its lineup."""


def observe_lineups(cluster: Cluster, system: System) -> Lineups:
    """Return how the replicas of every service stand."""
    return {each.name: observe_lineup(cluster, system.namespace, each.workload) for each in system.services}


def observe_lineup(cluster: Cluster, namespace: str, workload: str) -> Lineup:
    """Return how the replicas of one Deployment stand."""
    try:
        found: Any = cluster.apps.read_namespaced_deployment(workload, namespace)
    except UNREAD as error:
        raise unread(f"Deployment {namespace}/{workload}", error) from error
    status, pods = found.status, observe_pods(cluster, namespace, workload)
    return Lineup(
        wanted=found.spec.replicas or 0,
        updated=status.updated_replicas or 0,
        available=status.available_replicas or 0,
        observed=(status.observed_generation or 0) >= found.metadata.generation,
        pods=tuple(pod for pod in pods if pod.phase not in ("Succeeded", "Failed")),
    )


def await_settled(cluster: Cluster, system: System, *, within_seconds: float) -> Lineups:
    """Return the lineups when all are settled, or as they are when the bound is over: whoever asks will judge them."""
    return look_until(
        lambda: observe_lineups(cluster, system),
        until=lambda lineups: all(each.settled for each in lineups.values()),
        within_seconds=within_seconds,
        every_seconds=POLL_SECONDS,
    )


def await_renewed(cluster: Cluster, namespace: str, workload: str, *, within_seconds: float) -> Lineup:
    """Return how the replicas of a Deployment stand when it is renewed, or when the bound is over."""
    return look_until(
        lambda: observe_lineup(cluster, namespace, workload),
        until=lambda lineup: lineup.renewed,
        within_seconds=within_seconds,
        every_seconds=POLL_SECONDS,
    )
