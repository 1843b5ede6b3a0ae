"""The guard fails closed: whatever is not known to be ours is not harmed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import V1Namespace, V1ObjectMeta
from kubernetes.client.exceptions import ApiException

from seatrial.cluster import guard, nodes
from seatrial.cluster.client import Cluster
from seatrial.cluster.guard import require_owned, require_owned_node
from seatrial.cluster.opt_in import OptIn, opt_in
from seatrial.errors import EnvironmentFault, GuardRefusal, UsageError
from seatrial.system_file import parse_system

UID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
AUTHORITY = b"-----BEGIN CERTIFICATE-----"


class Told(Cluster):
    """A cluster as far as it says who it is, and which namespaces agree to faults."""

    uid: str | None = UID
    address = "https://127.0.0.1:6443"
    labelled: frozenset[str] = frozenset()

    @cached_property
    def core(self) -> Any:
        def read_namespace(name: str, **_: object) -> V1Namespace:
            if name not in ("kube-system", "shop", *self.labelled):
                raise ApiException(status=404)
            labels = {"seatrial.dev/chaos": "allowed" if name in self.labelled else "maybe"}
            return V1Namespace(metadata=V1ObjectMeta(uid=self.uid, labels=labels))

        return SimpleNamespace(read_namespace=read_namespace)

    @property
    def server(self) -> str:
        return self.address

    @property
    def authority(self) -> str | None:
        return str(self.kubeconfig.with_name("ca.crt"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    monkeypatch.delenv("SEATRIAL_ALLOW_CLUSTER", raising=False)
    (tmp_path / "ca.crt").write_bytes(AUTHORITY)
    return tmp_path


def told(cache: Path, context: str | None = None, opt_in: OptIn | None = None) -> Told:
    return Told(cache / "kubeconfig", cache / "kubectl", context, opt_in)


def record(cache: Path, name: str = "seatrial", uid: str = UID, authority: bytes = AUTHORITY, text: str = "") -> None:
    identity = {"uid": uid, "ca_sha256": hashlib.sha256(authority).hexdigest()}
    file = cache / "clusters" / name / "cluster.json"
    file.parent.mkdir(parents=True)
    file.write_text(text or json.dumps({"image": "node:1", "workers": 2, "identity": identity}))


def refusal(cluster: Cluster) -> str:
    with pytest.raises(GuardRefusal) as caught:
        require_owned(cluster)
    assert caught.value.exit_code == 11
    return str(caught.value)


def test_the_recorded_cluster_may_be_harmed(cache: Path) -> None:
    record(cache)
    record(cache, "another", uid="2")
    require_owned(told(cache))


@pytest.mark.parametrize(
    "foreign",
    [
        {"uid": "another"},
        {"authority": b"another"},
        {"text": "{"},
        {"text": "[]"},
        {"text": "{}"},
        {"text": '{"identity": {"uid": "x"}}'},
    ],
    ids=["uid", "authority", "no json", "list", "no identity", "half an identity"],
)
def test_a_cluster_that_no_record_names_is_refused(cache: Path, foreign: dict[str, Any]) -> None:
    record(cache, **foreign)
    assert refusal(told(cache, "staging")) == (
        f"the cluster of {cache}/kubeconfig (kube-system {UID}) was not created by this project and is not opted in; "
        "name staging in allow_clusters of system.yaml; "
        "type its name: --confirm staging, or SEATRIAL_ALLOW_CLUSTER=staging"
    )


def test_without_any_record_every_cluster_is_refused(cache: Path) -> None:
    assert "was not created by this project" in refusal(told(cache))


@pytest.mark.parametrize("uid", [None, ""])
def test_a_cluster_without_an_identity_is_refused_even_when_such_a_one_is_recorded(
    cache: Path, monkeypatch: pytest.MonkeyPatch, uid: str | None
) -> None:
    record(cache, uid="")
    monkeypatch.setattr(Told, "uid", uid)
    told_of = refusal(told(cache, "staging", AGREED))
    assert "(kube-system ) was not created by this project" in told_of
    assert told_of.endswith("give one that says who it is, by a context with a name")


def test_our_own_cluster_is_reached_at_loopback_or_at_its_own_address(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(cache)
    for address in ("https://localhost:1", "https://[::1]:1", "https://127.8.0.1:1"):
        monkeypatch.setattr(Told, "address", address)
        require_owned(told(cache))
    monkeypatch.setattr(Told, "address", "https://10.1.2.3:6443")
    assert refusal(told(cache)) == (
        f"the cluster of {cache}/kubeconfig (kube-system {UID}) is reached at https://10.1.2.3:6443, which is neither "
        "loopback nor its own address; use the kubeconfig that 'seatrial up' prints"
    )
    kubeconfig(cache / "clusters" / "seatrial", "https://10.1.2.3:6443")
    require_owned(told(cache))


AGREED = OptIn(contexts=("staging",), namespace="shop", typed="staging")


def test_a_cluster_that_is_opted_in_three_times_may_be_harmed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Told, "labelled", frozenset({"shop"}))
    require_owned(told(cache, "staging", AGREED))
    require_owned(told(cache, "staging", AGREED).another())


@pytest.mark.parametrize(
    ("context", "opt_in", "labelled", "missing"),
    [
        ("staging", AGREED, (), ["kubectl label namespace shop seatrial.dev/chaos=allowed"]),
        (
            "staging",
            replace(AGREED, contexts=("qa",)),
            ("shop",),
            ["name staging in allow_clusters of system.yaml"],
        ),
        (
            "staging",
            replace(AGREED, typed=""),
            ("shop",),
            ["type its name: --confirm staging, or SEATRIAL_ALLOW_CLUSTER=staging"],
        ),
        (
            "production",
            AGREED,
            ("shop",),
            [
                "name production in allow_clusters of system.yaml",
                "type its name: --confirm production, or SEATRIAL_ALLOW_CLUSTER=production",
            ],
        ),
        (None, AGREED, ("shop",), ["give one that says who it is, by a context with a name"]),
    ],
)
def test_each_part_of_an_opt_in_that_is_missing_is_told(
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    context: str | None,
    opt_in: OptIn,
    labelled: tuple[str, ...],
    missing: list[str],
) -> None:
    monkeypatch.setattr(Told, "labelled", frozenset(labelled))
    assert refusal(told(cache, context, opt_in)).partition("is not opted in; ")[2].split("; ") == missing


def test_every_namespace_that_suffers_must_bear_the_label(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Told, "labelled", frozenset({"shop"}))
    with pytest.raises(GuardRefusal) as caught:
        require_owned(told(cache, "staging", AGREED), "shop", "kube-system", "nowhere")
    assert caught.value.remedy == (
        "kubectl label namespace kube-system seatrial.dev/chaos=allowed; "
        "kubectl label namespace nowhere seatrial.dev/chaos=allowed"
    )


def test_the_typed_name_alone_allows_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_ALLOW_CLUSTER", "staging")
    assert "is not opted in" in refusal(told(cache, "staging"))


def test_the_typed_name_comes_from_the_command_or_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    system = parse_system("{name: shop, namespace: shop, services: [{name: a}], allow_clusters: [staging]}", "s.yaml")
    assert opt_in(system).typed == ""
    monkeypatch.setenv("SEATRIAL_ALLOW_CLUSTER", "staging")
    assert opt_in(system) == AGREED
    assert opt_in(system, "qa").typed == "qa"


def kubeconfig(folder: Path, server: str) -> None:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "staging", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "staging",
    }
    (folder / "kubeconfig").write_text(json.dumps(document))


@pytest.mark.parametrize("opted_in", ["", "staging"])
def test_a_cluster_that_does_not_answer_is_refused_opted_in_or_not(
    cache: Path, monkeypatch: pytest.MonkeyPatch, opted_in: str
) -> None:
    monkeypatch.setenv("SEATRIAL_ALLOW_CLUSTER", opted_in)
    kubeconfig(cache, "http://127.0.0.1:9")
    told = refusal(Cluster(cache / "kubeconfig", cache / "kubectl", "staging", AGREED))
    assert told.startswith(f"the cluster of {cache}/kubeconfig does not say who it is: ")
    assert "Connection refused" in told


@pytest.mark.parametrize("text", [None, "", "{", "kind: Config"])
def test_a_kubeconfig_that_cannot_be_used_is_refused(cache: Path, text: str | None) -> None:
    if text is not None:
        (cache / "kubeconfig").write_text(text)
    assert "does not say who it is: " in refusal(Cluster(cache / "kubeconfig", cache / "kubectl"))


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], list[tuple[str, ...]]]:
    """Have the engine know containers by name, each with its cluster's label; returns all commands it gets."""

    def know(containers: dict[str, str]) -> list[tuple[str, ...]]:
        asked: list[tuple[str, ...]] = []

        def docker(*arguments: str) -> str:
            asked.append(arguments)
            if arguments[-1] not in containers and arguments[0] == "inspect":
                raise EnvironmentFault(f"docker inspect: no such object: {arguments[-1]}")
            return f"{containers.get(arguments[-1], '')}\n"

        monkeypatch.setattr(guard, "docker", docker)
        monkeypatch.setattr(nodes, "docker", docker)
        return asked

    return know


