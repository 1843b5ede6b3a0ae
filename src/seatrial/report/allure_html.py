"""One self-contained HTML report, made by Allure 3 (npm) where Node.js is present.

``allure generate`` ends with 0 on empty results and on much else, so what it wrote is opened and looked through.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml

from seatrial.command import capture, logged
from seatrial.errors import EnvironmentFault
from seatrial.paths import ROOT

PACKAGE = ROOT / "images" / "allure"
"""Holds ``package.json`` and ``package-lock.json``: the generator, exactly pinned, with hashes."""
INSTALL_SECONDS = 300.0
GENERATE_SECONDS = 120.0
HISTORY_RUNS = 60
"""Runs kept in the history: two months of nights."""


def tell(results: Path, reports: Path, cache: Path) -> str:
    """Build the report and return one line for the end of the run; trouble is told, never raised."""
    try:
        return f"report:  {build(results, reports / 'allure-report' / 'index.html', reports / 'history.jsonl', cache)}"
    except EnvironmentFault as error:
        return f"report:  no HTML report: {str(error).splitlines()[0]}"
    except (OSError, ValueError, LookupError) as error:  # a full disk, a result that was cut off: the run goes on
        return f"report:  no HTML report: {type(error).__name__}: {error}"


def build(results: Path, report: Path, history: Path, cache: Path) -> Path:
    """Build ``report`` from ``results``; ``history`` (JSON lines) gains the run, ``cache`` holds the generator.

    Raises EnvironmentFault when Node.js is missing, the generator cannot be installed, or the report lacks a scenario.
    """
    names = scenario_names(results)
    if not names:
        raise EnvironmentFault(f"{results} holds no results")
    generator = install(cache)
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "allurerc.yml")
        settings.write_text(yaml.safe_dump(_settings(Path(folder, "out"), history)), encoding="utf-8")
        history.parent.mkdir(parents=True, exist_ok=True)
        capture(
            *("node", generator, "generate", f"--config={settings}", f"--cwd={results.parent}", results),
            timeout_seconds=GENERATE_SECONDS,
        )
        made = Path(folder, "out", "index.html")
        verify(made, names)
        report.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, report)
    return report


def install(cache: Path) -> Path:
    """Install the pinned generator once per lock file and return its entry; raises EnvironmentFault."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise EnvironmentFault(f"{program} is not installed", remedy="install Node.js 20 or later")
    lock = (PACKAGE / "package-lock.json").read_bytes()
    home = cache / hashlib.sha256(lock).hexdigest()[:12]
    entry = home / "node_modules" / "allure" / "cli.js"
    complete = home / "complete"
    if not complete.exists():
        home.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PACKAGE / name, home)
        logged(
            ["npm", "ci", "--prefix", home, "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"],
            home / "install.log",
            cwd=home,
            timeout_seconds=INSTALL_SECONDS,
        )
        complete.touch()
    return entry


def scenario_names(results: Path) -> set[str]:
    """Return the names of all results in a folder."""
    return {json.loads(path.read_text(encoding="utf-8"))["name"] for path in results.glob("*-result.json")}


def verify(report: Path, names: set[str]) -> None:
    """Make sure that the report holds every scenario; raises EnvironmentFault."""
    if not report.is_file():
        raise EnvironmentFault("the Allure generator wrote no report")
    missing = names - embedded_names(report.read_text(encoding="utf-8"))
    if missing:
        raise EnvironmentFault(f"the Allure report lacks {len(missing)} of {len(names)} scenarios: {min(missing)!r} …")


def embedded_names(html: str) -> set[str]:
    """Return the names of the results inside a single-file report (base64 of JSON, one per result)."""
    found = set()
    for text in re.findall(r'"data/test-results/[^"]+",\s*"([A-Za-z0-9+/=]+)"', html):
        try:
            found.add(json.loads(base64.b64decode(text))["name"])
        except (binascii.Error, ValueError, KeyError) as error:
            raise EnvironmentFault(f"the Allure report holds a result that cannot be read: {error}") from error
    return found


def _settings(output: Path, history: Path) -> dict[str, Any]:
    """Return the generator's configuration; it refuses keys that it does not know."""
    return {
        "name": "Sea Trial",
        "output": str(output),
        "historyPath": str(history),
        "appendHistory": True,
        "historyLimit": HISTORY_RUNS,
        "categories": [
            {"name": "Criterion not met", "matchers": {"labels": {"verdict": "failed"}}},
            {"name": "No verdict possible", "matchers": {"labels": {"verdict": "inconclusive"}}},
            {"name": "Environment at fault", "matchers": {"labels": {"verdict": "environment"}}},
        ],
        "plugins": {
            "awesome": {
                "options": {"singleFile": True, "reportLanguage": "en", "groupBy": ["epic", "feature", "story"]}
            }
        },
    }
