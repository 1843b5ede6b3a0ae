"""What an experiment of this project must have beyond what Chaos Toolkit asks; pure.

A run that is guarded, bounded, provable and reversible shows in the file itself: the guard comes first, a probe looks
for the effect, healing comes last, and the control stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.chaos.experiment import EFFECT, Document, references
from seatrial.chaos.extension import ONE_SERVICE, PODS, Extension
from seatrial.located_yaml import Loc

GUARD = "seatrial.chaos.actions.guard_cluster"
HEAL = "seatrial.chaos.actions.heal_system"
CONTROL = "seatrial.chaos.control"
GIVEN = ("SEATRIAL_NAMESPACE", "SEATRIAL_TARGETS", "SEATRIAL_NODE", "SEATRIAL_SERVICE")
"""Variables that every run has; any other needs a default."""
TOLD = ("Why: ", "Expected: ", "Blast radius: ", "To stop: ")
"""What a description tells the reader of a game day."""
Flaw = tuple[Loc, str]


def flaws(name: str, document: Document, extension: Extension) -> Iterator[Flaw]:
    """Yield where the file lacks something, and what would be right; ``name`` is that of the file."""
    if document.tags[-1] != name:
        yield ("tags", len(document.tags) - 1), f"{document.tags[-1]!r} is not its name; let {name!r} be the last tag"
    for each in TOLD:
        if each not in document.description:
            yield ("description",), f"a reader of a game day misses {each!r}; write a sentence that begins so"
    yield from _in_method(document)
    yield from _in_configuration(document)
    if document.rollbacks[-1].call != HEAL:
        yield ("rollbacks",), f"nothing heals the system at the end; let the last rollback call {HEAL}"
    if CONTROL not in [each.provider.module for each in document.controls]:
        yield ("controls",), f"nobody watches the run; add one control of the module {CONTROL}"
    yield from _in_reach(document, extension)


def _in_method(document: Document) -> Iterator[Flaw]:
    first, *_ = document.method
    if first.call != GUARD:
        yield ("method", 0), f"{first.name!r} comes before the guard; let the first action call {GUARD}"
    if not any(each.type == "action" for each in document.method[1:]):
        yield ("method",), "no action follows the guard; an experiment needs a fault"
    effects = [each for each in document.method if each.type == "probe" and each.name.startswith(EFFECT)]
    if not effects:
        yield ("method",), f"no probe tells whether the fault happened; add one whose name begins with {EFFECT!r}"
    for each in effects:
        if each.tolerance is None:
            yield ("method", document.method.index(each)), f"{each.name!r} proves nothing; give it a tolerance"


def _in_configuration(document: Document) -> Iterator[Flaw]:
    for name, value in document.configuration.items():
        is_variable = isinstance(value, dict) and value.get("type") == "env"
        if is_variable and "default" not in value and value.get("key") not in GIVEN:
            known = ", ".join(GIVEN)
            yield ("configuration", name), f"{value.get('key')} is set by nobody; give a default, or one of {known}"
    for part in ("method", "rollbacks"):
        for index, deed in enumerate(getattr(document, part)):
            for name in sorted(references(deed.provider.arguments) - set(document.configuration)):
                yield (part, index), f"${{{name}}} is not known; declare {name} in the configuration"


def _in_reach(document: Document, extension: Extension) -> Iterator[Flaw]:
    """Yield when who suffers is chosen, but the method does not ask who, or may not harm them."""
    select, radius = extension.select, extension.blast_radius
    loc: Loc = ("extensions", "blast_radius")
    targets, node, service = (document.uses(name) for name in ("targets", "node", "service"))
    if select in PODS and not targets and not (service and select in ONE_SERVICE):
        yield ("method",), f"select {select} chooses targets; hand them to an action as ${{targets}}"
    if select == "one-node" and not node:
        yield ("method",), "select one-node chooses a node; hand it to an action as ${node}"
    if select in PODS and targets and not (radius.pods and radius.percent_ready):
        yield loc, f"select {select} harms replicas; allow some by pods and percent_ready"
    if select == "one-node" and node and not radius.nodes:
        yield loc, "select one-node harms a node; allow one by nodes"
    if select == "all-of-one" and targets and not (extension.total_loss and radius.percent_ready == 100):
        yield loc, "select all-of-one takes every replica; allow it by total_loss: true and percent_ready: 100"
