"""The words for what an operation does on a damaged object. `zapcore.verify.trials` finds out what it
does."""

from __future__ import annotations

import enum
from typing import NamedTuple

from zapcore.zap.name import Key

OPERATIONS = ("lookup", "add", "remove", "cursor", "split", "upgrade", "count")
"""`cursor` is what readdir does. `split` is what an add does to a full leaf. `upgrade` is what an add does to
a micro ZAP that must become fat. `add` stands for update as well. `count` is what rmdir asks for."""


class Effect(enum.StrEnum):
    """What becomes of an operation, the worst first."""

    HANG = "never ends"
    OUTSIDE = "reads or writes outside of the block"
    PANIC = "panics in every build"
    WRONG = "goes wrong"


class Hazard(NamedTuple):
    """What one operation does because of damage on `block`, with `why` as a sentence.

    `times` is how many keys showed it. `key` is one of them, or None if it concerns the whole object. If
    `hash` is given, the key is any that is not there and has that hash. `code` is one of CODES if the effect
    is WRONG, else the effect's name in lower case. `assertion` is what fails first in a build with
    assertions, if anything does.
    """

    block: int
    operation: str
    effect: Effect
    why: str
    code: str
    key: Key | None = None
    hash: int | None = None
    times: int = 1
    assertion: str = ""


CODES = {
    "not-found": "{} is there and is not found (ENOENT)",
    "added-twice": "{} is there and is added a second time",
    "other-value": "{} gives a value that is another's",
    "errno": "{} gives {error}",
    "stays": "{} is still there after it was removed: it was there twice",
    "left-out": "{} is there and does not appear",
    "others-lost": "{count} entries that were there are damaged or not found afterwards",
    "new-damage": "chunks become linked twice, and will be written over",
    "count": "zap_count() says {counted}, and {count} entries are there, which rmdir asks",
}
"""What goes wrong, by its code, as a sentence. {} is a key."""
