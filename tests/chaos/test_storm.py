"""What a storm does is decided by its seed: order, seeds, and what fits into its time."""

from __future__ import annotations

from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from seatrial.chaos.experiment import Experiment
from seatrial.chaos.experiment_file import experiments, read_experiment
from seatrial.chaos.storm import allowed, draws, fits, longest_seconds, schedule
from seatrial.errors import UsageError
from seatrial.paths import ROOT
from seatrial.system_file import parse_system

SYSTEM = parse_system("{name: shop, namespace: shop, services: [{name: auth}]}", "system.yaml")
KILL = read_experiment(ROOT / "experiments" / "pod-kill.yaml")


def named(name: str, **changes: Any) -> Experiment:
    return Experiment(Path(f"{name}.yaml"), KILL.document, KILL.extension.model_copy(update={"storm": True} | changes))


SHOP = [named("crash", needs=("engine",)), named("kill"), named("slow", needs=("faults",)), named("total", storm=False)]


def names(seed: int, number: int = 12, of: Any = SHOP) -> list[tuple[str, int]]:
    return [(each.experiment.name, each.seed) for each in islice(draws(of, seed), number)]


def test_a_seed_repeats_order_and_seeds() -> None:
    assert names(7) == names(7)
    assert len({tuple(names(seed)) for seed in range(20)}) == 20


@pytest.mark.parametrize("seed", range(20))
def test_each_round_has_every_experiment_and_none_follows_itself(seed: int) -> None:
    order = [name for name, _ in names(seed)]
    assert all(sorted(order[at : at + 4]) == sorted(each.name for each in SHOP) for at in (0, 4, 8))
    assert all(one != other for one, other in pairwise(order))
    assert [name for name, _ in names(seed, 3, [named("kill")])] == ["kill"] * 3


def test_only_what_says_so_and_finds_what_it_needs_is_chosen() -> None:
    assert [each.name for each in allowed(SHOP[::-1], (), {"engine", "faults"})] == ["crash", "kill", "slow"]
    assert [each.name for each in allowed(SHOP, (), {"faults"})] == ["kill", "slow"]
    assert [each.name for each in allowed(SHOP, ("slow",), {"faults"})] == ["slow"]


@pytest.mark.parametrize(
    ("only", "told"),
    [
        (["kil"], "--only kil: no experiment of that name says 'storm: true'; did you mean kill?"),
        (["total"], "--only total: no experiment of that name says 'storm: true'; there are crash, kill, slow"),
        (["crash"], "--only crash: needs engine, which is not here; leave it out"),
    ],
)
def test_what_is_not_allowed_is_one_line(only: list[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        allowed(SHOP, only, {"faults"})
    assert str(caught.value) == told


def test_where_nothing_is_fit_there_is_no_storm() -> None:
    with pytest.raises(UsageError) as caught:
        allowed([named("crash", needs=("engine",))], (), ())
    assert str(caught.value) == "no experiment is fit for a storm here; see 'seatrial chaos list'"


def test_an_experiment_fits_when_its_worst_case_does() -> None:
    assert longest_seconds(KILL, SYSTEM) == 5 * 60 + 60 + 180
    assert fits(KILL, SYSTEM, 540)
    assert not fits(KILL, SYSTEM, 539)


def test_a_schedule_is_what_there_may_be_at_the_most() -> None:
    planned = schedule(draws(SHOP, 7), SYSTEM, seconds=700, pause_seconds=10)
    assert [(each.experiment.name, each.seed) for each in planned] == names(7, 4)
    assert [each.number for each in planned] == [1, 2, 3, 4]


def test_a_storm_without_time_for_its_first_experiment_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        schedule(draws([named("kill")], 7), SYSTEM, seconds=300, pause_seconds=10)
    told = "--minutes 5: kill, the first of this seed, may take 9.2; give more minutes, or --only others"
    assert str(caught.value) == told


def test_experiments_of_this_project_that_a_storm_may_choose_are_bounded() -> None:
    willing = [each.extension for each in experiments() if each.extension.storm]
    assert len(willing) > 10
    assert not any(each.total_loss for each in willing)
    assert all(each.blast_radius.minutes <= 6 for each in willing)
