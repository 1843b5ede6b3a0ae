"""What was seen while something in the surroundings of the services was disturbed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.observe.records import Moment, Request, Timeline, Traffic


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One experiment that was done to no single replica, and the requests to every service from before until after."""

    experiment: str
    subject: str
    """To what it was done, for a reader: ``leads``, ``buyers → leads``, ``worker2``; empty where nothing was chosen."""
    began: float
    """When its first destructive action began, in Unix seconds."""
    ended: float
    """When all was undone."""
    effects: Mapping[str, bool]
    """Each probe of its effect, and whether it saw one."""
    traffic: Mapping[str, Traffic]
    """By service."""
    replicas: Mapping[str, frozenset[str]]
    """The replicas of each service before."""

    @property
    def told(self) -> str:
        """Say what was done: ``bad-rollout (leads)``."""
        return f"{self.experiment} ({self.subject})" if self.subject else self.experiment

    def since(self, service: str) -> list[Request]:
        """Return the requests to a service from the fault on, and those that were under way when it began."""
        return [request for request in self.traffic[service].requests if request.end >= self.began]

    def meanwhile(self, service: str) -> list[Request]:
        """Return those of them that were sent before all was undone."""
        return [request for request in self.since(service) if request.start <= self.ended]

    def before(self, service: str) -> list[Request]:
        """Return the requests that had ended before."""
        return [request for request in self.traffic[service].requests if request.end < self.began]

    def timeline(self, service: str) -> Timeline:
        """Return the moments that matter to one service."""
        failed = [request for request in self.since(service) if not request.ok]
        moments = [Moment(self.began, "fault", self.told), Moment(self.ended, "undone")]
        if failed:
            moments += [Moment(failed[0].start, "first_error"), Moment(failed[-1].start, "last_error")]
        return Timeline(service, self.began, tuple(sorted(moments, key=lambda moment: moment.at)))
