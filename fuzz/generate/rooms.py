"""How much room a call is given for a value or a name: about as much as that takes.

The ZAP copies chunks of 21 bytes, and where the room is a little longer than what is copied, one that is
written whole would go beyond it.
"""

from __future__ import annotations

from random import Random

from fuzz.language.program import MAX_VALUE
from fuzz.language.verbs import NAME_ROOM
from zapcore.layout import ARRAY_BYTES


def room_for_value(rng: Random, length: int) -> int:
    """A number of bytes for a value of so many: a half of them, all, or a few more."""
    return min(length // rng.choice((1, 1, 2)) + _more(rng), MAX_VALUE)


def room_for_name(rng: Random, name: bytes) -> int:
    """A number of bytes for a name with its NUL: mostly 0, which stands for enough, else what it takes, a few
    more, or fewer."""
    if rng.random() < 0.7:
        return 0
    whole = len(name) + 1
    return min(rng.choice((whole + _more(rng), whole + _more(rng), whole - 1, whole // 2 + 1)), NAME_ROOM)


def _more(rng: Random) -> int:
    return rng.choice((0, rng.randrange(1, ARRAY_BYTES + 2)))
