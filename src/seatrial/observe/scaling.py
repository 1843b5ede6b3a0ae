"""What was seen of a service that scaled by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.observe.autoscalers import ABLE, ACTIVE, RESCALED, Autoscaler
from seatrial.observe.records import Traffic
from seatrial.observe.scale_watch import Scale


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the number of replicas that a Deployment is to have."""

    at: float
    before: int
    after: int
    why: str
    """By what the autoscaler computed the number, in its own words; empty when it did not say that it took the step."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """One service under load, from its least replicas on."""

    service: str
    autoscaler: Autoscaler
    """As it was released."""
    scale: Scale
    loaded_at: float
    """When the load began."""
    eased_at: float
    """When it ended; the end of the observation when it lasted until then."""
    ended_at: float
    loads: Mapping[str, float]
    """Rate (requests a second) of each load that was sent, by its name; none without a load."""
    traffic: Mapping[str, Traffic]
    """What was sent, by what for: the loads, and requests over fresh and over kept connections all the time."""
    worth: float = 0.0
    """For how many replicas the load was at the end, by what they really used; 0 when that was not measured."""

    @property
    def rate_per_second(self) -> float:
        """Return the rate of all loads together; 0 for none."""
        return sum(self.loads.values())

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the changes of the number of replicas since the load began, each as it was watched."""
        found, before = [], None
        for count in self.scale.counts:
            if before is not None and count.wanted != before and count.at >= self.loaded_at:
                found.append(Step(count.at, before, count.wanted, self._why(count.wanted, count.at)))
            before = count.wanted
        return tuple(found)

    @property
    def most(self) -> int:
        """Return the highest number of replicas that the Deployment was to have since the load began."""
        return max((step.after for step in self.steps), default=self.scale.wanted)

    def ready_at(self, replicas: int) -> float | None:
        """Return when so many replicas were ready for the first time since the load began."""
        counts = (each for each in self.scale.counts if each.at >= self.loaded_at)
        return next((each.at for each in counts if each.ready >= replicas), None)

    def _why(self, size: int, at: float) -> str:
        said = [each for each in self.scale.said if _took(each.autoscaler, size)]
        nearest = min(said, key=lambda each: abs(each.at - at), default=None)
        active = nearest.autoscaler.condition(ACTIVE) if nearest else None
        return active.message.partition("a replica count from ")[2] if active else ""


def _took(autoscaler: Autoscaler, size: int) -> bool:
    """Tell whether it says that its last step led to this number of replicas."""
    able = autoscaler.condition(ABLE)
    return able is not None and able.reason == RESCALED and able.message.endswith(f" {size}")
