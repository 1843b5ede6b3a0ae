"""Who may be harmed: only a cluster that this project created, or one that was opted in by the name of its context."""

from __future__ import annotations

import json
import os

from seatrial.cluster.client import Cluster
from seatrial.cluster.engine import docker
from seatrial.cluster.identity import Identity, identify
from seatrial.cluster.kind import ROLE_LABEL, KindCluster
from seatrial.errors import GuardRefusal
from seatrial.paths import cache_root

OPT_IN = "SEATRIAL_ALLOW_CLUSTER"


def recorded_identities() -> frozenset[Identity]:
    """Return the identities of all clusters that were created here; an unreadable record counts as none."""
    found = set()
    for record in (cache_root() / "clusters").glob("*/cluster.json"):
        try:
            identity = json.loads(record.read_text())["identity"]
            found.add(Identity(uid=identity["uid"], ca_sha256=identity["ca_sha256"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return frozenset(found)


def is_allowed(identity: Identity, context: str, owned: frozenset[Identity], opted_in: str) -> bool:
    """Decide; pure. An empty identity is never allowed, nor an opt-in without a name."""
    if identity.uid and identity in owned:
        return True
    return bool(opted_in) and context == opted_in


def require_owned(cluster: Cluster) -> None:
    """Raise GuardRefusal unless faults may be done to this cluster; a cluster that does not answer is refused."""
    try:
        identity = identify(cluster)
    except Exception as error:  # fail closed, whatever the reason
        raise GuardRefusal(f"the cluster of {cluster.kubeconfig} does not say who it is: {error}") from error
    if not is_allowed(identity, cluster.context_name, recorded_identities(), os.environ.get(OPT_IN, "")):
        raise GuardRefusal(
            f"the cluster of {cluster.kubeconfig} (kube-system {identity.uid}) was not created by this project",
            remedy=f"set {OPT_IN} to the name of its context to allow faults there",
        )


def require_owned_node(node: str) -> None:
    """Raise GuardRefusal unless the container ``node`` belongs to a kind cluster that was created here."""
    name = docker("inspect", "--format", f'{{{{index .Config.Labels "{ROLE_LABEL}"}}}}', node).strip()
    if not name or KindCluster(name).recorded() is None:
        raise GuardRefusal(f"the container {node} is not a node of a cluster that this project created")
