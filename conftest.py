"""Loads the project's pytest plugin, and for runs of features the step definitions and fixtures.

The framework's own tests (``pytest tests/``) get neither: they need no cluster and must not meet one by accident.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.report.features import asks_for_features

pytest_plugins = ["seatrial.plugin"]

HERE = Path(__file__).parent
FOLDERS = ("fixtures", "steps")


def pytest_configure(config: pytest.Config) -> None:
    if asks_for_features(config):
        pytest.register_assert_rewrite(*FOLDERS)
        for path in (path for folder in FOLDERS for path in sorted((HERE / folder).glob("[!_]*.py"))):
            config.pluginmanager.import_plugin(f"{path.parent.name}.{path.stem}")
