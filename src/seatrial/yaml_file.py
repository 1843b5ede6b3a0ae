"""Reads a YAML file that a person wrote, and tells in one line when it cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from seatrial.errors import UsageError


def read_yaml(path: Path, *, when_missing: str, when_broken: str = "") -> Any:
    """Return what a file holds; raises UsageError with the file, what is wrong, and the remedy for that."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", remedy=when_missing) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text", remedy="save the file as UTF-8") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: not YAML: {' '.join(str(error).split())}", remedy=when_broken) from error
