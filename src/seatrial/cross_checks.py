"""What must fit together between the parts of ``system.yaml``.

The checks read the file's plain values, and pass over whatever has the wrong shape: the model tells that. So one
run tells everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from seatrial.located_yaml import Loc
from seatrial.system import Identity
from seatrial.system_capacity import Autoscaling
from seatrial.system_gateway import is_below
from seatrial.tolerances import Tolerances

Finding = tuple[Loc, str]
Part = tuple[Loc, dict[str, Any]]


def cross_problems(data: dict[str, Any]) -> Iterator[Finding]:
    """Yield where the parts of a description contradict each other, and what would be right."""
    yield from _repeated(data, "services", "a service")
    yield from _repeated(data, "journey", "a step")
    yield from _undeclared(data)
    yield from _needless_edges(data)
    yield from _logins(data)
    yield from _outside(data)
    yield from _affinities(data)
    yield from _splits(data)
    yield from _unrouted(data)
    yield from _headers(data)
    yield from _queues(data)
    yield from _padded(data)
    yield from _scales(data)
    yield from _bounds(data)


def _part(data: dict[str, Any], *keys: str) -> Iterator[Part]:
    for key in keys:
        if isinstance(data.get(key), dict):
            yield (key,), data[key]


def _parts(data: dict[str, Any], *keys: str) -> Iterator[Part]:
    for key in keys:
        items = data.get(key)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict):
                yield (key, index), item


def _routes(data: dict[str, Any]) -> Iterator[Part]:
    for loc, gateway in _part(data, "gateway"):
        yield from (((*loc, *rest), route) for rest, route in _parts(gateway, "routes"))


def _forwarded(data: dict[str, Any]) -> Iterator[Part]:
    for loc, gateway in _part(data, "gateway"):
        yield from (((*loc, *rest), part) for rest, part in _part(gateway, "forwarded"))


def _names(data: dict[str, Any]) -> list[str]:
    return [part["name"] for _, part in _parts(data, "services") if isinstance(part.get("name"), str)]


def _repeated(data: dict[str, Any], key: str, what: str) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for loc, part in _parts(data, key):
        name = part.get("name")
        if isinstance(name, str) and seen.setdefault(name, int(loc[1])) != loc[1]:
            yield (*loc, "name"), f"{name!r} is already the name of {key}[{seen[name]}]; give {what} a name of its own"


def _undeclared(data: dict[str, Any]) -> Iterator[Finding]:
    names = _names(data)
    places = [(place, field) for place in _parts(data, "edges") for field in ("caller", "callee")]
    asked = (*_part(data, "login", "largest", "autoscaling"), *_parts(data, "journey"), *_routes(data))
    places += [(place, "service") for place in asked]
    for (loc, part), field in places:
        name = part.get(field)
        if isinstance(name, str) and name not in names:
            yield (*loc, field), f"{name!r} is not a declared service; {nearest(name, names, 'declare one')}"


def _needless_edges(data: dict[str, Any]) -> Iterator[Finding]:
    for loc, edge in _parts(data, "edges"):
        if isinstance(edge.get("caller"), str) and edge["caller"] == edge.get("callee"):
            yield (*loc, "callee"), f"{edge['callee']!r} calls itself; give two different services"


def _logins(data: dict[str, Any]) -> Iterator[Finding]:
    single = (*_part(data, "login", "largest"), *_forwarded(data))
    for loc, part in (*_parts(data, "edges", "journey"), *_routes(data), *single):
        request = part.get("request")
        if not isinstance(request, dict) or request.get("login") is not True:
            continue
        if loc == ("login",):
            yield (*loc, "request", "login"), "the request for a token cannot need a token; leave it out"
        elif data.get("login") is None:
            yield (*loc, "request", "login"), "true needs the part login, which is missing; declare it at the top level"


def _outside(data: dict[str, Any]) -> Iterator[Finding]:
    if data.get("gateway") is not None:
        return
    inside = {part.get("name") for _, part in _parts(data, "services") if part.get("external") is None}
    for loc, step in _parts(data, "journey"):
        name = step.get("service")
        if isinstance(name, str) and name in inside:
            yield (*loc, "service"), f"{name!r} cannot be reached from outside; give that service the field external"


def _affinities(data: dict[str, Any]) -> Iterator[Finding]:
    for loc, route in _routes(data):
        affinity = route.get("affinity")
        if not isinstance(affinity, dict) or not set(affinity) <= {"cookie", "header"}:
            continue
        given = [name for name, value in affinity.items() if value is not None]
        if len(given) != 1:
            what = "both cookie and header are given; keep one of them" if given else "is empty; give cookie or header"
            yield (*loc, "affinity"), what
        for beside in ("balancing", "split"):
            if route.get(beside) is not None:
                yield (*loc, beside), "says nothing where customers stay with a replica (affinity); leave it out"


def _splits(data: dict[str, Any]) -> Iterator[Finding]:
    named = [part for _, part in _parts(data, "services") if isinstance(part.get("name"), str)]
    objects = {part["name"]: part.get("service", part["name"]) for part in named}
    for loc, route in _routes(data):
        split = route.get("split")
        name = split.get("service") if isinstance(split, dict) else None
        if isinstance(name, str) and name in objects.values():
            yield (
                (*loc, "split", "service"),
                f"{name!r} is the Service of a declared service; give the name of the other version's Service",
            )


def _unrouted(data: dict[str, Any]) -> Iterator[Finding]:
    routes = [part["path"] for _, part in _routes(data) if isinstance(part.get("path"), str)]
    for above, forwarded in _forwarded(data):
        for loc, request in _part(forwarded, "request"):
            path = request.get("path")
            if isinstance(path, str) and not any(is_below(path, route) for route in routes):
                told = f"no route leads to {path!r}; give a path below {' or '.join(routes) or 'a declared one'}"
                yield (*above, *loc, "path"), told


def _headers(data: dict[str, Any]) -> Iterator[Finding]:
    for loc, part in _part(data, "identity"):
        header = part.get("header", Identity().header)
        called = part.get("called_header", Identity().called_header)
        if isinstance(header, str) and isinstance(called, str) and header.lower() == called.lower():
            yield loc, f"header and called_header are both {header!r}; give two different headers"


def _queues(data: dict[str, Any]) -> Iterator[Finding]:
    for loc, route in _routes(data):
        if route.get("pending") is not None and route.get("concurrent") is None:
            yield (*loc, "pending"), "nobody waits where all are let through; declare concurrent, or leave it out"


def _padded(data: dict[str, Any]) -> Iterator[Finding]:
    for above, largest in _part(data, "largest"):
        for loc, request in _part(largest, "request"):
            if not isinstance(request.get("json"), dict):
                yield (*above, *loc), "there is no body that a field could be added to; give a mapping as json"


def _scales(data: dict[str, Any]) -> Iterator[Finding]:
    for loc, part in _part(data, "autoscaling"):
        least, most = (
            part.get(name, Autoscaling.model_fields[name].default) for name in ("min_replicas", "max_replicas")
        )
        if all(isinstance(each, int) for each in (least, most)) and most <= least:
            yield loc, f"nothing scales from {least} to {most}; give max_replicas above min_replicas"


def _bounds(data: dict[str, Any]) -> Iterator[Finding]:
    usual = Tolerances()
    for loc, part in _part(data, "tolerances"):
        ready = part.get("withdrawal_seconds", usual.withdrawal_seconds)
        hung = part.get("hang_withdrawal_seconds", usual.hang_withdrawal_seconds)
        if all(isinstance(bound, int | float) for bound in (ready, hung)) and hung < ready:
            text = f"a hang is noticed by the same probe: hang_withdrawal_seconds ({hung:g}) is below"
            yield loc, f"{text} withdrawal_seconds ({ready:g}); give at least {ready:g}"


def nearest(name: str, known: list[str], otherwise: str) -> str:
    """Return a question for the name that was probably meant, or what there is to choose from."""
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"choose from {', '.join(dict.fromkeys(known))}" if known else otherwise
