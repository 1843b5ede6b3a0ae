"""Runs an experiment under an account of its own: made before, tried both ways, and removed afterwards."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from kubernetes.client import (
    AuthenticationV1TokenRequest,
    V1ResourceAttributes,
    V1SelfSubjectAccessReview,
    V1SelfSubjectAccessReviewSpec,
    V1TokenRequestSpec,
)

from seatrial.chaos.marks import ACCOUNT
from seatrial.chaos.rights import Account, Question, may, must_not, objects_of
from seatrial.cluster import deploy
from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault, Failed, GuardRefusal
from seatrial.observe.kube import UNREAD, cannot_be
from seatrial.waiting import eventually

TOKEN_SECONDS = 3600 + 900
"""Life of a token: the longest blast radius (60 minutes), and a quarter of an hour for rollbacks."""
KINDS = "serviceaccounts,roles,rolebindings"
CLUSTER_KINDS = "clusterroles,clusterrolebindings"


@contextmanager
def least_privilege(cluster: Cluster, account: Account, file: Path, *, within_seconds: float) -> Iterator[Cluster]:
    """Make the account, and yield a connection that can do what it needs and nothing of the list of what it must not.

    ``file`` becomes its kubeconfig, readable by this user only, and is removed with the account, whatever ends the run.
    ``within_seconds`` bounds the time until the API server follows. Raises EnvironmentFault when the account cannot be
    made or used, and GuardRefusal when it can do too much.
    """
    objects = objects_of(account)
    try:
        deploy.apply(cluster, objects)
        _write_private(file, json.dumps(_kubeconfig(cluster, account, _token(cluster, account))))
        limited = replace(cluster, kubeconfig=file, context=cluster.context_name or account.name)
        assert_rights(limited, account, within_seconds=within_seconds)
        yield limited
    finally:
        file.unlink(missing_ok=True)
        deploy.delete(cluster, objects)


def assert_rights(limited: Cluster, account: Account, *, within_seconds: float) -> None:
    """Ask the API server, as the account, for all that it must and must not be able to do."""
    try:
        eventually(
            partial(_denied, limited, may(account)),
            until=lambda denied: not denied,
            within_seconds=within_seconds,
            what=f"ServiceAccount {account.namespace}/{account.name}: what it may not do yet",
        )
    except Failed as error:
        raise EnvironmentFault(" ".join(str(error).split())) from error
    forbidden = must_not(account)
    denied = _denied(limited, forbidden)
    excess = [str(each) for each in forbidden if str(each) not in denied]
    if excess:
        what = f"the account of the experiment can do too much: {'; '.join(excess)}"
        raise GuardRefusal(what, remedy="take these rights from all service accounts of the cluster")


def remove_accounts(cluster: Cluster) -> tuple[str, ...]:
    """Remove the accounts of all experiments that were left behind, in every namespace; returns what was removed."""
    by_label = (f"--selector={ACCOUNT}", "--ignore-not-found", "--output=name")
    found = cluster.kubectl("delete", KINDS, "--all-namespaces", *by_label)
    return tuple((found + cluster.kubectl("delete", CLUSTER_KINDS, *by_label)).split())


def _denied(limited: Cluster, questions: Sequence[Question]) -> list[str]:
    return [str(each) for each in questions if not _is_allowed(limited, each)]


def _is_allowed(limited: Cluster, question: Question) -> bool:
    resource, _, subresource = question.resource.partition("/")
    attributes = V1ResourceAttributes(
        verb=question.verb,
        group=question.group,
        resource=resource,
        subresource=subresource,
        namespace=question.namespace,
        name=question.name,
    )
    review = V1SelfSubjectAccessReview(spec=V1SelfSubjectAccessReviewSpec(resource_attributes=attributes))
    try:
        answer: Any = limited.authorization.create_self_subject_access_review(review)
    except UNREAD as error:
        raise cannot_be("asked", f"whether the experiment's account may {question}", error) from error
    return bool(answer.status.allowed)


def _token(cluster: Cluster, account: Account) -> str:
    request = AuthenticationV1TokenRequest(spec=V1TokenRequestSpec(expiration_seconds=TOKEN_SECONDS))
    try:
        answer: Any = cluster.core.create_namespaced_service_account_token(account.name, account.namespace, request)
    except UNREAD as error:
        what = f"a token of ServiceAccount {account.namespace}/{account.name}"
        raise cannot_be("got", what, error) from error
    return str(answer.status.token)


def _kubeconfig(cluster: Cluster, account: Account, token: str) -> dict[str, Any]:
    """Return a kubeconfig for the same API server; the context keeps its name, because a person may have typed it."""
    server: dict[str, Any] = {"server": cluster.server}
    if cluster.authority:
        server["certificate-authority-data"] = base64.b64encode(Path(cluster.authority).read_bytes()).decode()
    name = cluster.context_name or account.name
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": server}],
        "users": [{"name": account.name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": account.name}}],
        "current-context": name,
    }


def _write_private(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
