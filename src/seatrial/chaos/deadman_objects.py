"""The objects of a dead man in the cluster: a lease, the log of undos, an account with few rights, and the Job itself.

Pure: :mod:`seatrial.chaos.deadman` makes them, :mod:`seatrial.chaos.deadman_leftovers` says when they may go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from seatrial.chaos.marks import DEAD_MAN
from seatrial.cluster.images import VANTAGE

Object = dict[str, Any]
NAMESPACE = "seatrial-chaos"
RELEASED = "seatrial.dev/released"
"""Annotation of a Lease whose runner ended as it should: the dead man ends and does nothing."""
WATCHING = "seatrial.dev/watching"
"""Annotation that the dead man writes when it begins to watch: the name of its pod."""
OUTCOME = "seatrial.dev/outcome"
"""Annotation that the dead man writes when it ends: what it did, as JSON."""
VERBS = frozenset({"create", "update", "patch", "delete"})
"""What an undo may do; it never lists, watches or reads."""
NEVER = frozenset({"pods/eviction"})
"""What a fault may need but no undo does."""
KEPT_SECONDS = 600
"""How long a Job that ended is kept for a reader, when nobody removes it."""
LABELS = {"app.kubernetes.io/name": "dead-man", "app.kubernetes.io/part-of": "seatrial"}


@dataclass(frozen=True, slots=True)
class DeadMan:
    """One dead man, for one run of one experiment."""

    name: str
    """Common name of its objects."""
    namespace: str
    """Of the system under test: where undos act, unless a permission says otherwise."""
    lease_seconds: int
    lasting_seconds: int
    """Longest life of the Job."""
    permissions: tuple[Mapping[str, Any], ...] = ()
    """The experiment's rules of RBAC, each with ``namespace`` or ``cluster: true`` where it is not the system's."""

    @property
    def config_map(self) -> str:
        return f"{NAMESPACE}/{self.name}"


def objects(man: DeadMan, now: datetime) -> list[Object]:
    """Return all of it in the order in which it is to be applied: first what tells others that it is in use."""
    account = {"kind": "ServiceAccount", "name": man.name, "namespace": NAMESPACE}
    own = [_rule("coordination.k8s.io", "leases", man, "get", "patch"), _rule("", "configmaps", man, "get")]
    return [
        namespace(),
        _object("coordination.k8s.io/v1", "Lease", man.name, NAMESPACE, man.name, spec=lease_spec(man, now)),
        _object("v1", "ConfigMap", man.name, NAMESPACE, man.name, data={}),
        _object("v1", "ServiceAccount", man.name, NAMESPACE, man.name, automountServiceAccountToken=False),
        *_role(man.name, NAMESPACE, man.name, own, account),
        *rules_for(man.name, man.permissions, man.namespace),
        _job(man),
    ]


def namespace() -> Object:
    """Return the namespace of all dead men."""
    found = _object("v1", "Namespace", NAMESPACE, "", "")
    found["metadata"]["labels"] = {**LABELS, "pod-security.kubernetes.io/enforce": "restricted"}
    return found


def lease_spec(man: DeadMan, now: datetime) -> Object:
    """Return the specification of the lease as it is when it is taken."""
    return {"holderIdentity": man.name, "leaseDurationSeconds": man.lease_seconds, "renewTime": micro_time(now)}


def micro_time(at: datetime) -> str:
    """Return a time as the API's MicroTime."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rules_for(name: str, permissions: Iterable[Mapping[str, Any]], namespace: str) -> list[Object]:
    """Return the roles, each with its binding, that let the account ``name`` undo what an experiment may do.

    An undo needs no more than the experiment, which rolls back by the same rights, and it never reads: of each rule the
    verbs that change something are kept.
    """
    account = {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
    scopes: dict[str, list[Object]] = {}
    for given in permissions:
        verbs = [verb for verb in given["verbs"] if verb in VERBS]
        resources = [each for each in given["resources"] if each not in NEVER]
        scope = "" if given.get("cluster") else str(given.get("namespace", namespace))
        if verbs and resources:
            names = {"resourceNames": list(given["resourceNames"])} if given.get("resourceNames") else {}
            rule = {"apiGroups": list(given["apiGroups"]), "resources": resources, "verbs": verbs, **names}
            scopes.setdefault(scope, []).append(rule)
    return [
        item for scope, rules in sorted(scopes.items()) for item in _role(f"{name}-undo", scope, name, rules, account)
    ]


def _rule(group: str, resource: str, man: DeadMan, *verbs: str) -> Object:
    return {"apiGroups": [group], "resources": [resource], "resourceNames": [man.name], "verbs": list(verbs)}


def _role(name: str, scope: str, label: str, rules: Sequence[Object], subject: Object) -> list[Object]:
    """Return a Role and its binding; those of the whole cluster when the scope is empty."""
    kind, api = "Role" if scope else "ClusterRole", "rbac.authorization.k8s.io"
    reference = {"apiGroup": api, "kind": kind, "name": name}
    return [
        _object(f"{api}/v1", kind, name, scope, label, rules=list(rules)),
        _object(f"{api}/v1", f"{kind}Binding", name, scope, label, roleRef=reference, subjects=[subject]),
    ]


def _object(version: str, kind: str, name: str, namespace: str, label: str, **fields: Any) -> Object:
    metadata: Object = {"name": name, "labels": {**LABELS, DEAD_MAN: label}}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _job(man: DeadMan) -> Object:
    spec = {
        "activeDeadlineSeconds": man.lasting_seconds,
        "backoffLimit": 6,
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "template": {
            "metadata": {"labels": {**LABELS, DEAD_MAN: man.name, "sidecar.istio.io/inject": "false"}},
            "spec": _pod_spec(man),
        },
    }
    return _object("batch/v1", "Job", man.name, NAMESPACE, man.name, spec=spec)


def _pod_spec(man: DeadMan) -> Object:
    """Prefer the control plane, which no experiment of nodes picks first, and stay wherever it was put."""
    away = {"matchExpressions": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]}
    preferred = [{"weight": 100, "preference": away}]
    name = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    return {
        "serviceAccountName": man.name,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "restartPolicy": "OnFailure",
        "priorityClassName": "system-cluster-critical",
        "terminationGracePeriodSeconds": 5,
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "dead-man",
                "image": VANTAGE,
                "imagePullPolicy": "IfNotPresent",
                "args": ["deadman", f"-namespace={NAMESPACE}", f"-name={man.name}"],
                "env": [name],
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }
