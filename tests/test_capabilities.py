"""What an overlay promises, and the reason that a scenario is skipped with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from manifest_files import MANIFESTS, overlays, parts_of

from seatrial.capabilities import Capabilities, lacking, load_capabilities
from seatrial.errors import UsageError
from seatrial.paths import ROOT
from seatrial.report.catalogue import load_catalogue
from seatrial.report.gherkin import read_feature

OVERLAYS = overlays()
FEATURES = ROOT / "features"
CATALOGUE = load_catalogue(FEATURES / "criteria.yaml").capabilities


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gateway: true\n", {"gateway": True}),
        (
            "gateway: customers reach each service by its own port\n",
            {"gateway": "customers reach each service by its own port"},
        ),
        ("gateway: true\nmesh: no sidecars\n", {"gateway": True, "mesh": "no sidecars"}),
        ("# nothing yet\n", {}),
        ("", {}),
        ("{}", {}),
    ],
)
def test_each_capability_is_there_or_has_a_reason(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    (tmp_path / "capabilities.yaml").write_text(text)
    assert load_capabilities(tmp_path) == expected


def test_an_overlay_without_the_file_promises_nothing(tmp_path: Path) -> None:
    assert load_capabilities(tmp_path) == {}


MAPPING = "a mapping is wanted here; write for instance 'gateway: true'"
REASON = "neither true nor a reason; give true, or say in a sentence why the overlay does not have it"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- gateway\n", MAPPING),
        ("[]", MAPPING),
        ("gateway", MAPPING),
        ("false", MAPPING),
        ("gateway: false\n", f"gateway: False is {REASON}"),
        ("gateway:\n", f"gateway: None is {REASON}"),
        ("gateway: ' '\n", f"gateway: ' ' is {REASON}"),
        ("gateway: 1\n", f"gateway: 1 is {REASON}"),
        ("mesh: true\ngateway: [x]\n", f"gateway: ['x'] is {REASON}"),
        ("gateway: [x\n", "not YAML: while parsing a flow sequence"),
        (b"gateway: \xff", "not YAML: 'utf-8' codec can't decode byte 0xff in position 9: invalid start byte"),
    ],
)
def test_anything_else_is_told_with_the_file(tmp_path: Path, text: str | bytes, complaint: str) -> None:
    (tmp_path / "capabilities.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(UsageError) as caught:
        load_capabilities(tmp_path)
    assert str(caught.value) == f"{tmp_path}/capabilities.yaml: {complaint}"


@pytest.mark.parametrize(
    ("needed", "capabilities", "reason"),
    [
        ([], {}, ""),
        ([], {"gateway": "it has none"}, ""),
        (["gateway"], {"gateway": True}, ""),
        (["gateway"], {"gateway": "it has none"}, "overlay plain promises no gateway: it has none"),
        (["gateway"], {}, "overlay plain promises no gateway: it does not say that it has one"),
        (["gateway", "mesh"], {"mesh": "later", "gateway": "never"}, "overlay plain promises no gateway: never"),
        (["mesh", "gateway"], {"mesh": "later", "gateway": "never"}, "overlay plain promises no mesh: later"),
        (["gateway", "affinity"], {"gateway": "never"}, "overlay plain promises no gateway: never"),
        (["mesh", "gateway"], {"mesh": "later", "gateway": True}, "overlay plain promises no mesh: later"),
    ],
)
def test_a_scenario_lacks_what_is_not_promised(needed: list[str], capabilities: Capabilities, reason: str) -> None:
    assert lacking(needed, capabilities, "plain") == reason


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda folder: folder.name)
def test_every_overlay_answers_for_every_capability_of_the_catalogue_and_no_other(overlay: Path) -> None:
    """Without a gateway that is the whole answer to what only a gateway could do."""
    promised = load_capabilities(overlay)
    assert set(promised) == (set(CATALOGUE) if promised["gateway"] is True else set(CATALOGUE) - of_gateways())


def of_gateways() -> set[str]:
    """Return the capabilities that are asked for only where a gateway is asked for, too."""
    titles = [title for path in sorted(FEATURES.glob("*.feature")) for title in read_feature(path).titles]
    elsewhere = {tag for title in titles if "gateway" not in title.tags for tag in title.tags}
    return set(CATALOGUE) - elsewhere - {"gateway"}


def test_the_gateway_comes_first_in_the_catalogue_and_every_capability_is_asked_for() -> None:
    """What is told of several that an overlay lacks is the first."""
    assert next(iter(CATALOGUE)) == "gateway"
    asked = {tag for path in FEATURES.glob("*.feature") for title in read_feature(path).titles for tag in title.tags}
    assert set(CATALOGUE) <= asked
    assert {"quota", "redirect", "split"} <= of_gateways()
    assert of_gateways().isdisjoint({"mesh", "connections"})


def test_what_each_overlay_promises_stands_in_its_manifests() -> None:
    assert [overlay.name for overlay in OVERLAYS] == ["baseline", "ingress", "istio", "nginx"]
    for overlay in OVERLAYS:
        promised, parts = load_capabilities(overlay), parts_of(overlay)
        gateways = [part for part in parts if part.parent == MANIFESTS / "gateway"]
        assert (promised["gateway"] is True) == (len(gateways) == 1), overlay.name
        assert (promised["mesh"] is True) == (MANIFESTS / "mesh" in parts), overlay.name
        # sidecars balance requests, so that a connection is no unit there
        assert (promised["connections"] is True) == (promised["mesh"] is not True), overlay.name
