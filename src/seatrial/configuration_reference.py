"""Writes ``docs/configuration.md``, the reference of ``system.yaml``, from the model itself.

``python -m seatrial.configuration_reference`` prints it; with ``--write`` it goes to its place.
"""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

from seatrial.paths import ROOT
from seatrial.plain_words import Schema, definition_name, required, resolve, right, whole_schema

PLACE = ROOT / "docs" / "configuration.md"
TITLES = {"JourneyStep": "Journey step", "RequestLog": "Request log", "System": "Top level"}
INTRODUCTION = """\
# Configuration: `system.yaml`

One file describes the system under test: its services, who calls whom, how a customer logs in, and how strict the
trial is. Steps, checks and experiments know nothing else about the system, so another one is tried by another file:

```console
$ pytest features/ --system its/system.yaml --overlay its/manifests/
```

This is enough for two services of which one calls the other:

```yaml
name: shop
namespace: shop
services:
  - name: web
  - name: stock
edges:
  - caller: web
    callee: stock
    request: {path: /items}
```

What each part makes possible:

| part | needed for |
|---|---|
| `services` | discovery, balancing, scaling, health and failover of each service |
| `allow_clusters` | faults on a cluster that was not created here (`experiments/README.md`) |
| `services[].headless` | the names of single replicas |
| `services[].external` or `gateway`, `journey` | load from outside while a fault is on |
| `services[].direct` | what a mesh, or a gateway, costs beside the direct way |
| `edges` | calls between services |
| `vantage_beside` | load on these calls from the callers' own pods |
| `login` | any request with `login: true` |
| `gateway` | routes, privacy and quotas of the front door, in overlays that have one |
| `gateway.ejection`, `gateway.routes[].concurrent` | what it does when replicas fail, or too many come at once |
| `mesh` | proof of who calls whom, in overlays that have a mesh |
| `faults` | replicas that turn unready or hang; without it these scenarios are skipped |
| `largest` | the memory that many large requests at a time need |
| `autoscaling` | services that scale by themselves, and what their autoscalers know |
| `request_log` | counting what replicas saw of a request: retries, replicas that are left out |

Rules that the tables cannot show:

- Every problem of a file is told at once, one line each, with its line, its field and what would be right:
  `system.yaml:14: services[1].port: 'eighty' is not a port; give an integer from 1 to 65535`. The exit code is then 2.
- Names of services and of journey steps occur once; `caller`, `callee` and `service` name a declared service.
- A service that the journey asks has `external`, unless there is a `gateway`; a request with `login: true` needs the
  part `login`.
- A route with `pending` has `concurrent`, too.
- `largest.request` has a mapping as `json`, and `autoscaling.max_replicas` is above `min_replicas`.
- `hang_withdrawal_seconds` is at least `withdrawal_seconds`, because the same probe notices both.
- `affinity` names a cookie or a header, not both, and excludes `balancing` and `split`; `split.service` is none of the
  declared services.
- A value may be repeated by a YAML anchor and alias; merges (`<<`) are refused.

The rest of this page is made from the model in `src/seatrial/system.py` by
`python -m seatrial.configuration_reference --write`; a test tells when it is out of date.
"""


def reference() -> str:
    """Return the whole page."""
    definitions = whole_schema()["$defs"]
    parts = [("System", whole_schema()), *((name, definitions[name]) for name in _order(whole_schema()))]
    return "\n".join([INTRODUCTION, *(_section(name, schema) for name, schema in parts)])


def _order(schema: Schema) -> list[str]:
    """Return the names of all parts, each after the first part that has it as a field."""
    found: list[str] = []
    for name in filter(None, map(definition_name, schema.get("properties", {}).values())):
        found += [each for each in (name, *_order(whole_schema()["$defs"][name])) if each not in found]
    return found


def _section(name: str, schema: Schema) -> str:
    rows = [_row(field, inner, field in required(schema)) for field, inner in schema["properties"].items()]
    head = ["| field | takes | default | meaning |", "|---|---|---|---|"]
    return "\n".join([f"## {_title(name)}", "", _text(schema["description"]), "", *head, *rows, ""])


def _row(field: str, schema: Schema, needed: bool) -> str:
    default = "**required**" if needed else _default(schema)
    meaning = schema.get("description") or resolve(schema).get("description", "")
    cells = (f"`{field}`", _takes(schema), default, _text(meaning))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _takes(schema: Schema) -> str:
    name = definition_name(schema)
    if not name:
        return right(resolve(schema))
    link = f"[{_title(name).lower()}](#{_title(name).lower().replace(' ', '-')})"
    if schema.get("type") != "array":
        return f"a mapping: {link}"
    return f"a list of mappings{', not empty' if schema.get('minItems') else ''}: {link}"


def _default(schema: Schema) -> str:
    value: Any = schema.get("default")
    if value is None or value == []:
        return "none"
    if isinstance(value, dict):
        return "the defaults there"
    if value == "":
        return "see meaning"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _title(name: str) -> str:
    return TITLES.get(name, name)


def _text(docstring: str) -> str:
    return re.sub(r"\s+", " ", docstring.replace("``", "`")).strip()


def main() -> None:
    """Print the page, or write it to its place."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.configuration_reference", description=main.__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/configuration.md")
    if parser.parse_args().write:
        PLACE.write_text(reference(), encoding="utf-8")
    else:
        print(reference(), end="")


if __name__ == "__main__":
    main()
