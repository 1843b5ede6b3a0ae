"""What a storm does, decided by its seed alone: which experiments, in which order, with which seeds; pure."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from seatrial.chaos.experiment import Experiment
from seatrial.chaos.extension import Need
from seatrial.chaos.runner import ROLLBACK_SECONDS
from seatrial.errors import UsageError
from seatrial.system import System

QUICKEST_SECONDS = 30.0
"""What an experiment takes at the least, heal and proof included; with it a dry run tells how many there may be."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One experiment of a storm."""

    number: int
    """From 1."""
    experiment: Experiment
    seed: int
    """Of who suffers."""


def allowed(
    experiments: Sequence[Experiment], only: Collection[str], present: Collection[Need]
) -> tuple[Experiment, ...]:
    """Return what a storm may choose from, by name: what says so in its file, and whose needs are ``present``.

    ``only`` narrows it. Raises UsageError for a name that is not allowed, and when nothing is left.
    """
    willing = {each.name: each for each in experiments if each.extension.storm}
    for name in only:
        if name not in willing:
            near = get_close_matches(name, willing, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(willing))}"
            raise UsageError(f"--only {name}: no experiment of that name says 'storm: true'", remedy=remedy)
        missing = [need for need in willing[name].extension.needs if need not in present]
        if missing:
            raise UsageError(f"--only {name}: needs {', '.join(missing)}, which is not here", remedy="leave it out")
    fit = [
        each
        for name, each in sorted(willing.items())
        if (not only or name in only) and set(each.extension.needs) <= set(present)
    ]
    if not fit:
        raise UsageError("no experiment is fit for a storm here", remedy="see 'seatrial chaos list'")
    return tuple(fit)


def draws(experiments: Sequence[Experiment], seed: int) -> Iterator[Draw]:
    """Yield the experiments of a storm without end: rounds, each of them all in an order by chance.

    The same seed yields the same of the same experiments. None follows itself, if there is another one.
    """
    dice, number, last = random.Random(seed), 0, ""
    while True:
        order = dice.sample(experiments, len(experiments))
        if order[0].name == last:
            order = [*order[1:], order[0]]
        for each in order:
            number, last = number + 1, each.name
            yield Draw(number, each, dice.randrange(2**32))


def longest_seconds(experiment: Experiment, system: System) -> float:
    """Return what a run may take at the most: its own time, its rollbacks, and the heal with its proof."""
    own = experiment.extension.blast_radius.minutes * 60
    return own + ROLLBACK_SECONDS + system.tolerances.rollout_seconds


def fits(experiment: Experiment, system: System, left_seconds: float) -> bool:
    """Tell whether an experiment is over in the time that is left, whatever happens."""
    return longest_seconds(experiment, system) <= left_seconds


def schedule(chosen: Iterator[Draw], system: System, seconds: float, pause_seconds: float) -> tuple[Draw, ...]:
    """Return what a storm may come to in its time, if each experiment is as quick as can be.

    Raises UsageError when not even the first one fits.
    """
    found: list[Draw] = []
    for draw in chosen:
        begun = pause_seconds + len(found) * (pause_seconds + QUICKEST_SECONDS)
        if not fits(draw.experiment, system, seconds - begun):
            break
        found.append(draw)
    if not found:
        least = (pause_seconds + longest_seconds(draw.experiment, system)) / 60
        what = f"--minutes {seconds / 60:g}: {draw.experiment.name}, the first of this seed, may take {least:.1f}"
        raise UsageError(what, remedy="give more minutes, or --only others")
    return tuple(found)
