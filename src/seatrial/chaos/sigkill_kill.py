"""Killing one runner, waiting for whoever heals, and looking independently whether anything is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seatrial.chaos.deadman_objects import NAMESPACE, OUTCOME
from seatrial.chaos.heal import heal
from seatrial.chaos.lease import annotations_of
from seatrial.chaos.marks import ACCOUNT, DEAD_MAN
from seatrial.chaos.processes import naming, with_variable
from seatrial.chaos.remains import items_of, namespaces_named
from seatrial.chaos.sigkill_table import Kill, healers, shortcomings
from seatrial.chaos.steady import prove_steady
from seatrial.chaos.surroundings import UNDO
from seatrial.chaos.undo_records import Reverted
from seatrial.chaos.watch import ORDER
from seatrial.chaos.watch_order import ENDED, RESULT, Order, Watch, read_watch
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, Failed
from seatrial.observe.kube import observe_workload
from seatrial.system import System
from seatrial.waiting import eventually

LOOK_SECONDS = 60.0
"""How long the cluster may take to be rid of what was deleted; nothing is healed meanwhile."""
SPARE_SECONDS = 60.0
Command = Callable[[str, Path], Sequence[str]]


@dataclass(frozen=True)
class Field:
    """Where runners are killed."""

    cluster: Cluster
    system: System
    command: Command
    """What runs an experiment by name, with its records in a folder."""
    dead_man_alone: bool = False
    """Kill the watchdog and the experiment, too, at the same moment: as if the machine had vanished."""


@dataclass(frozen=True, slots=True)
class Fallen:
    """A runner that was killed, and what it left in its folder."""

    died_at: float
    """Unix seconds."""
    lived_seconds: float
    order: Order | None
    """What its watchdog was told; None when it did not come to that."""
    folder: Path


def kill_after(field: Field, experiment: str, seconds: float, folder: Path) -> Fallen | float:
    """Start a runner and kill it after so many seconds; when it ends by itself before, return how long it took."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with (folder / "runner.log").open("wb") as log:
        runner = subprocess.Popen(
            field.command(experiment, folder), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        runner.wait(seconds)
    except subprocess.TimeoutExpired:
        runner.kill()
        died, lived = time.time(), time.monotonic() - began
        runner.wait()
        fallen = Fallen(died, lived, _order(folder), folder)
        if field.dead_man_alone:
            _kill_the_others(fallen)
        return fallen
    except BaseException:
        runner.send_signal(signal.SIGINT)
        runner.wait()
        raise
    return time.monotonic() - began


def _order(folder: Path) -> Order | None:
    found = next(folder.rglob(ORDER), None)
    return Order.read(found) if found else None


def _kill_the_others(fallen: Fallen) -> None:
    for pid in (*_watchdogs(fallen), *_experiment(fallen)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _watchdogs(fallen: Fallen) -> list[int]:
    return naming(str(Path(fallen.order.undo).with_name(ORDER))) if fallen.order else []


def _experiment(fallen: Fallen) -> list[int]:
    return with_variable(UNDO, fallen.order.undo) if fallen.order else []


def await_healers(field: Field, fallen: Fallen) -> tuple[Watch | None, str]:
    """Wait until whoever heals has ended, and return what watchdog and dead man told.

    Raises Failed when they do not end within their bound.
    """
    if fallen.order is None:
        return None, ""
    if field.dead_man_alone:
        return None, _await_dead_man(field, fallen.order)
    file = Path(fallen.order.undo).with_name(RESULT)
    watch, _ = eventually(
        lambda: (read_watch(file), _watchdogs(fallen)),
        until=lambda seen: (seen[0] is not None and seen[0].state in ENDED) or not seen[1],
        within_seconds=fallen.order.within_seconds + SPARE_SECONDS,
        what=f"the watchdog's word in {file}",
        expected="its end",
        every_seconds=0.5,
    )
    return watch, watch.dead_man if watch else ""


def _await_dead_man(field: Field, order: Order) -> str:
    """Wait for the word of the dead man; without a lease there is none: the runner died before it made one."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases?fieldSelector=metadata.name={order.dead_man}"
    if not items_of(field.cluster, path):
        return ""
    return eventually(
        lambda: annotations_of(field.cluster, order.dead_man).get(OUTCOME, ""),
        until=bool,
        within_seconds=field.system.tolerances.lease_seconds + SPARE_SECONDS,
        what=f"the dead man's word on Lease {NAMESPACE}/{order.dead_man}",
        expected="what it did",
    )


def examine(field: Field, number: int, experiment: str, fallen: Fallen, before: Mapping[str, int]) -> Kill:
    """Wait for the healers, look for what is left, and return the row of the table."""
    left: list[str] = []
    watch, told = None, ""
    try:
        watch, told = await_healers(field, fallen)
    except (Failed, EnvironmentFault) as error:
        left.append(str(error))
    ended = watch.ended_at if watch and watch.ended_at else time.time()
    if field.dead_man_alone:
        left += beside_dead_men(heal(field.cluster, field.system).done)
    elif fallen.order:
        left += shortcomings(watch)
    left += left_behind(field, fallen, before)
    who = healers(watch, told)
    healed = max(0.0, ended - fallen.died_at)  # a watchdog that was dismissed ended before its runner was killed
    return Kill(number, experiment, fallen.lived_seconds, who, healed, tuple(left))


def beside_dead_men(done: Sequence[Reverted]) -> list[str]:
    """Return what a heal had to do that a dead man should have done: all but removing him and the account."""
    return [f"not put back by the dead man: {each}" for each in done if not each.what.startswith("delete ")]


def left_behind(field: Field, fallen: Fallen, before: Mapping[str, int]) -> Iterator[str]:
    """Yield whatever is not as it was before, without healing anything."""
    try:
        prove_steady(field.cluster, field.system, LOOK_SECONDS)
        eventually(
            lambda: made_for_runs(field.cluster),
            until=lambda found: not found,
            within_seconds=LOOK_SECONDS,
            what="objects of dead men and accounts",
            expected="none",
        )
        for name, replicas in replicas_of(field).items():
            if replicas != before[name]:
                yield f"{name} asks for {replicas} replicas, before for {before[name]}"
    except (Failed, EnvironmentFault) as error:
        yield str(error)
    for pid in (*_experiment(fallen), *_watchdogs(fallen)):
        yield f"process {pid} of the experiment or its watchdog still runs"


def made_for_runs(cluster: Cluster) -> list[str]:
    """Return the objects that are made for a run, and the namespace of dead men while it is there."""
    found = [f"namespace {NAMESPACE}"] if namespaces_named(cluster, NAMESPACE) else []
    collections = ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
    paths = [(f"/apis/rbac.authorization.k8s.io/v1/{each}", each) for each in collections]
    for path, kind in [*paths, ("/api/v1/serviceaccounts", "serviceaccounts")]:
        for label in (DEAD_MAN, ACCOUNT):
            found += [
                f"{kind} {each['metadata']['name']}"
                for each in items_of(cluster, f"{path}?labelSelector={label}") or ()
            ]
    return found


def replicas_of(field: Field) -> dict[str, int]:
    """Return how many replicas each service asks for."""
    cluster, system = field.cluster, field.system
    return {each.name: observe_workload(cluster, system.namespace, each.workload).replicas for each in system.services}
