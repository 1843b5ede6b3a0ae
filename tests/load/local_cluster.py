"""A cluster that is none: what is applied to it runs as processes of this machine, reached as pods are."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from kubernetes import client

from seatrial.errors import EnvironmentFault
from seatrial.load import jobs
from seatrial.paths import ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LocalCluster:
    """Runs the pods of Jobs here; ``broken`` are pods whose container never gets its image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commands: list[tuple[str, ...]] = []
        self.applied: list[dict[str, Any]] = []
        self.ports: dict[str, int] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.roles: dict[str, str] = {}
        self.broken = False
        self.core = SimpleNamespace(list_namespaced_pod=self._pods)

    def kubectl(self, *arguments: str, stdin: str = "", timeout_seconds: float = 0) -> str:
        self.commands.append(arguments)
        if arguments[0] == "apply":
            for item in map(json.loads, stdin.splitlines()):
                self.applied.append(item)
                if item["kind"] == "Secret":
                    for name, text in item["stringData"].items():
                        (self.folder / name).write_text(text)
                elif not self.broken:
                    self._run(item)
        if arguments[0] == "get":
            return "uid-of-master"
        return ""

    def http(self, *, timeout_seconds: float) -> httpx.Client:
        def forward(request: httpx.Request) -> httpx.Response:
            _, _, _, _, _, _, pod, _, way = request.url.raw_path.decode().split("/", 8)
            name = pod.split(":")[1]
            if name not in self.ports:
                raise httpx.ConnectError("no such pod")
            url = f"http://127.0.0.1:{self.ports[name]}/{way}"
            answer = httpx.request(request.method, url, content=request.read(), timeout=timeout_seconds)
            return httpx.Response(answer.status_code, content=answer.content)

        return httpx.Client(base_url="http://api", transport=httpx.MockTransport(forward))

    def kill(self, pod: str) -> None:
        """Take a pod away as the loss of its node does."""
        del self.ports[pod]
        os.killpg(self.processes[pod].pid, 9)
        self.processes[pod].wait()

    def _run(self, job: dict[str, Any]) -> None:
        (container,) = job["spec"]["template"]["spec"]["containers"]
        for number in range(job["spec"]["parallelism"]):
            pod = f"{job['metadata']['name']}-{number}"
            home = self.folder / pod
            home.mkdir()
            self.ports[pod] = free_port()
            self.roles[pod] = job["metadata"]["labels"][jobs.ROLE_LABEL]
            given = {each["name"]: each["value"] for each in container["env"]}
            here = {name: self._here(value, home) for name, value in given.items()}
            environment = {
                **os.environ,
                "PYTHONPATH": str(ROOT / "src"),
                **here,
                "SEATRIAL_LOAD_PORT": str(self.ports[pod]),
            }
            arguments = [self._here(each, home) for each in container["args"]]
            self.processes[pod] = subprocess.Popen(
                [sys.executable, "-m", "seatrial.load.pod", *arguments], env=environment, start_new_session=True
            )

    def _here(self, text: str, home: Path) -> str:
        for there, here in (("/app", ROOT / "src"), (jobs.DATA, self.folder), (jobs.FOLDER, home)):
            if text.startswith((there, f"--locustfile={there}", f"--logfile={there}")):
                return text.replace(there, str(here), 1)
        return text

    def _pods(self, namespace: str, *, label_selector: str, _request_timeout: float) -> Any:
        role = label_selector.rpartition("=")[2]
        names = [name for name in self.ports if self.roles[name] == role]
        if self.broken:
            return SimpleNamespace(items=[broken_pod(f"load-{role}")])
        return SimpleNamespace(items=[pod(name) for name in names if self._answers(name)])

    def _answers(self, name: str) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.ports[name]}/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    def end(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, 15)
        for process in self.processes.values():
            process.wait(timeout=10)


def pod(name: str, **status: Any) -> client.V1Pod:
    """A pod that is ready, unless its status says otherwise."""
    ready = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
    return client.V1Pod.model_validate(
        {
            "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"nodeName": "worker", "containers": [{"name": "load"}]},
            "status": {"phase": "Running", "podIP": "127.0.0.1", "conditions": ready, **status},
        }
    )


def broken_pod(name: str) -> client.V1Pod:
    state = {"waiting": {"reason": "ErrImagePull", "message": "no such\nimage"}}
    container = {"name": "load", "ready": False, "restartCount": 0, "image": "x", "imageID": "", "state": state}
    return pod(name, phase="Pending", conditions=[], containerStatuses=[container])


@contextmanager
def running_here(folder: Path) -> Iterator[LocalCluster]:
    """Yield a cluster of this machine, and end what runs in it."""
    (folder / "cluster").mkdir()
    cluster = LocalCluster(folder / "cluster")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "MASTER_PORT", free_port())
        try:
            yield cluster
        finally:
            cluster.end()


class Deaf(LocalCluster):
    """Does not answer when something is to be removed."""

    def kubectl(self, *arguments: str, stdin: str = "", timeout_seconds: float = 0) -> str:
        if arguments[0] == "delete":
            raise EnvironmentFault("kubectl delete: Unable to connect\nto the server")
        return super().kubectl(*arguments, stdin=stdin)
