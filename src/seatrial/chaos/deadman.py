"""The guard around an experiment: whatever becomes of its runner, what was done is put back.

While it stands there are an undo log, a dead man in the cluster that watches a lease which this process renews, and a
watchdog on this machine that watches this process.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seatrial.chaos.deadman_objects import NAMESPACE, OUTCOME, WATCHING, DeadMan, objects
from seatrial.chaos.lease import Renewal, annotations_of, release
from seatrial.chaos.processes import this_process
from seatrial.chaos.remains import left_by_dead_men, namespaces_named
from seatrial.chaos.surroundings import UNDO, undo_log
from seatrial.chaos.undo import CONFIG_MAP, carry_out_all, revert
from seatrial.chaos.undo_records import Outcome, Reverted
from seatrial.chaos.watch import Watchdog
from seatrial.chaos.watch_order import Order
from seatrial.cluster import deploy
from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned
from seatrial.errors import EnvironmentFault, Failed
from seatrial.system import System
from seatrial.waiting import eventually

STAND_SECONDS = 60.0
"""How long the dead man may take to stand, its image being in the node already, and an older namespace to be gone."""
REMOVE_SECONDS = 30.0
SPARE_SECONDS = 300
"""What the Job may live longer than the experiment: to put things back, and to be told that it need not."""


@contextmanager
def guarded(
    cluster: Cluster,
    system: System,
    folder: Path,
    *,
    lasting_seconds: float,
    permissions: Iterable[Mapping[str, Any]] = (),
) -> Iterator[Mapping[str, str]]:
    """Keep the guard standing, and yield the variables that the experiment's process needs beside its others.

    ``folder`` is the run's own: undo log and the watchdog's files go there. ``lasting_seconds`` is the longest that the
    experiment may take. ``permissions`` are the experiment's rules of RBAC; whoever it runs under must also be allowed
    to patch the ConfigMap that the second variable names. At the end everything in the log is put back, and the guard
    itself is taken away. Raises GuardRefusal on a cluster that is not ours, EnvironmentFault when the guard does
    not stand (then nothing was done), when something could not be put back by this process, or when the dead man acted
    though this process was alive.
    """
    require_owned(cluster)
    given, undo = system.tolerances, _new_log(folder)
    life = int(lasting_seconds) + SPARE_SECONDS
    name = f"run-{secrets.token_hex(4)}"
    man = DeadMan(name, system.namespace, given.lease_seconds, life, tuple(permissions))
    watchdog = Watchdog.start(_order(cluster, system, undo, man), undo.parent)
    clean = True
    try:
        renewal = stand(cluster, man)
        clean = False
        try:
            watchdog.await_watching()
            yield {UNDO: str(undo), CONFIG_MAP: man.config_map}
        finally:
            acted = leave(cluster, man, renewal, undo)
            clean = True
    finally:
        if clean:
            watchdog.dismiss()
        else:
            watchdog.take_over()
    if acted:
        gap = f"the longest time between two renewals was {renewal.longest_gap_seconds:.1f} s of {man.lease_seconds} s"
        raise EnvironmentFault(f"the dead man put back what the experiment did while it ran: {gap}; it told: {acted}")


def _new_log(folder: Path) -> Path:
    """Make an empty log; raises EnvironmentFault when the folder cannot be written."""
    file = undo_log(folder)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
        descriptor = os.open(file.parent, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    except OSError as error:
        raise EnvironmentFault(f"the undo log {file} cannot be written: {error.strerror}; nothing was done") from error
    return file


def _order(cluster: Cluster, system: System, undo: Path, man: DeadMan) -> Order:
    return Order(
        runner=this_process(),
        kubeconfig=str(cluster.kubeconfig),
        kubectl=str(cluster.kubectl_path),
        context=cluster.context,
        system=system.model_dump_json(by_alias=True),
        undo=str(undo),
        dead_man=man.name,
        within_seconds=system.tolerances.healed_seconds,
        typed=cluster.opt_in.typed if cluster.opt_in else "",
    )


def stand(cluster: Cluster, man: DeadMan) -> Renewal:
    """Make the dead man and return the renewal of its lease, when it has said that it watches; else nothing is left."""
    _await_room(cluster)
    renewal = Renewal(cluster, man)
    try:
        deploy.apply(cluster, objects(man, datetime.now(UTC)))
        renewal.start()
        eventually(
            lambda: annotations_of(cluster, man.name).get(WATCHING, ""),
            until=bool,
            within_seconds=STAND_SECONDS,
            what=f"Job {NAMESPACE}/{man.name}: the dead man watches",
            expected="its word on the lease",
        )
    except BaseException as error:
        renewal.stop()
        remove(cluster, man.name)
        if isinstance(error, Failed):
            raise EnvironmentFault(f"no dead man stands in the cluster, nothing was done: {error}") from error
        raise
    return renewal


def _await_room(cluster: Cluster) -> None:
    """Wait until a namespace that is on its way out is gone: nothing can be made in it."""
    eventually(
        lambda: [
            item for item in namespaces_named(cluster, NAMESPACE) or [] if "deletionTimestamp" in item["metadata"]
        ],
        until=lambda leaving: not leaving,
        within_seconds=STAND_SECONDS,
        what=f"namespace {NAMESPACE}, which an earlier run removed",
        expected="gone",
    )


def leave(cluster: Cluster, man: DeadMan, renewal: Renewal, undo: Path) -> str:
    """Put back all that the log names, and take the dead man away; return what it told if it acted meanwhile.

    Raises EnvironmentFault when something could not be put back; then the dead man stays, and its lease runs out.
    """
    try:
        fail_on_reverts(revert(cluster, undo))
        acted = told_by(cluster, man.name)
        release(cluster, man.name)
    finally:
        renewal.stop()
    remove(cluster, man.name)
    return acted


def failures(reverted: Iterable[Reverted]) -> tuple[str, ...]:
    """Return each undo that failed, and why."""
    return tuple(str(each) for each in reverted if each.outcome is Outcome.FAILED)


def fail_on_reverts(reverted: Iterable[Reverted]) -> None:
    """Raise EnvironmentFault that names each undo that failed."""
    failed = failures(reverted)
    if failed:
        raise EnvironmentFault(f"not everything could be put back: {'; '.join(failed)}")


def told_by(cluster: Cluster, name: str) -> str:
    """Return what a dead man told about what it did, as JSON; empty when it has not acted."""
    return annotations_of(cluster, name).get(OUTCOME, "")


def remove(cluster: Cluster, name: str) -> None:
    """Take a dead man away with all its objects, and what other dead men left; raises EnvironmentFault if some stay.

    It is released first: a dead man who finds no lease must not take that for his runner's end.
    """
    with suppress(EnvironmentFault):
        release(cluster, name)
    found = left_by_dead_men(cluster, also=name)
    fail_on_reverts(carry_out_all(cluster, found, within_seconds=REMOVE_SECONDS))
