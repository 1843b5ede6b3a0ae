"""Steps about the system as a whole."""

from __future__ import annotations

from pytest_bdd import given

from fixtures.trial import Deployment
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import observe_workload
from seatrial.system import System


@given("the system is deployed and healthy")
def system_is_healthy(deployment: Deployment, cluster: Cluster, system: System) -> None:
    found = [observe_workload(cluster, system.namespace, service.workload) for service in system.services]
    short = [f"{each.name} {each.available} of {each.replicas}" for each in found if each.available != each.replicas]
    if short:
        raise EnvironmentFault(f"the system is not whole before the scenario: {', '.join(short)} replicas available")
