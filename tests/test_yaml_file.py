"""A YAML file that cannot be read is told in one line, with what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.yaml_file import read_yaml


def refusal_of(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_yaml(path, when_missing="write it", when_broken="see the guide")
    return str(caught.value)


def test_what_a_file_holds_is_returned(tmp_path: Path) -> None:
    file = tmp_path / "calls.yaml"
    file.write_text("a: [1, ö]\n", encoding="utf-8")
    assert read_yaml(file, when_missing="") == {"a": [1, "ö"]}


def test_each_trouble_has_its_remedy(tmp_path: Path) -> None:
    file = tmp_path / "calls.yaml"
    assert refusal_of(file) == f"{file}: No such file or directory; write it"
    assert refusal_of(tmp_path) == f"{tmp_path}: Is a directory; write it"
    file.write_bytes(b"\xff")
    assert refusal_of(file) == f"{file}: is not UTF-8 text; save the file as UTF-8"
    file.write_text("a: ]\nb")
    assert refusal_of(file).startswith(f"{file}: not YAML: while parsing a block node")
    assert refusal_of(file).endswith("; see the guide")
    assert "\n" not in refusal_of(file)
