"""Tiny experiments over a module of functions that come to every kind of end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

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
