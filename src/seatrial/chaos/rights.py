"""The least that an experiment needs in the API: an account with Roles, and what it must not be able to do; pure.

It reads its namespaces, speaks with the trial's own agents and with the fault switches through the pod proxy (healing
does, at the end of each), and has the rules that its extension asks for. What is done to nodes through the host's
engine is outside of all this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.chaos.experiment import Experiment
from seatrial.chaos.extension import Rule
from seatrial.chaos.marks import ACCOUNT
from seatrial.system import System

Object = dict[str, Any]
IDENTITY_NAMESPACE = "kube-system"
"""Its UID says which cluster this is, and the guard asks for it before each destructive call."""
READ = ("get", "list", "watch")
READABLE = (
    ("", ("pods", "pods/log", "services", "endpoints", "events")),
    ("apps", ("deployments", "replicasets", "statefulsets", "daemonsets")),
    ("discovery.k8s.io", ("endpointslices",)),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("policy", ("poddisruptionbudgets",)),
    ("metrics.k8s.io", ("pods",)),
)
RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Question:
    """Whether an account may do something, as an access review asks it."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        what = "/".join(filter(None, (self.group, self.resource, self.name)))
        return f"{self.verb} {what}{f' in {self.namespace}' if self.namespace else ' anywhere'}"


@dataclass(frozen=True)
class Account:
    """An experiment's account: where it is at home, and its rules by namespace; the empty one is the whole cluster."""

    name: str
    namespace: str
    rules: dict[str, tuple[Rule, ...]]


def account_of(experiment: Experiment, system: System, suffix: str, log: str = "") -> Account:
    """Return the account that an experiment is run with; ``suffix`` keeps two runs apart.

    ``log`` is the ConfigMap (``namespace/name``) that it writes into what the dead man would have to put back.
    """
    extension = experiment.extension
    own = dict.fromkeys((system.namespace, *extension.harmed_namespaces))
    rules: dict[str, list[Rule]] = {namespace: list(_reading(namespace)) for namespace in own}
    rules[system.namespace].append(_rule("", ("pods/proxy",), ("get", "create", "update", "delete")))
    if IDENTITY_NAMESPACE not in own:
        rules[IDENTITY_NAMESPACE] = [_named("namespaces", IDENTITY_NAMESPACE, "get")]
    if extension.blast_radius.nodes:
        rules[""] = [_rule("", ("nodes",), READ)]
    for rule in extension.permissions:
        rules.setdefault(_place(rule, system), []).append(rule)
    if log:
        namespace, _, name = log.partition("/")
        rules.setdefault(namespace, []).append(_named("configmaps", name, "patch"))
    named = f"seatrial-{experiment.name}-{suffix}"
    return Account(named, system.namespace, {namespace: tuple(each) for namespace, each in rules.items()})


def permissions_of(experiment: Experiment, system: System) -> tuple[Object, ...]:
    """Return the rules of the method as RBAC writes them, each with its ``namespace``, or ``cluster: true``."""
    return tuple(
        _written(rule) | ({"cluster": True} if rule.cluster else {"namespace": _place(rule, system)})
        for rule in experiment.extension.permissions
    )


def objects_of(account: Account) -> list[Object]:
    """Return the account's objects: ServiceAccount, and a Role with its RoleBinding for each namespace."""
    found = [_object("v1", "ServiceAccount", account.name, account.namespace)]
    for namespace, rules in account.rules.items():
        kind = "Role" if namespace else "ClusterRole"
        role = _object(f"{RBAC}/v1", kind, account.name, namespace) | {"rules": [_written(each) for each in rules]}
        binding = _object(f"{RBAC}/v1", f"{kind}Binding", account.name, namespace)
        binding["roleRef"] = {"apiGroup": RBAC, "kind": kind, "name": account.name}
        binding["subjects"] = [{"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}]
        found += [role, binding]
    return found


def may(account: Account) -> tuple[Question, ...]:
    """Return what the account must be able to do: all of its rules."""
    return tuple(
        Question(verb, group, resource, namespace, name)
        for namespace, rules in account.rules.items()
        for rule in rules
        for verb in rule.verbs
        for group in rule.api_groups
        for resource in rule.resources
        for name in rule.resource_names or ("",)
    )


def must_not(account: Account) -> tuple[Question, ...]:
    """Return what the account must not be able to do, whatever its rules."""
    own, allowed = account.namespace, set(may(account))
    asked = (
        Question("delete", "", "namespaces", own, own),
        Question("delete", "", "namespaces", IDENTITY_NAMESPACE, IDENTITY_NAMESPACE),
        Question("create", "", "namespaces"),
        Question("get", "", "secrets", own),
        Question("list", "", "secrets"),
        Question("create", "", "pods/exec", own),
        Question("create", "", "pods/attach", own),
        Question("create", "", "serviceaccounts/token", own),
        Question("impersonate", "", "serviceaccounts", own),
        Question("impersonate", "", "users"),
        Question("create", RBAC, "rolebindings", own),
        Question("create", RBAC, "clusterrolebindings"),
        Question("escalate", RBAC, "clusterroles"),
        Question("delete", "", "nodes"),
        Question("delete", "", "pods", IDENTITY_NAMESPACE),
        Question("patch", "apps", "deployments", IDENTITY_NAMESPACE),
        Question("delete", "", "persistentvolumes"),
        Question("create", "admissionregistration.k8s.io", "validatingwebhookconfigurations"),
        Question("delete", "apiextensions.k8s.io", "customresourcedefinitions"),
    )
    return tuple(each for each in asked if each not in allowed)


def told(account: Account) -> Iterator[str]:
    """Yield the account's rules for a person, one line each."""
    for namespace, rules in account.rules.items():
        for rule in rules:
            group = f" of {', '.join(filter(None, rule.api_groups))}" if any(rule.api_groups) else ""
            names = f" {', '.join(rule.resource_names)}" if rule.resource_names else ""
            yield f"{namespace or 'cluster'}: {', '.join(rule.verbs)} {', '.join(rule.resources)}{names}{group}"


def _place(rule: Rule, system: System) -> str:
    """Return the namespace of a rule; empty for the whole cluster."""
    return "" if rule.cluster else rule.namespace or system.namespace


def _reading(namespace: str) -> Iterator[Rule]:
    yield from (_rule(group, resources, READ) for group, resources in READABLE)
    yield _named("namespaces", namespace, "get")


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> Rule:
    return Rule.model_construct(api_groups=(group,), resources=tuple(resources), verbs=tuple(verbs))


def _named(resource: str, name: str, *verbs: str) -> Rule:
    return Rule.model_construct(api_groups=("",), resources=(resource,), verbs=verbs, resource_names=(name,))


def _object(version: str, kind: str, name: str, namespace: str) -> Object:
    metadata = {"name": name, "labels": {ACCOUNT: "true"}} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _written(rule: Rule) -> Object:
    written = {"apiGroups": list(rule.api_groups), "resources": list(rule.resources), "verbs": list(rule.verbs)}
    return written | ({"resourceNames": list(rule.resource_names)} if rule.resource_names else {})
