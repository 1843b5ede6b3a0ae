"""The mesh in ``system.yaml``: how it names who runs in it, and where a replica tells whom it sees."""

from __future__ import annotations

from seatrial.system_values import DnsDomain, Model, Text


class Mesh(Model):
    """The mesh between the services, in overlays that have one."""

    trust_domain: DnsDomain = "cluster.local"
    """Domain of its identities: ``spiffe://<trust domain>/ns/<namespace>/sa/<service account>``."""
    caller_field: Text = "caller"
    """Field of the JSON answer at the identity path with the identity of who asks."""
    callee_field: Text = "callee"
    """Field of that answer with the identity of who is asked."""

    def identity(self, namespace: str, account: str) -> str:
        """Return the identity (SPIFFE) of whatever runs under a service account."""
        return f"spiffe://{self.trust_domain}/ns/{namespace}/sa/{account}"
