"""Where things lie: the repository's own files and the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout. The framework runs from one: its manifests, images and features are part of it."""


def cache_root() -> Path:
    """Return the cache folder: ``SEATRIAL_CACHE``, else ``seatrial`` under the user's cache folder."""
    chosen = os.environ.get("SEATRIAL_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "seatrial"


def cached(*parts: str) -> Path:
    """Return a folder of the cache, made when missing."""
    folder = cache_root().joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
