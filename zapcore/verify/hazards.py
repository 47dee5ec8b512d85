"""What an operation comes to on a damaged object: the words for it. `zapcore.verify.trials` finds it out."""

from __future__ import annotations

import enum
from typing import NamedTuple

from zapcore.zap.name import Key

OPERATIONS = ("lookup", "add", "remove", "cursor", "split", "upgrade", "count")
"""`cursor` is what readdir does; `split` what an add does to a full leaf, `upgrade` what one does to a micro
ZAP that must become fat; `add` is update too; `count` is what rmdir asks."""


class Effect(enum.StrEnum):
    """What becomes of an operation, the worst first."""

    HANG = "never ends"
    OUTSIDE = "reads or writes outside of the block"
    PANIC = "panics in every build"
    WRONG = "goes wrong"


class Hazard(NamedTuple):
    """What one operation does because of damage: on `block`, `times` as often as that was seen, `why` in a
    sentence. `key` is one that shows it (with a `hash`, one of it that is not there), None for the whole.
    `code` is what happens: an Effect's name in small letters where it is not WRONG, else one of CODES.
    `assertion` is what fails first in a build with assertions, if anything."""

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
"""What goes wrong, with a sentence; {} is a key."""
