"""Objects behind an API server that is none: read by path, changed by merge, everything that was sent kept."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import httpx

Object = dict[str, Any]


class FakeApi:
    """Holds objects by path; a change of one that is not there is answered with 404."""

    def __init__(self, **objects: Object) -> None:
        self.objects: dict[str, Object] = {}
        self.sent: list[tuple[str, str, Object]] = []
        """Path with its query, content type and body of each change."""

    @property
    def cluster(self) -> Any:
        transport = httpx.MockTransport(self._answer)
        cluster = SimpleNamespace(
            http=lambda timeout_seconds=1.0: httpx.Client(base_url="http://api", transport=transport)
        )
        cluster.another = lambda: cluster
        return cluster

    def _answer(self, request: httpx.Request) -> httpx.Response:
        found = self.objects.get(request.url.path)
        if found is None:
            return httpx.Response(404, json={"message": f"{request.url.path} not found"})
        if request.method == "PATCH":
            body, kind = json.loads(request.content), request.headers["Content-Type"]
            self.sent.append((str(request.url.raw_path, "ascii"), kind, body))
            found = self.objects[request.url.path] = merged(found, body, strategic="strategic" in kind)
        return httpx.Response(200, json=found)


def merged(old: Any, new: Any, *, strategic: bool) -> Any:
    """Merge as the API server does, as far as the changes of experiments need it."""
    if isinstance(new, dict) and new.get("$patch") == "replace":
        return {key: value for key, value in new.items() if key != "$patch"}
    if strategic and isinstance(new, list) and isinstance(old, list) and new and "name" in new[0]:
        changes = {each["name"]: each for each in new}
        return [merged(each, changes.get(each["name"], {}), strategic=True) for each in old]
    if not isinstance(new, dict) or not isinstance(old, dict):
        return new
    kept = {key: value for key, value in old.items() if key not in new}
    changed = {key: merged(old.get(key), each, strategic=strategic) for key, each in new.items() if each is not None}
    return kept | changed
