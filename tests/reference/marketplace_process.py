"""The reference services as real processes on loopback ports, with the environment that the manifests give them."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

ROOT = Path(__file__).parents[2]
BASE = ROOT / "manifests" / "base"
SERVICES = ("auth", "users", "leads", "buyers")
TOKEN_KEY = yaml.safe_load((BASE / "kustomization.yaml").read_text())["secretGenerator"][0]["literals"][0].split("=")[1]
START_SECONDS = 30
"""A start takes about half a second; the rest is for a machine that is busy with something else."""

CLIENT = httpx.Client(timeout=10, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
"""Each request opens a connection: a process that ended must not be asked over an old one."""


@dataclass
class Running:
    """One process of the marketplace."""

    service: str
    pod: str
    port: int
    faults_port: int
    process: subprocess.Popen[bytes]
    log: Path
    token: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def faults_url(self) -> str:
        return f"http://127.0.0.1:{self.faults_port}/faults"

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request with the log-in of ada; ``headers`` replaces it."""
        logged_in = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers = request.pop("headers", logged_in)
        return CLIENT.request(method, f"{self.url}{path}", headers=headers, **request)

    def get(self, path: str, **request: Any) -> httpx.Response:
        return self.ask("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        return self.ask("POST", path, **request)

    def switch(self, **faults: Any) -> dict[str, Any]:
        answer = CLIENT.put(self.faults_url, json=faults)
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state

    def lines(self) -> list[dict[str, Any]]:
        """Return the log so far; each line must be JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def lines_of(self, request_id: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line.get("request_id") == request_id]

    def samples(self) -> dict[str, float]:
        """Return the metrics by name and labels, as Prometheus reads them."""
        lines = self.get("/metrics").text.splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    def is_started(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"{self.pod} ended with {self.process.returncode}: {self.log.read_text()}")
        try:
            return self.get("/livez").status_code == 200
        except httpx.NetworkError:
            return False

    def await_start(self) -> None:
        wait_until(self.is_started, within_seconds=START_SECONDS)

    def terminate(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.terminate()
        return self.process.wait(START_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Marketplace:
    """The four services as the base manifests run them, and some more."""

    auth: Running
    users: Running
    leads: Running
    buyers: Running
    disturbed: Running
    """The second replica of leads; tests that switch faults on put it right again."""
    forlorn: Running
    """A replica of buyers whose auth is a stand-in, whose leads is the disturbed one, and whose users is away.

    Its switches are open, too, but its readiness is stuck.
    """
    spares: list[Running]
    """More replicas of leads with open switches, for tests that end them; they start while other tests run."""

    def service(self, name: str) -> Running:
        running: Running = getattr(self, name)
        return running


class StandIn(ThreadingHTTPServer):
    """Answers every GET in the way that it is told to."""

    daemon_threads = True
    status = 200
    body = "{}"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _StandInHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _StandInHandler(BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Launcher:
    """Starts processes and ends them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.urls: dict[str, str] = {}
        self.token = ""
        self._started: list[Running] = []
        self.ports = free_ports()

    def launch(self, service: str, pod: str, **more: str) -> Running:
        """Start a process without waiting for it."""
        port, faults_port = next(self.ports), next(self.ports)
        own = {"PORT": str(port), "FAULTS_PORT": str(faults_port), **self.urls, **more}
        with (self.folder / f"{pod}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "marketplace"],
                env=interpreter_environment() | manifest_environment(service, pod) | own,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        running = Running(service, pod, port, faults_port, process, self.folder / f"{pod}.log", self.token)
        self._started.append(running)
        return running

    def start(self, service: str, pod: str, **more: str) -> Running:
        running = self.launch(service, pod, **more)
        running.await_start()
        return running

    def end_all(self) -> None:
        for running in self._started:
            running.kill()


def wait_until(holds: Callable[[], bool], *, within_seconds: float) -> None:
    """Poll; on a busy machine a process that was told something needs a moment."""
    end = time.monotonic() + within_seconds
    while not holds():
        assert time.monotonic() < end, f"not within {within_seconds} s"
        time.sleep(0.02)


def free_ports() -> Iterator[int]:
    """Yield free ports below the range that outgoing connections take theirs from; workers of one run share none."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = range(20000 + worker, 32000, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    for port in random.SystemRandom().sample(ports, len(ports)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                yield port


def interpreter_environment() -> dict[str, str]:
    """Return what an interpreter needs in order to find the services, and nothing else of this process."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "reference"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def manifest_environment(service: str, pod: str) -> dict[str, str]:
    """Return the environment of the service's container as kustomize and kubelet make it."""
    documents = [*_documents(BASE / "defaults" / "deployment.yaml"), *_documents(BASE / f"{service}.yaml")]
    deployments = [document for document in documents if document["kind"] == "Deployment"]
    containers = [each["spec"]["template"]["spec"]["containers"][0] for each in deployments]
    return {entry["name"]: _value(entry, pod) for container in containers for entry in container["env"]}


def _value(entry: Mapping[str, Any], pod: str) -> str:
    if "value" in entry:
        return str(entry["value"])
    source = entry["valueFrom"]
    if "secretKeyRef" in source:
        return str(TOKEN_KEY)
    return {"metadata.name": pod, "spec.nodeName": "node-a"}[source["fieldRef"]["fieldPath"]]


def _documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))
