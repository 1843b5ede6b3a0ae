"""Which cluster a connection leads to is told by its authority, without an API server."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.cluster.client import Cluster
from seatrial.cluster.kind import KindCluster
from seatrial.cluster.ours import kind_cluster_of

AUTHORITY = b"-----BEGIN CERTIFICATE-----"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    (tmp_path / "ca.crt").write_bytes(AUTHORITY)
    return tmp_path


def record(cache: Path, name: str, authority: bytes = AUTHORITY, text: str = "") -> None:
    file = cache / "clusters" / name / "cluster.json"
    file.parent.mkdir(parents=True)
    identity = {"uid": "1", "ca_sha256": hashlib.sha256(authority).hexdigest()}
    file.write_text(text or json.dumps({"identity": identity}))


def connection(cache: Path) -> Any:
    return SimpleNamespace(authority=str(cache / "ca.crt"))


def test_the_cluster_that_was_made_with_this_authority_is_found(cache: Path) -> None:
    record(cache, "another", b"another")
    record(cache, "mine")
    assert kind_cluster_of(connection(cache)) == KindCluster("mine")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"identity": "x"}', '{"identity": {}}'])
def test_a_record_that_cannot_be_read_names_no_cluster(cache: Path, text: str) -> None:
    record(cache, "mine", text=text)
    assert kind_cluster_of(connection(cache)) is None


def test_a_folder_that_no_cluster_can_be_called_by_is_passed_over(cache: Path) -> None:
    record(cache, "No Cluster")
    assert kind_cluster_of(connection(cache)) is None


def test_a_connection_without_an_authority_leads_to_none_of_ours(cache: Path) -> None:
    record(cache, "mine")
    assert kind_cluster_of(SimpleNamespace(authority=None)) is None  # type: ignore[arg-type]
    assert kind_cluster_of(Cluster(cache / "no-kubeconfig", cache / "kubectl")) is None
