"""Changes to single objects, as raw JSON: what is read can be written back without loss, field by field.

Who changes is another field manager than who applies the manifests: the next apply, which forces, takes its fields
back.
"""

from __future__ import annotations

from typing import Any

import httpx

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault

MANAGER = "seatrial-chaos"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
ANSWER_SECONDS = 10.0
Object = dict[str, Any]


def deployment_path(namespace: str, name: str = "") -> str:
    """Return the API's path of a Deployment, or of all of a namespace."""
    return f"/apis/apps/v1/namespaces/{namespace}/deployments{f'/{name}' if name else ''}"


def patch_path(path: str) -> str:
    """Return the path to which a change of an object is sent."""
    return f"{path}?fieldManager={MANAGER}"


def read_object(cluster: Cluster, path: str) -> Object:
    """Return the object, or the list, at a path of the API; raises EnvironmentFault when it cannot be read."""
    return _send(cluster, "GET", path, "read")


def patch_object(cluster: Cluster, path: str, body: Object, content_type: str = MERGE) -> Object:
    """Change an object and return it; raises EnvironmentFault when the API server refuses or does not answer."""
    return _send(cluster, "PATCH", patch_path(path), "changed", json=body, headers={"Content-Type": content_type})


def _send(cluster: Cluster, method: str, path: str, done: str, **content: Any) -> Object:
    what = path.partition("?")[0]
    try:
        with cluster.http(timeout_seconds=ANSWER_SECONDS) as http:
            answer = http.request(method, path, **content)
    except httpx.HTTPError as error:
        raise EnvironmentFault(f"{what} cannot be {done}: {error!r}") from error
    if answer.status_code != httpx.codes.OK:
        raise EnvironmentFault(f"{what} cannot be {done}: HTTP {answer.status_code} {_words(answer)}")
    found: Object = answer.json()
    return found


def _words(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
