"""What Schemathesis is told to do, as the text of its configuration file (``schemathesis.toml``)."""

from __future__ import annotations

import json
from collections.abc import Mapping

AUTHORITY = "authority.pem"
EVENTS = "events.ndjson"
TOKEN = "SEATRIAL_TOKEN"
"""Environment variable of the child that holds the token: it is in no file and in no list of processes."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
)
"""Those that judge one answer by the description alone; what a good request gets (a 404, say) depends on the data."""


def configuration(
    base_url: str,
    *,
    seed: int,
    examples: int,
    timeout_seconds: float,
    authority: bool,
    token: bool,
    paces: Mapping[str, int],
) -> str:
    """Return the file's text; ``authority`` and ``token`` say whether there is one, ``paces`` maps path to requests a
    second.
    """
    lines = [
        f"base-url = {json.dumps(base_url)}",
        f"seed = {seed}",
        f"request-timeout = {timeout_seconds}",
        # a redirection is an answer like others
        "max-redirects = 0",
        "warnings = false",
        "color = false",
        "cache = { enabled = false }",
        f'reports = {{ ndjson = {{ enabled = true, path = "{EVENTS}" }} }}',
        f'generation = {{ max-examples = {examples}, database = "none" }}',
        # methods that nobody described, and chains of requests, are not what is tried here
        "phases = { coverage = { unexpected-methods = [] }, stateful = { enabled = false } }",
    ]
    lines += [f'tls-verify = "{AUTHORITY}"'] if authority else []
    lines += [f'headers = {{ Authorization = "Bearer ${{{TOKEN}}}" }}'] if token else []
    lines += ["[checks]", "enabled = false", *(f"{check} = {{ enabled = true }}" for check in CHECKS)]
    for path, pace in paces.items():
        lines += ["[[operations]]", f"include-path = {json.dumps(path)}", f'rate-limit = "{pace}/s"']
    return "\n".join([*lines, ""])
