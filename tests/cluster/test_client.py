"""A connection bears the credentials of its kubeconfig, whatever they are."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import trustme
import yaml

from seatrial.cluster.client import Cluster

AUTHORITY = base64.b64encode(trustme.CA().cert_pem.bytes()).decode()


@pytest.mark.parametrize(("user", "told"), [({"token": "secret-1"}, "Bearer secret-1"), ({}, None)])
def test_plain_http_bears_the_token_of_the_kubeconfig(user: dict[str, str], told: str | None, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(
        yaml.safe_dump(
            {
                "clusters": [
                    {
                        "name": "one",
                        "cluster": {"server": "https://127.0.0.1:1", "certificate-authority-data": AUTHORITY},
                    }
                ],
                "users": [{"name": "someone", "user": user}],
                "contexts": [{"name": "one", "context": {"cluster": "one", "user": "someone"}}],
                "current-context": "one",
            }
        )
    )
    with Cluster(file, tmp_path / "kubectl").http() as http:
        assert http.headers.get("Authorization") == told
