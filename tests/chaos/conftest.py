"""Tiny experiments over a module of functions that come to every kind of end."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import yaml

from seatrial.paths import ROOT

ACTS = """
import os, signal, time
from pathlib import Path
from seatrial.chaos.control import after_activity_control, before_activity_control

def steady(): return True
def unsteady(): return False
def broken(): raise RuntimeError("the probe broke")
def steady_once():
    seen = Path("asked").exists()
    Path("asked").touch()
    return not seen
def hit(): return ["auth-1"]
def miss(): return []
def refuse(): raise ValueError("auth-1\\nis not there")
def pause():
    time.sleep(0.5)
    return ["auth-1"]
def tell(): Path("told").write_text(f"{os.environ['SEATRIAL_NODE']} {os.environ['SEATRIAL_UNDO']}")
def hang():
    Path("acting").touch()
    time.sleep(30)
def die(): os.kill(os.getpid(), signal.SIGKILL)
def undo():
    Path("undone").touch()
    return True
def undo_forever(): time.sleep(30)
"""

Experiment = Callable[..., Path]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a child process that finds the acts."""
    folder = tmp_path_factory.mktemp("acts")
    (folder / "acts.py").write_text(ACTS)
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "src")]), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """Writes an experiment of these acts; it is named after the action of its method."""

    def write(act: str, *, steady: str = "steady", undo: str = "undo", then: str = "steady") -> Path:
        def run(kind: str, function: str) -> dict[str, object]:
            provider = {"type": "python", "module": "acts", "func": function}
            return {"type": kind, "name": function, "provider": provider}

        document = {
            "title": f"What comes of {act}",
            "description": "A test of the framework.",
            "steady-state-hypothesis": {"title": "steady", "probes": [run("probe", steady) | {"tolerance": True}]},
            "controls": [{"name": "acts", "provider": {"type": "python", "module": "acts"}}],
            "method": [run("action", act), run("probe", then) | {"name": f"effect-{then}", "tolerance": True}],
            "rollbacks": [run("action", undo)],
        }
        file = tmp_path / f"{act}.yaml"
        file.write_text(yaml.safe_dump(document))
        return file

    return write


class KubeApi(ThreadingHTTPServer):
    """Stands for an API server: collections are empty and changes are accepted, unless a test says otherwise."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[tuple[int, Any]]] = {}
        """By method and path with query: what is answered next; the last one stays."""
        self.changes: list[tuple[str, str, str, Any]] = []
        """Method, path, content type and body of all that was no GET."""

    def answer(self, request: str, *answers: tuple[int, Any]) -> None:
        self.answers[request] = list(answers)

    def items(self, path: str, *items: Any) -> None:
        self.answer(f"GET {path}", (200, {"items": list(items)}))

    @property
    def cluster(self) -> Any:
        url = f"http://127.0.0.1:{self.server_port}"
        found = SimpleNamespace(kubeconfig=Path("kubeconfig"), kubectl_path=Path("kubectl"), context=None, opt_in=None)
        found.http = lambda timeout_seconds: httpx.Client(
            base_url=url, timeout=timeout_seconds, trust_env=False, verify=False
        )
        found.another = lambda: found
        return found


def status(code: int, reason: str) -> tuple[int, Any]:
    """Return an answer of the API server's own."""
    return code, {"kind": "Status", "reason": reason, "message": "told"}


class _Handler(BaseHTTPRequestHandler):
    server: KubeApi

    def _answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command != "GET":
            body = json.loads(raw) if raw else None
            self.server.changes.append((self.command, self.path, self.headers["Content-Type"], body))
        queue = self.server.answers.get(f"{self.command} {self.path}") or [(200, {"items": []})]
        code, document = queue.pop(0) if len(queue) > 1 else queue[0]
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with KubeApi() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def told() -> Callable[[int, str], tuple[int, Any]]:
    """Makes answers of the API server's own."""
    return status
