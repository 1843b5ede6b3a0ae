"""What an overlay stands on beside the cluster, by the file beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.cluster.addons import load_addons
from seatrial.cluster.istio import ADDON
from seatrial.errors import UsageError

REMEDY = "is no list of add-ons; give for instance [istio]"


def test_an_overlay_without_the_file_needs_none(tmp_path: Path) -> None:
    assert load_addons(tmp_path) == ()


@pytest.mark.parametrize(
    ("text", "addons"), [("[]", ()), ("[istio]\n", (ADDON,)), ("- istio\n", (ADDON,)), ("[istio, istio]", (ADDON,))]
)
def test_each_is_named_and_comes_once(tmp_path: Path, text: str, addons: tuple[str, ...]) -> None:
    (tmp_path / "addons.yaml").write_text(text)
    assert load_addons(tmp_path) == addons


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", f"None {REMEDY}"),
        ("istio", f"'istio' {REMEDY}"),
        ("istio: true", f"{{'istio': True}} {REMEDY}"),
        ("[linkerd]", f"['linkerd'] {REMEDY}"),
        ("[istio, linkerd]", f"['istio', 'linkerd'] {REMEDY}"),
        ("[[istio]]", f"[['istio']] {REMEDY}"),
        ("[1]", f"[1] {REMEDY}"),
        ("[istio", "not YAML: while parsing a flow sequence"),
        (b"- \xff", "not YAML: 'utf-8' codec can't decode byte 0xff in position 2: invalid start byte"),
    ],
)
def test_anything_else_is_told_with_the_file(tmp_path: Path, text: str | bytes, complaint: str) -> None:
    (tmp_path / "addons.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(UsageError) as caught:
        load_addons(tmp_path)
    assert str(caught.value) == f"{tmp_path}/addons.yaml: {complaint}"
