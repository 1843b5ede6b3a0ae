"""The extension ``seatrial`` of an experiment's file: who suffers, how far it may reach, and what it needs for that."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from seatrial.system_values import DnsLabel, Model, Text

NAME = "seatrial"
Select = Literal["one-of-each", "half-of-each", "all-of-one", "one-of-one", "one-node", "system"]
Need = Literal["engine", "faults", "gateway", "mesh"]
PODS: tuple[Select, ...] = ("one-of-each", "half-of-each", "all-of-one", "one-of-one")
"""Selections whose victims are replicas of the described services."""
ONE_SERVICE: tuple[Select, ...] = ("all-of-one", "one-of-one")
"""Selections that concern one service only."""
NEVER_RESOURCES = (
    "*",
    "namespaces",
    "pods/attach",
    "pods/ephemeralcontainers",
    "pods/exec",
    "pods/portforward",
    "secrets",
    "serviceaccounts",
    "serviceaccounts/token",
)
NEVER_GROUPS = ("rbac.authorization.k8s.io", "admissionregistration.k8s.io", "certificates.k8s.io", "*")
NEVER_VERBS = ("impersonate", "escalate", "bind", "deletecollection", "*")
"""What no experiment gets, because it would lead to everything else, or could not be told from it."""


class BlastRadius(Model):
    """How far an experiment may reach, over its whole run."""

    pods: Annotated[int, Field(ge=0, le=1000)]
    """Replicas that are harmed by name."""
    percent_ready: Annotated[int, Field(ge=0, le=100)]
    """Their part of the ready replicas of any one workload, in percent."""
    nodes: Annotated[int, Field(ge=0, le=100)] = 0
    """Nodes that are harmed."""
    minutes: Annotated[float, Field(gt=0, le=60)]
    """After which it is interrupted and rolled back."""


class Rule(Model):
    """What the method may do in the API beyond reading, as RBAC writes it."""

    api_groups: Annotated[tuple[str, ...], Field(alias="apiGroups", min_length=1)]
    """API groups; the empty one is that of pods and nodes."""
    resources: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Resources and subresources."""
    verbs: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Verbs of the API."""
    resource_names: Annotated[tuple[Text, ...], Field(alias="resourceNames")] = ()
    """Names of the only objects that it is about."""
    cluster: bool = False
    """Whether it is about things of the whole cluster, such as nodes."""
    namespace: DnsLabel | None = None
    """The one namespace that it is about; the system's own when left out."""

    @model_validator(mode="after")
    def _is_modest(self) -> Rule:
        for given, never in (
            (self.resources, NEVER_RESOURCES),
            (self.api_groups, NEVER_GROUPS),
            (self.verbs, NEVER_VERBS),
        ):
            for each in given:
                if each in never:
                    raise ValueError(f"no experiment is given {each!r}; name exactly what its method needs")
        if self.cluster and self.namespace:
            raise ValueError("a rule for the whole cluster has no namespace; leave one of the two out")
        return self


class Extension(Model):
    """What an experiment says about itself, and what it is held to."""

    name: Literal["seatrial"]
    """Name of the extension."""
    select: Select
    """Who suffers when nobody names targets."""
    blast_radius: BlastRadius
    """How far it may reach."""
    total_loss: bool = False
    """Whether a workload may lose its last ready replica."""
    nodes_stay: bool = False
    """Whether the replicas on the nodes that it changes go on, such as under rules for a few packets."""
    deviation_during: bool = False
    """Whether the steady state may be lost meanwhile."""
    errors_during: bool = False
    """Whether customers may see failed requests from its first harm until the system is healed."""
    storm: bool = False
    """Whether a storm may choose it."""
    needs: tuple[Need, ...] = ()
    """What the cluster and the system must have for it."""
    permissions: tuple[Rule, ...] = ()
    """What the method needs in the API beyond reading."""
    namespaces: tuple[DnsLabel, ...] = ()
    """Namespaces beside the system's own that it harms; protected ones only when they stand here, or in a rule."""

    @property
    def harmed_namespaces(self) -> tuple[str, ...]:
        """Namespaces that it names, by themselves or in a rule."""
        return tuple(
            dict.fromkeys((*self.namespaces, *(rule.namespace for rule in self.permissions if rule.namespace)))
        )
