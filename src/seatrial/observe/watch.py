"""A watch on the pods and endpoints of a namespace: every change, with the time at which it was seen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import urllib3
from kubernetes import watch
from kubernetes.client.exceptions import ApiException

from seatrial.cluster.client import Cluster
from seatrial.errors import EnvironmentFault
from seatrial.observe.kube import SERVICE_LABEL, endpoints_of, pod_view
from seatrial.observe.records import Changes, EndpointChange, PodChange

CHUNK_SECONDS = 10
"""A watch is renewed after this time: it can hang without a word when a connection breaks."""
FIRST_LIST_SECONDS = 15.0
LIST_AGAIN_SECONDS = 0.2


@dataclass
class Watch:
    """Watches while it is entered; :meth:`changes` may be read at any time.

    Threads of their own with connections of their own; they end by themselves at most ``CHUNK_SECONDS`` after the exit.
    """

    cluster: Cluster
    namespace: str
    _pods: list[PodChange] = field(default_factory=list)
    _endpoints: list[EndpointChange] = field(default_factory=list)
    _known: dict[str, set[str]] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Start; raises EnvironmentFault when the present state cannot be listed in time."""
        for lister, note in self._followers():
            listed = threading.Event()
            threading.Thread(target=self._follow, args=(lister, note, listed), daemon=True).start()
            if not listed.wait(FIRST_LIST_SECONDS):
                self._stopped.set()
                raise EnvironmentFault(f"the API server did not list {self.namespace} in {FIRST_LIST_SECONDS:g} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()

    def changes(self) -> Changes:
        """Return what was seen so far."""
        return Changes(tuple(self._pods), tuple(self._endpoints))

    def _followers(self) -> tuple[tuple[Callable[..., Any], Callable[[str, Any], None]], ...]:
        """Return what lists each kind of object, by a connection of its own, and what takes note of its changes."""
        connection, other = self.cluster.another(), self.cluster.another()
        return (
            (connection.core.list_namespaced_pod, self._note_pod),
            (other.discovery.list_namespaced_endpoint_slice, self._note_slice),
        )

    def _follow(self, lister: Callable[..., Any], note: Callable[[str, Any], None], listed: threading.Event) -> None:
        version, present = "", {}

        def keep(kind: str, item: Any) -> None:
            present[item.metadata.uid] = item
            if kind == "DELETED":
                del present[item.metadata.uid]
            note(kind, item)

        while not self._stopped.is_set():
            try:
                if not version:
                    found = lister(self.namespace)
                    for uid in present.keys() - {item.metadata.uid for item in found.items}:
                        keep("DELETED", present[uid])  # while nobody watched
                    for item in found.items:
                        keep("ADDED", item)
                    version = found.metadata.resource_version
                    listed.set()
                version = self._stream(lister, keep, version)
            except (ApiException, urllib3.exceptions.HTTPError):
                version = ""  # too old, or the connection broke: list anew
                self._stopped.wait(LIST_AGAIN_SECONDS)

    def _stream(self, lister: Callable[..., Any], note: Callable[[str, Any], None], version: str) -> str:
        watcher: Any = watch.Watch()  # type: ignore[no-untyped-call]
        stream = watcher.stream(
            lister,
            self.namespace,
            resource_version=version,
            timeout_seconds=CHUNK_SECONDS,
            _request_timeout=CHUNK_SECONDS + 5,
        )
        for event in stream:
            if self._stopped.is_set():
                break
            note(event["type"], event["object"])
            version = event["object"].metadata.resource_version
        return version

    def _note_pod(self, kind: str, item: Any) -> None:
        pod = pod_view(item)
        self._pods.append(
            PodChange(time.time(), pod.name, pod.uid, pod.ready and kind != "DELETED", pod.restarts, kind == "DELETED")
        )

    def _note_slice(self, kind: str, item: Any) -> None:
        now, service = time.time(), (item.metadata.labels or {}).get(SERVICE_LABEL, "")
        present = () if kind == "DELETED" else endpoints_of(item)
        for endpoint in present:
            self._endpoints.append(EndpointChange(now, service, endpoint.pod, endpoint.ready))
        names = {endpoint.pod for endpoint in present}
        for lost in self._known.get(item.metadata.name, set()) - names:
            self._endpoints.append(EndpointChange(now, service, lost, False))
        self._known[item.metadata.name] = names
