"""Reads YAML files that a person wrote, and tells in one line when that cannot be done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from seatrial.errors import UsageError


def read_beside(path: Path) -> Any:
    """Return what a small file beside an overlay holds; raises UsageError in one short line when it is no YAML."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: not YAML: {str(error).splitlines()[0]}") from error


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
