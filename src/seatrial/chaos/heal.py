"""Bringing the system back after faults, whatever they were."""

from __future__ import annotations

from contextlib import suppress

from seatrial.chaos.switches import set_fault
from seatrial.cluster.client import Cluster
from seatrial.cluster.nodes import process_states, signal_container
from seatrial.errors import EnvironmentFault, GuardRefusal
from seatrial.observe.flow import at_once
from seatrial.observe.kube import observe_pods
from seatrial.observe.records import PodView
from seatrial.system import System


def heal(cluster: Cluster, system: System) -> None:
    """Continue what was stopped and switch off what was switched on, in every replica; may be repeated at will.

    A replica that does not answer is left to its liveness probe.
    """
    pods = [pod for each in system.services for pod in observe_pods(cluster, system.namespace, each.workload)]
    at_once(lambda pod: _heal(cluster.another(), system, pod), pods)


def _heal(cluster: Cluster, system: System, pod: PodView) -> None:
    if pod.container_id:
        with suppress(EnvironmentFault, GuardRefusal):  # a node that is no kind node of ours cannot have been touched
            if "T" in process_states(pod.node, pod.container_id):
                signal_container(pod.node, pod.container_id, "SIGCONT")
    if system.faults and pod.ip:
        with suppress(EnvironmentFault):
            set_fault(cluster, system.namespace, pod.name, system.faults, system.faults.ready)
