"""Which of our own kind clusters a connection leads to, told without asking its API server."""

from __future__ import annotations

import hashlib
from pathlib import Path

from seatrial.cluster.client import Cluster
from seatrial.cluster.kind import KindCluster
from seatrial.errors import EnvironmentFault, UsageError
from seatrial.paths import cache_root


def kind_cluster_of(cluster: Cluster) -> KindCluster | None:
    """Return the kind cluster that was created here with the authority that this connection trusts, if there is one.

    Each cluster is made with an authority of its own. So the answer holds also while the node of the API server is
    paused, which is when it matters.
    """
    try:
        authority = cluster.authority
    except EnvironmentFault:
        return None
    if not authority:
        return None
    digest = hashlib.sha256(Path(authority).read_bytes()).hexdigest()
    for record in sorted((cache_root() / "clusters").glob("*/cluster.json")):
        try:
            found = KindCluster(record.parent.name)
        except UsageError:
            continue
        identity = (found.recorded() or {}).get("identity")
        if isinstance(identity, dict) and identity.get("ca_sha256") == digest:
            return found
    return None
