"""Does anybody answer at the addresses that customers come to?"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from seatrial.errors import EnvironmentFault

ANSWER_SECONDS = 3.0


def require_answers(urls: Mapping[str, str]) -> None:
    """Connect once to each address; raises EnvironmentFault that tells all that do not answer, and for whom."""
    dumb = {url: why for url in dict.fromkeys(urls.values()) if (why := _refusal(url))}
    if dumb:
        services = {url: ", ".join(name for name, each in urls.items() if each == url) for url in dumb}
        told = "; ".join(f"{url} ({services[url]}): {why}" for url, why in dumb.items())
        raise EnvironmentFault(
            f"nobody answers at {told}; nothing was started", remedy="run 'seatrial up', or see 'seatrial status'"
        )


def _refusal(url: str) -> str:
    """Return why no connection comes about, empty when one does."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname, parts.port), ANSWER_SECONDS):
            return ""
    except TimeoutError:
        return f"no answer in {ANSWER_SECONDS:g} s"
    except OSError as error:
        return error.strerror or str(error)