Labels = Callable[[dict[str, str]], list[tuple[str, ...]]]


def test_a_node_of_a_recorded_cluster_may_be_entered(cache: Path, labels: Labels) -> None:
    record(cache)
    asked = labels({"seatrial-worker": "seatrial"})
    require_owned_node("seatrial-worker")
    nodes.node_exec("seatrial-worker", "true")
    assert asked[-1] == ("exec", "seatrial-worker", "true")


@pytest.mark.parametrize(
    ("node", "error"),
    [
        ("theirs-worker", GuardRefusal),
        ("database", GuardRefusal),
        ("unreadable-worker", GuardRefusal),
        ("odd-worker", UsageError),
        ("nowhere", EnvironmentFault),
    ],
)
def test_nothing_is_done_to_any_other_container(cache: Path, labels: Labels, node: str, error: type[Exception]) -> None:
    record(cache)
    record(cache, "unreadable", text="{")
    asked = labels(
        {"theirs-worker": "theirs", "database": "", "unreadable-worker": "unreadable", "odd-worker": "../seatrial"}
    )
    with pytest.raises(error):
        nodes.signal_container(node, "abc", "SIGKILL")
    assert [command[0] for command in asked] == ["inspect"]


def test_the_refusal_names_the_container(cache: Path, labels: Labels) -> None:
    labels({"database": ""})
    with pytest.raises(GuardRefusal) as caught:
        require_owned_node("database")
    assert str(caught.value) == "the container database is not a node of a cluster that this project created"
