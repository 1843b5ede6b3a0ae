"""Who may be harmed: only a cluster that this project created, or one that was opted in three times over.

Such a one is named in ``allow_clusters`` of the system's description, its namespaces bear a label, and a person typed
the name of its context for this run. Whatever cannot be read is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from seatrial.cluster.client import Cluster
from seatrial.cluster.engine import docker
from seatrial.cluster.identity import Identity, identify
from seatrial.cluster.kind import ROLE_LABEL, KindCluster
from seatrial.cluster.opt_in import ALLOWED, LABEL, TYPED, OptIn
from seatrial.errors import GuardRefusal
from seatrial.paths import cache_root

NOT_OPTED_IN = OptIn((), "", "")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A cluster that was created here."""

    identity: Identity
    server: str
    """Address of its API server in the kubeconfig that was written with it; empty when that cannot be read."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a cluster shows of itself."""

    kubeconfig: Path
    identity: Identity
    server: str
    context: str


def recorded_clusters() -> tuple[Recorded, ...]:
    """Return all clusters that were created here; an unreadable record counts as none."""
    found = []
    for record in sorted((cache_root() / "clusters").glob("*/cluster.json")):
        try:
            identity = json.loads(record.read_text())["identity"]
            told = Identity(uid=identity["uid"], ca_sha256=identity["ca_sha256"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found.append(Recorded(told, _server(record.with_name("kubeconfig"))))
    return tuple(found)


def is_ours(identity: Identity, recorded: Sequence[Recorded]) -> bool:
    """Tell whether a cluster was created here; pure. An empty identity is never ours."""
    return bool(identity.uid) and identity in [each.identity for each in recorded]


def refusal(seen: Seen, recorded: Sequence[Recorded], opt_in: OptIn, unlabelled: Sequence[str]) -> GuardRefusal | None:
    """Decide; pure. ``unlabelled`` are the namespaces that do not bear the label, and those that cannot be read."""
    subject = f"the cluster of {seen.kubeconfig} (kube-system {seen.identity.uid})"
    if is_ours(seen.identity, recorded):
        own = {each.server for each in recorded if each.identity == seen.identity}
        if is_loopback(seen.server) or seen.server in own:
            return None
        where = f"is reached at {seen.server}, which is neither loopback nor its own address"
        return GuardRefusal(f"{subject} {where}", remedy="use the kubeconfig that 'seatrial up' prints")
    missing = list(_missing(seen, opt_in, unlabelled))
    if not missing:
        return None
    return GuardRefusal(f"{subject} was not created by this project and is not opted in", remedy="; ".join(missing))


def _missing(seen: Seen, opt_in: OptIn, unlabelled: Sequence[str]) -> Iterator[str]:
    """Yield what must still be done before faults are allowed on a cluster that is not ours."""
    if not seen.identity.uid or not seen.context:
        yield "give one that says who it is, by a context with a name"
        return
    if seen.context not in opt_in.contexts:
        yield f"name {seen.context} in allow_clusters of system.yaml"
    yield from (f"kubectl label namespace {each} {LABEL}={ALLOWED}" for each in unlabelled)
    if opt_in.typed != seen.context:
        yield f"type its name: --confirm {seen.context}, or {TYPED}={seen.context}"


def require_owned(cluster: Cluster, *namespaces: str) -> None:
    """Raise GuardRefusal unless faults may be done to this cluster; a cluster that does not answer is refused.

    ``namespaces`` will suffer beside the system's own: on a cluster that is not ours, each must bear the label.
    """
    recorded, opted_in = recorded_clusters(), cluster.opt_in or NOT_OPTED_IN
    try:
        seen = Seen(cluster.kubeconfig, identify(cluster), cluster.server, cluster.context_name)
    except Exception as error:  # fail closed, whatever the reason
        raise GuardRefusal(f"the cluster of {cluster.kubeconfig} does not say who it is: {error}") from error
    harmed = dict.fromkeys(filter(None, (opted_in.namespace, *namespaces)))
    ours = is_ours(seen.identity, recorded)
    unlabelled = [] if ours else [each for each in harmed if not _is_labelled(cluster, each)]
    refused = refusal(seen, recorded, opted_in, unlabelled)
    if refused:
        raise refused


def require_owned_node(node: str) -> None:
    """Raise GuardRefusal unless the container ``node`` belongs to a kind cluster that was created here."""
    name = docker("inspect", "--format", f'{{{{index .Config.Labels "{ROLE_LABEL}"}}}}', node).strip()
    if not name or KindCluster(name).recorded() is None:
        raise GuardRefusal(f"the container {node} is not a node of a cluster that this project created")


def is_loopback(server: str) -> bool:
    """Tell whether the address of an API server is this machine's own; pure."""
    host = urlsplit(server).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_labelled(cluster: Cluster, namespace: str) -> bool:
    try:
        found: Any = cluster.core.read_namespace(namespace, _request_timeout=10)
    except Exception:  # fail closed, whatever the reason
        return False
    return bool((found.metadata.labels or {}).get(LABEL) == ALLOWED)


def _server(kubeconfig: Path) -> str:
    try:
        return str(yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError):
        return ""
