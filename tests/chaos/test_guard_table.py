"""The guard table: attempts at a wrong cluster, and beyond the blast radius, each refused with a line of its own.

``docs/guard-table.md`` shows it; ``PYTHONPATH=src python tests/chaos/test_guard_table.py --write`` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from stakes import ground, pod

from seatrial.chaos.ground import Ground
from seatrial.chaos.ledger import NOTHING, Done, Harmed, open_ledger
from seatrial.chaos.limits import Harm, Limits, limits_here, refuse
from seatrial.cluster.guard import Recorded, Seen, refusal
from seatrial.cluster.identity import Identity
from seatrial.cluster.opt_in import OptIn
from seatrial.errors import GuardRefusal
from seatrial.paths import ROOT
from seatrial.system_file import parse_system

PLACE = ROOT / "docs" / "guard-table.md"
HEAD = """\
# What the guard refuses

Before each destructive call of an experiment it is asked which cluster this is, and what the run has done so far. These
attempts are made by `tests/chaos/test_guard_table.py`; each is refused with the line beside it, and nothing is done.

"""
SYSTEM = parse_system("{name: shop, namespace: shop, services: [{name: auth}, {name: users}]}", "system.yaml")

OURS = Identity("11-22", "aa")
RECORDED = (Recorded(OURS, "https://127.0.0.1:6443"),)
SEEN = Seen(Path("kubeconfig"), OURS, "https://127.0.0.1:6443", "kind-seatrial")
STAGING = replace(SEEN, identity=Identity("33-44", "bb"), server="https://staging.test", context="staging")
AGREED = OptIn(contexts=("staging",), namespace="shop", typed="staging")


def on(seen: Seen, opt_in: OptIn = AGREED, unlabelled: tuple[str, ...] = (), recorded: tuple[Recorded, ...] = RECORDED):
    """Return an attempt on a cluster."""

    def attempt() -> None:
        refused = refusal(seen, recorded, opt_in, unlabelled)
        if refused:
            raise refused

    return attempt


THREE = ground({"auth": "auth-1 auth-2 auth-3", "users": "users-1 users-2 users-3"})
LIMITS = Limits(pods=4, percent_ready=34, nodes=0, until=1000.0)
AUTH = "Deployment shop/auth"


def done(*names: str, nodes: str = "") -> Done:
    """Return a ledger that holds harm to replicas of auth, of which three were ready at first."""
    pods = {f"uid of {name}": Harmed(name, AUTH, 0) for name in names}
    return Done(pods, frozenset(nodes.split()), {AUTH: 3})


def harming(
    *names: str,
    namespace: str = "shop",
    nodes: tuple[str, ...] = (),
    namespaces: tuple[str, ...] = (),
    limits: Limits = LIMITS,
    before: Done = NOTHING,
    at_stake: Ground = THREE,
    now: float = 900.0,
) -> Callable[[], None]:
    """Return an attempt at a harm on our own cluster."""
    harm = Harm(tuple(pod(name, namespace=namespace) for name in names), nodes, namespaces)
    return lambda: refuse(limits, SYSTEM, harm, before, at_stake, now)


def with_limits(text: str) -> Callable[[], None]:
    def attempt() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SEATRIAL_LIMITS", text)
            limits_here()

    return attempt


def with_ledger(path: str) -> Callable[[], None]:
    def attempt() -> None:
        with open_ledger(path):
            pass

    return attempt


WIDE = Limits(pods=9, percent_ready=100, nodes=1, until=1000.0)
NODES = {"worker": "auth-1 auth-2 auth-3", "worker2": "users-1"}


@dataclass(frozen=True)
class Attempt:
    what: str
    act: Callable[[], None]
    line: str
    """Beginning of what it is refused with, after the words that all refusals of clusters begin with."""


CLUSTERS = (
    Attempt(
        "a cluster made anew under the name of ours",
        on(replace(SEEN, identity=Identity("99-99", "aa")), OptIn((), "shop", "")),
        "(kube-system 99-99) was not created by this project and is not opted in; name kind-seatrial in allow_clusters",
    ),
    Attempt(
        "a cluster with our UID and another certificate authority",
        on(replace(SEEN, identity=Identity("11-22", "bb")), OptIn((), "shop", "")),
        "(kube-system 11-22) was not created by this project and is not opted in; name kind-seatrial in allow_clusters",
    ),
    Attempt(
        "our cluster through somebody else's address",
        on(replace(SEEN, server="https://proxy.test:6443")),
        "(kube-system 11-22) is reached at https://proxy.test:6443, which is neither loopback nor its own address",
    ),
    Attempt(
        "a cluster that does not say who it is",
        on(replace(SEEN, identity=Identity("", ""))),
        "(kube-system ) was not created by this project and is not opted in; give one that says who it is",
    ),
    Attempt(
        "our cluster when its record was lost",
        on(SEEN, OptIn((), "shop", ""), recorded=()),
        "(kube-system 11-22) was not created by this project and is not opted in; name kind-seatrial in allow_clusters",
    ),
    Attempt(
        "staging, which system.yaml does not name",
        on(STAGING, replace(AGREED, contexts=())),
        "(kube-system 33-44) was not created by this project and is not opted in; name staging in allow_clusters",
    ),
    Attempt(
        "staging, whose namespace does not bear the label",
        on(STAGING, unlabelled=("shop",)),
        "(kube-system 33-44) was not created by this project and is not opted in; kubectl label namespace shop",
    ),
    Attempt(
        "staging, whose name nobody typed",
        on(STAGING, replace(AGREED, typed="")),
        "(kube-system 33-44) was not created by this project and is not opted in; type its name: --confirm staging",
    ),
    Attempt(
        "production, when staging was typed and allowed",
        on(replace(STAGING, context="production")),
        "(kube-system 33-44) was not created by this project and is not opted in; name production in allow_clusters",
    ),
    Attempt(
        "an opted-in cluster by a context without a name",
        on(replace(STAGING, context=""), replace(AGREED, typed="")),
        "(kube-system 33-44) was not created by this project and is not opted in; give one that says who it is",
    ),
    Attempt(
        "kube-system of staging, which does not bear the label",
        on(STAGING, unlabelled=("kube-system",)),
        "(kube-system 33-44) was not created by this project and is not opted in; kubectl label namespace kube-system",
    ),
)
BLASTS = (
    Attempt("nobody", harming(), "no target is named"),
    Attempt(
        "a pod of kube-system", harming("coredns-1", namespace="kube-system"), "namespace kube-system is protected"
    ),
    Attempt("a pod of the default namespace", harming("x", namespace="default"), "namespace default is protected"),
    Attempt("the mesh's namespace", harming(namespaces=("istio-system",)), "namespace istio-system is protected"),
    Attempt("the dead man himself", harming("x", namespace="seatrial-chaos"), "namespace seatrial-chaos is protected"),
    Attempt("a pod of another team", harming("x", namespace="theirs"), "namespace theirs is not that of shop (shop)"),
    Attempt(
        "five pods at once, when four are allowed",
        harming("auth-1", "auth-2", "auth-3", "users-1", "users-2"),
        "pods harmed over the run would be 5; the blast radius allows 4",
    ),
    Attempt(
        "a third pod later, when two are allowed",
        harming("users-1", limits=LIMITS.model_copy(update={"pods": 2}), before=done("auth-1", "auth-2")),
        "pods harmed over the run would be 3; the blast radius allows 2",
    ),
    Attempt(
        "two of three replicas, when a third is allowed",
        harming("auth-1", "auth-2"),
        "2 of 3 replicas of Deployment shop/auth (67 %) would be harmed over the run; the blast radius allows 34 %",
    ),
    Attempt(
        "another replica, when the first was replaced meanwhile",
        harming("auth-2", before=done("auth-1"), at_stake=ground({"auth": "auth-2 auth-3 auth-4"})),
        "2 of 3 replicas of Deployment shop/auth (67 %) would be harmed over the run; the blast radius allows 34 %",
    ),
    Attempt(
        "all replicas of a service without total_loss",
        harming("auth-1", "auth-2", "auth-3", limits=WIDE),
        "Deployment shop/auth would lose its last ready replica",
    ),
    Attempt(
        "the one replica that is still ready",
        harming("auth-1", limits=WIDE, at_stake=ground({"auth": "auth-1"})),
        "Deployment shop/auth would lose its last ready replica",
    ),
    Attempt(
        "the last replica after the others, one at a time",
        harming("auth-3", limits=WIDE, before=done("auth-1", "auth-2")),
        "Deployment shop/auth would lose its last ready replica",
    ),
    Attempt(
        "a node that holds every replica of a service",
        harming(nodes=("worker",), limits=WIDE, at_stake=replace(THREE, on_node=ground({}, on_node=NODES).on_node)),
        "Deployment shop/auth would lose its last ready replica",
    ),
    Attempt(
        "a node, when the experiment is about pods",
        harming(nodes=("worker2",)),
        "nodes harmed over the run would be 1 (worker2); the blast radius allows 0",
    ),
    Attempt(
        "a second node later",
        harming(nodes=("worker2",), limits=WIDE, before=done(nodes="worker")),
        "nodes harmed over the run would be 2 (worker, worker2); the blast radius allows 1",
    ),
    Attempt(
        "the node of the control plane",
        harming(nodes=("control",), limits=WIDE, at_stake=replace(THREE, control_plane=frozenset({"control"}))),
        "node control runs the control plane, without which nothing can be seen or healed",
    ),
    Attempt("harm after the run's time", harming("auth-1", now=1007.0), "the run's time was over 7 s ago"),
    Attempt("limits that are no JSON", with_limits("pods: 4"), "SEATRIAL_LIMITS cannot be read: its text"),
    Attempt("limits of another kind", with_limits('{"pods": "all"}'), "SEATRIAL_LIMITS cannot be read: pods"),
    Attempt(
        "a ledger that cannot be written",
        with_ledger("/dev/null/ledger"),
        "the ledger /dev/null/ledger cannot be opened",
    ),
)


def line_of(attempt: Attempt) -> str:
    """Return what an attempt is refused with; empty when it is not."""
    try:
        attempt.act()
    except GuardRefusal as refused:
        return str(refused).removeprefix("the cluster of kubeconfig ")
    return ""


@pytest.mark.parametrize("attempt", [*CLUSTERS, *BLASTS], ids=lambda each: each.what)
def test_it_is_refused_in_one_line(attempt: Attempt) -> None:
    line = line_of(attempt)
    assert line.startswith(attempt.line)
    assert "\n" not in line


def test_there_are_at_least_twenty_and_each_is_another() -> None:
    assert len({each.what for each in (*CLUSTERS, *BLASTS)}) == len(CLUSTERS) + len(BLASTS) >= 20


@pytest.mark.parametrize(
    "act",
    [
        on(SEEN),
        on(SEEN, OptIn((), "shop", ""), ("shop",)),
        on(STAGING),
        harming("auth-1"),
        harming("auth-1", before=done("auth-1")),
        harming("auth-1", "users-1"),
        harming("auth-1", "auth-2", limits=WIDE),
        harming("auth-1", "auth-2", "auth-3", limits=WIDE.model_copy(update={"total_loss": True})),
        harming(nodes=("worker2",), limits=WIDE),
        harming("coredns-1", namespace="kube-system", limits=WIDE.model_copy(update={"namespaces": ("kube-system",)})),
        harming("auth-1", limits=LIMITS.model_copy(update={"until": None}), now=1e12),
    ],
)
def test_what_is_within_the_limits_is_not_refused(act: Callable[[], None]) -> None:
    act()


def table() -> str:
    """Return the page that shows all attempts."""
    parts = [HEAD]
    for title, attempts in (("Wrong clusters", CLUSTERS), ("Beyond the blast radius", BLASTS)):
        rows = [f"| {each.what} | {line_of(each)} |" for each in attempts]
        parts.append("\n".join([f"## {title}", "", "| attempt | refused with |", "|---|---|", *rows, ""]))
    return "\n".join(parts).replace(HEAD + "\n", HEAD)


def test_the_documented_table_is_this_one() -> None:
    assert PLACE.read_text(encoding="utf-8") == table()


if __name__ == "__main__":
    if "--write" in sys.argv:
        PLACE.write_text(table(), encoding="utf-8")
    else:
        print(table(), end="")
