"""Customers in a cluster: real Locust masters and workers, as processes of this machine in the place of pods."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from local_cluster import Deaf, LocalCluster, running_here
from shop import SYSTEM, Shop, open_shop

from seatrial.errors import EnvironmentFault
from seatrial.load.demand import Demand
from seatrial.load.in_cluster import ClusterLoad
from seatrial.load.records import LoadRecord
from seatrial.observe.way_in import WayIn
from seatrial.system_file import load_system
from seatrial.waiting import eventually


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalCluster]:
    with running_here(tmp_path) as cluster:
        yield cluster


def load_on(cluster: Any, shop: Shop, folder: Path, bound_seconds: float = 60, **more: Any) -> ClusterLoad:
    file = folder / "system.yaml"
    file.write_text(f"{SYSTEM}tolerances: {{rollout_seconds: {bound_seconds}}}\n")
    way = WayIn({"auth": shop.url, "items": shop.url})
    demand = Demand(users=4, seconds=30, workers=2)
    return ClusterLoad(cluster, load_system(file), file, way, demand, image="load:1", folder=folder / "raw", **more)


def run_of(load: ClusterLoad) -> str:
    return load._plan.run


@dataclass(frozen=True)
class Worked:
    """A load that came to its end, and what is left of it."""

    cluster: LocalCluster
    load: ClusterLoad
    record: LoadRecord
    files: tuple[Path, ...]
    answered: int
    began: float


@pytest.fixture(scope="module")
def worked(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worked]:
    folder = tmp_path_factory.mktemp("load")
    with running_here(folder) as cluster:
        before, began = sum(shop.answered.values()), time.time()
        with load_on(cluster, shop, folder, journey={"look": 1}) as load:
            enough(load, 30)
            record = load.stop()
            assert load.lost() == ()
        files = tuple(sorted((folder / "raw").glob("*-worker-*.csv")))
        yield Worked(cluster, load, record, files, sum(shop.answered.values()) - before, began)


def enough(load: ClusterLoad, count: int) -> None:
    seen = lambda: len(load.so_far().requests)  # noqa: E731
    eventually(seen, until=lambda seen: seen >= count, within_seconds=60, what="requests")


def test_the_records_of_all_workers_are_here_when_the_load_is_over(worked: Worked) -> None:
    rows = [len(file.read_text().splitlines()) - 1 for file in worked.files]
    assert [count > 5 for count in rows] == [True, True], "both workers worked"
    assert len(worked.record.requests) == sum(rows)
    # a request that was under way when the load ended was answered, but is no row
    assert 0 <= worked.answered - sum(rows) <= 4


def test_they_tell_what_was_asked_and_when_in_order(worked: Worked) -> None:
    requests = worked.record.requests
    assert {request.step for request in requests} == {"log in", "look"}
    assert all(worked.began < request.start < time.time() and not request.error for request in requests)
    assert [request.start for request in requests] == sorted(request.start for request in requests)


def test_the_end_removes_all_of_it_and_the_pods_end_by_themselves(worked: Worked) -> None:
    where = ("--namespace=shop", f"--selector=seatrial.dev/load={run_of(worked.load)}")
    options = ("--ignore-not-found", "--cascade=foreground", "--timeout=60s")
    assert worked.cluster.commands[-1] == ("delete", "jobs.batch,secrets", *where, *options)
    assert Counter(process.wait(timeout=25) for process in worked.cluster.processes.values()) == {0: 3}


def test_the_masters_job_owns_all_the_rest_before_the_workers_begin(worked: Worked) -> None:
    secret, master, again, workers = worked.cluster.applied
    name = f"load-{run_of(worked.load)}-master"
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": "uid-of-master"}
    assert (secret["kind"], master["kind"]) == ("Secret", "Job")
    assert [each["metadata"].get("ownerReferences") for each in (master, again, workers)] == [None, [owner], [owner]]


@pytest.fixture(scope="module")
def suffered(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Suffered:
    folder = tmp_path_factory.mktemp("load")
    with running_here(folder) as cluster, load_on(cluster, shop, folder) as load:
        victim = f"load-{run_of(load)}-worker-1"
        records = folder / "raw" / f"{victim}.csv"
        eventually(records.exists, until=bool, within_seconds=60, what="the victim's records")
        cluster.kill(victim)
        seen = len(load.so_far().requests)
        enough(load, seen + 10)
        load._master.post("stop", {})
        with pytest.raises(EnvironmentFault) as waited:
            load.wait(60)
        with pytest.raises(EnvironmentFault) as stopped:
            load.stop()
        return Suffered(victim, load.lost(), str(waited.value), str(stopped.value), len(load.so_far().requests) - seen)


@dataclass(frozen=True)
class Suffered:
    """A load that lost a worker, and then ended by itself."""

    victim: str
    lost: tuple[str, ...]
    waited: str
    """What was said when it was waited for."""
    stopped: str
    """What was said when it was stopped."""
    more: int
    """Requests after the loss."""


def test_a_worker_that_is_lost_is_told_and_the_others_go_on(suffered: Suffered) -> None:
    told = [each for each in suffered.lost if suffered.victim in each]
    assert told[0].startswith(f"load on node worker (pod shop/{suffered.victim}): GET /rows: no answer: ")
    assert suffered.more >= 10


def test_a_load_that_ended_by_itself_is_told_with_the_end_of_its_log(suffered: Suffered) -> None:
    told = suffered.waited.splitlines()
    assert told[0] == "the load ended by itself; its master's log ends with:"
    assert any("Shutting down" in line for line in told[1:])
    assert suffered.stopped == suffered.waited


def test_pods_that_do_not_come_are_told_with_their_own_words_and_nothing_is_left(
    local: LocalCluster, shop: Shop, tmp_path: Path
) -> None:
    local.broken = True
    with pytest.raises(EnvironmentFault) as caught, load_on(local, shop, tmp_path, bound_seconds=1) as load:
        load.stop()
    assert str(caught.value).partition("(shop/load-")[0] == "the load does not start: 0 of 1 pods of its master "
    assert str(caught.value).endswith("-master) are ready within 1 s: load-master: ErrImagePull: no such image")
    assert local.commands[-1][0] == "delete"


def test_a_cluster_that_does_not_answer_at_the_end_is_told_with_what_becomes_of_the_load(
    tmp_path: Path, shop: Shop
) -> None:
    cluster = Deaf(tmp_path)
    load = load_on(cluster, shop, tmp_path)
    with pytest.raises(EnvironmentFault) as caught:
        load.remove()
    assert str(caught.value) == (
        "the load could not be removed from the cluster: kubectl delete: Unable to connect to the server; "
        f"run kubectl delete jobs.batch,secrets --namespace=shop --selector=seatrial.dev/load={run_of(load)}, "
        "or leave it: it goes by itself within 240 s"
    )
