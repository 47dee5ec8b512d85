"""What a row of the table of verbs has (`fuzz.language.verbs`)."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Subject(enum.Enum):
    """What an op's `subject` names."""

    NONE = enum.auto()
    ZAP = enum.auto()
    CURSOR = enum.auto()


class Effect(enum.Enum):
    """What an op does to the world if it succeeds."""

    LOOKS = enum.auto()
    """It changes no block."""
    BRINGS = enum.auto()
    """Its key is there afterwards."""
    TAKES = enum.auto()
    """Its key is not there afterwards."""
    MOVES = enum.auto()
    """An entry goes to another key, perhaps of another ZAP, or comes there, too."""
    OBJECT = enum.auto()
    """A whole object goes or comes."""
    TIME = enum.auto()
    """Txgs, caches and the pool move; no entry changes."""


class Number(NamedTuple):
    """A numeric argument of a verb: the field of `Op` that holds it, its own name as it stands in text, its
    default and its bounds (inclusive). Generators give one that is not `drawn` its default."""

    field: str
    word: str
    default: int
    low: int
    high: int
    choices: tuple[int, ...] = ()
    hex: bool = False
    drawn: bool = True


class Draw(NamedTuple):
    """How often a verb is drawn: `weight` by themed programs, which draw or leave out the verbs of a `group`
    together (but for those that are there `always`), `anywhere` by programs over the whole language. `bytes`
    are the first of the byte form's values that stand for the verb beside its opcode, and how many."""

    group: str = "answers"
    weight: int = 1
    anywhere: float = 1.0
    bytes: tuple[int, int] = (0, 0)
    always: bool = False


class Verb(NamedTuple):
    """A row of the table.

    `doc` is what people read, the OpenZFS function first. `key` says whether the op has a key, `to` a second
    one, `other` a second ZAP, `numbers` which numbers (as word=value in text). `names` says that OpenZFS has
    the verb only for keys that are names: with words it does nothing and returns ENOTSUP.

    `rank` orders verbs from simple to what needs more explaining, for the minimizer. `threads` says whether
    an op may stand in a section with threads. `steers` says that it decides which way a failure takes.
    `refused_if_there` says that an entry which is there already refuses the op."""

    subject: Subject
    effect: Effect
    doc: str
    key: bool = False
    to: bool = False
    other: bool = False
    numbers: tuple[Number, ...] = ()
    names: bool = False
    draw: Draw = Draw()
    rank: int = 99
    threads: bool = False
    steers: bool = False
    refused_if_there: bool = False
