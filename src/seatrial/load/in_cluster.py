"""Customers in the cluster: Locust's master and workers as Jobs, spread over the nodes, and never left there."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from seatrial.cluster import deploy
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.load import jobs
from seatrial.load.collector import Collector
from seatrial.load.demand import Demand, Journey, as_variable
from seatrial.load.jobs import KEPT_SECONDS, MASTER, WORKER, Plan
from seatrial.load.pod import IDLE_SECONDS, PATIENCE_VARIABLE
from seatrial.load.pods import await_pods, pod_agent
from seatrial.load.records import LoadRecord
from seatrial.observe.agent import Agent
from seatrial.observe.flow import at_once
from seatrial.observe.way_in import WayIn
from seatrial.system import System

END_SECONDS = 30.0
"""From the order to stop until all records are here: requests that are under way may take 5 s."""
POLL_SECONDS = 0.2


class ClusterLoad:
    """Customers at work in the cluster, from entering to :meth:`stop`; used as :class:`~seatrial.load.runner.Load`."""

    def __init__(
        self,
        cluster: Cluster,
        system: System,
        system_file: Path,
        way: WayIn,
        demand: Demand,
        *,
        image: str,
        folder: Path,
        journey: Journey | None = None,
    ) -> None:
        """Prepare; ``way`` holds addresses inside the cluster, ``folder`` takes the records of each worker."""
        self._cluster = cluster
        self._folder = folder
        self._within = system.tolerances.rollout_seconds
        run_seconds = demand.seconds + self._within
        self._plan = Plan(
            run=secrets.token_hex(3),
            system=system,
            demand=demand,
            image=image,
            environment={**_environment(way, journey), PATIENCE_VARIABLE: f"{self._within:.0f}"},
            files={"system.yaml": system_file.read_text(encoding="utf-8"), "authority.pem": way.authority},
            run_seconds=run_seconds,
            deadline_seconds=run_seconds + 2 * self._within + END_SECONDS,
        )
        self._agents: list[Agent] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start, and wait for the first request; raises EnvironmentFault, and leaves nothing, when there is none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.callback(self.remove)
            self._master, workers = self._start()
            self._agents = [self._master, *workers]
            # the master has no records, but is to know that somebody is there, and to be seen when it ends
            self._collector = stack.enter_context(Collector(self._agents, self._folder))
            self._await_first_request()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def wait(self, seconds: float) -> None:
        """Go on for a while; raises EnvironmentFault when the load ends by itself."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._collector.over.wait(min(left, POLL_SECONDS))
            self._require_alive()

    def so_far(self) -> LoadRecord:
        """Return the requests up to now, on the clock of this machine."""
        return self._collector.record()

    def stop(self) -> LoadRecord:
        """End the load and return all its requests; raises EnvironmentFault when it had ended before."""
        self._require_alive()
        with suppress(EnvironmentFault):  # a master that is lost, or ended just now, cannot be told: the workers notice
            self._master.post("stop", {})
        self._collector.over.wait(END_SECONDS)
        return self.so_far()

    def lost(self) -> tuple[str, ...]:
        """Return what is known of each worker whose records are not all here; call it after :meth:`stop`."""
        return self._collector.lost()

    def remove(self) -> None:
        """Remove everything of this load from the cluster and wait until it is gone; what is gone already is fine.

        Raises EnvironmentFault, which says when it ends by itself, when that fails.
        """
        at_once(_leave, self._agents)
        where = (f"--namespace={self._plan.system.namespace}", f"--selector={self._plan.selector}")
        command = ("delete", "jobs.batch,secrets", *where)
        options = ("--ignore-not-found", "--cascade=foreground", f"--timeout={self._within:.0f}s")
        try:
            self._cluster.kubectl(*command, *options, timeout_seconds=self._within + 30)
        except EnvironmentFault as error:
            seconds = self._within + IDLE_SECONDS + KEPT_SECONDS
            raise EnvironmentFault(
                f"the load could not be removed from the cluster: {' '.join(error.what.split())}",
                remedy=f"run kubectl {' '.join(command)}, or leave it: it goes by itself within {seconds:.0f} s",
            ) from error

    def _start(self) -> tuple[Agent, list[Agent]]:
        """Apply the Jobs, the workers' when the master has an address, and return the doors to their pods."""
        plan, cluster, files = self._plan, self._cluster, jobs.files_object(self._plan)
        deploy.apply(cluster, [files, jobs.master_job(plan)])
        (master,) = await_pods(cluster, plan, MASTER, 1, self._within)
        uid = self._uid_of_master()
        deploy.apply(cluster, [jobs.owned(files, plan, uid), jobs.worker_job(plan, master.ip, uid)])
        workers = await_pods(cluster, plan, WORKER, plan.demand.workers, self._within)
        return pod_agent(cluster, master), [pod_agent(cluster, pod) for pod in workers]

    def _uid_of_master(self) -> str:
        where = f"--namespace={self._plan.system.namespace}"
        job = f"{self._plan.name}-{MASTER}"
        return self._cluster.kubectl("get", "jobs.batch", job, where, "--output=jsonpath={.metadata.uid}").strip()

    def _await_first_request(self) -> None:
        deadline = time.monotonic() + self._within
        while not self.so_far().requests:
            if self._collector.over.wait(POLL_SECONDS) or time.monotonic() > deadline:
                raise EnvironmentFault(f"the load does not start: no request was made; {self._words()}")

    def _require_alive(self) -> None:
        if self._collector.has_ended(self._master):
            raise EnvironmentFault(f"the load ended by itself; {self._words()}")

    def _words(self) -> str:
        """Return the end of the master's log, or why it cannot be had."""
        try:
            return f"its master's log ends with:\n{self._master.get('log')['text']}"
        except EnvironmentFault as error:
            return f"its master does not tell why: {error.what}"


def _leave(agent: Agent) -> None:
    with suppress(EnvironmentFault):  # who does not hear it is removed all the same
        agent.post("leave", {})


def _environment(way: WayIn, journey: Journey | None) -> Mapping[str, str]:
    return {
        "SEATRIAL_SYSTEM": f"{jobs.DATA}/system.yaml",
        "SEATRIAL_URLS": json.dumps(dict(way.urls)),
        "SEATRIAL_HOST": way.host,
        "SEATRIAL_AUTHORITY": f"{jobs.DATA}/authority.pem" if way.authority else "",
        "SEATRIAL_LOAD_RECORDS": f"{jobs.FOLDER}/load.csv",
        "SEATRIAL_JOURNEY": as_variable(journey),
        "HOME": jobs.FOLDER,
        "TMPDIR": jobs.FOLDER,  # nothing else can be written there
    }
