"""Reads system.yaml."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from seatrial.system import System


def load_system(path: Path) -> System:
    return System.model_validate_json(json.dumps(yaml.safe_load(path.read_text())))
