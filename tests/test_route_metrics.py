"""How an overlay's gateway names what it counts: each problem of the file, in one line with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.capabilities import load_capabilities
from seatrial.errors import UsageError
from seatrial.paths import ROOT
from seatrial.route_metrics import RouteMetrics, load_route_metrics
from seatrial.system_file import load_system
from seatrial.system_gateway import Gateway, Route

GATEWAY = Gateway(
    host="shop.test", routes=(Route(path="/items", service="items"), Route(path="/orders", service="orders"))
)
GOOD = """\
port: 4040
requests: answers_total
latency: answer_seconds
status_label: code
routes:
  /items: {route: items}
  /orders: {route: 'orders|old-.*', way: in}
"""


def load(folder: Path, text: str) -> RouteMetrics | None:
    (folder / "metrics.yaml").write_text(text, encoding="utf-8")
    return load_route_metrics(folder, GATEWAY)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        load(folder, text)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{folder}/metrics.yaml:") for line in lines), lines
    return [line.removeprefix(f"{folder}/metrics.yaml:") for line in lines]


def test_a_good_file_is_read(tmp_path: Path):
    metrics = load(tmp_path, GOOD)
    assert metrics
    assert (metrics.port, metrics.path, metrics.requests, metrics.latency) == (
        4040,
        "/metrics",
        "answers_total",
        "answer_seconds",
    )
    assert metrics.routes == {"/items": {"route": "items"}, "/orders": {"route": "orders|old-.*", "way": "in"}}


def test_an_overlay_without_the_file_says_nothing(tmp_path: Path):
    assert load_route_metrics(tmp_path, GATEWAY) is None


FIELDS = "port, path, requests, latency, status_label, routes"


@pytest.mark.parametrize(
    ("good", "bad", "line"),
    [
        ("port: 4040", "port: x", "1: port: 'x' will not do; give an integer from 1 to 65535"),
        ("port: 4040", "port: 0", "1: port: 0 will not do; give an integer from 1 to 65535"),
        ("port: 4040\n", "", "1: port: is missing; give an integer from 1 to 65535"),
        ("port: 4040", "port: 1\npaths: /", "2: paths: there is no such field; did you mean path?"),
        ("port: 4040", "port: 1\nzzz: /", f"2: zzz: there is no such field; choose from {FIELDS}"),
        ("answers_total", "a-b", "2: requests: 'a-b' will not do; give the name of a metric"),
        ("answer_seconds", "'{a}'", "3: latency: '{a}' will not do; give the name of a metric"),
        ("code", "a:b", "4: status_label: 'a:b' will not do; give a label's name"),
        ("{route: items}", "items", "6: routes./items: 'items' will not do; give a mapping of labels"),
        ("{route: items}", "{route: 1}", "6: routes./items.route: 1 will not do; give a pattern as text"),
        ("{route: items}", "{}", "6: routes./items: is empty; give at least one label and the pattern of its value"),
        (
            "route: items",
            "route: '(items'",
            "6: routes./items.route: '(items' is not a regular expression: "
            "missing ), unterminated subpattern at position 0",
        ),
        (
            "  /items: {route: items}\n",
            "",
            "5: routes: nothing is said about /items; give the labels of each declared route",
        ),
        (
            "routes:\n",
            "routes:\n  /item: {route: x}\n",
            "6: routes./item: '/item' is not a declared route; did you mean /items?",
        ),
        (
            "routes:\n",
            "routes:\n  /items: {route: x}\n",
            "7: routes./items: is given twice, first in line 6; keep one of them",
        ),
        ("port: 4040", "port: [", "3: is not YAML: expected ',' or ']', but got ':'"),
    ],
)
def test_one_problem_is_told_in_one_line(tmp_path: Path, good: str, bad: str, line: str):
    assert problems(tmp_path, GOOD.replace(good, bad, 1)) == [line]


@pytest.mark.parametrize("text", ["", "[]", "x"])
def test_a_file_that_is_no_mapping_is_told(tmp_path: Path, text: str):
    needed = "port, requests, latency, status_label, routes"
    assert problems(tmp_path, text) == [f"1: a mapping is wanted here; give at least {needed}"]


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path):
    text = GOOD.replace("4040", "x").replace("code", "a:b").replace("{route: items}", "{route: '('}")
    assert [line.partition(":")[0] for line in problems(tmp_path, text)] == ["1", "4", "6"]


def test_a_file_that_is_no_text_is_told(tmp_path: Path):
    (tmp_path / "metrics.yaml").write_bytes(b"port: \xff")
    with pytest.raises(UsageError, match=r"metrics.yaml: cannot be read: 'utf-8' codec can't decode byte 0xff"):
        load_route_metrics(tmp_path, GATEWAY)


@pytest.mark.parametrize("overlay", sorted((ROOT / "manifests" / "overlays").glob("*/metrics.yaml")), ids=str)
def test_the_files_of_our_overlays_fit_the_system(overlay: Path):
    gateway = load_system(ROOT / "system.yaml").gateway
    assert gateway
    assert load_route_metrics(overlay.parent, gateway)


def test_every_overlay_that_promises_to_count_by_route_says_how_and_no_other_does():
    overlays = [path.parent for path in (ROOT / "manifests" / "overlays").glob("*/capabilities.yaml")]
    counting = {overlay.name for overlay in overlays if load_capabilities(overlay).get("counts") is True}
    assert counting == {overlay.name for overlay in overlays if (overlay / "metrics.yaml").exists()}
    assert counting == {"istio", "nginx"}
