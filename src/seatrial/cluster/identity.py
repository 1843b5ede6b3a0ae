"""Which cluster this is: what cannot be changed by renaming a context."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from seatrial.cluster.client import Cluster


@dataclass(frozen=True)
class Identity:
    """A cluster's identity: the UID of its kube-system namespace and the hash of its certificate authority."""

    uid: str
    ca_sha256: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def identify(cluster: Cluster) -> Identity:
    """Ask the cluster who it is."""
    metadata = cluster.core.read_namespace("kube-system", _request_timeout=10).metadata
    authority = cluster.authority
    digest = hashlib.sha256(Path(authority).read_bytes()).hexdigest() if authority else ""
    return Identity(uid=(metadata.uid if metadata else None) or "", ca_sha256=digest)
