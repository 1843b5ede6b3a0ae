"""What people may say during a game day: lines such as ``pause`` or ``note …``, or single keys; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """All that can be asked for."""

    PAUSE = "pause"
    CONTINUE = "continue"
    SKIP = "skip"
    ABORT = "abort"
    NOTE = "note"


HELP = "pause, continue, skip, abort, note TEXT"
KEYS = {"p": Word.PAUSE, "c": Word.CONTINUE, "s": Word.SKIP, "a": Word.ABORT}
SHOWN = "p pause · c continue · s skip · a abort and heal · n note"
ENTER, ESCAPE, ERASE = ("\r", "\n"), "\x1b", ("\x7f", "\b")


@dataclass(frozen=True, slots=True)
class Order:
    """One of them."""

    word: Word
    text: str = ""
    """Of a note."""
    author: str = ""
    """Of a note that begins with ``@NAME``; empty: the lead."""


def read_order(line: str) -> Order | str:
    """Return what a line asks for, or what is wrong with it; empty for an empty line."""
    first, _, rest = line.strip().partition(" ")
    if not first:
        return ""
    try:
        word = Word(first.lower())
    except ValueError:
        return f"{first!r} is no order; say {HELP}"
    if word is not Word.NOTE:
        return Order(word) if not rest.strip() else f"{word} takes nothing after it; say {HELP}"
    author, text = "", rest.strip()
    if text.startswith("@"):
        author, _, text = text[1:].partition(" ")
    return Order(word, text.strip(), author) if text.strip() else "a note has a text: note TEXT, or note @NAME TEXT"


@dataclass
class Typing:
    """Keys as they are pressed: one key is one order, ``n`` begins a note, and ``:`` any line, until Enter."""

    line: str | None = None
    """What is typed so far; None while single keys count."""

    def press(self, key: str) -> Order | str:
        """Return the order that a key completes, or what is wrong; empty when it completes none."""
        if self.line is None:
            self.line = {"n": f"{Word.NOTE} ", ":": ""}.get(key)
            return Order(KEYS[key]) if key in KEYS else ""
        if key in ENTER:
            line, self.line = self.line, None
            return read_order(line)
        self.line = None if key == ESCAPE else self.line[:-1] if key in ERASE else self.line + key
        return ""
