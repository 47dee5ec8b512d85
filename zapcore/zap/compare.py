"""Whether two names are the same to a file system, as u8_strcmp() has it (module/unicode/u8_textprep.c).

Names are compared character by character, or sequence by sequence where they have a normal form, until two
differ. What is no UTF-8 is an error if the comparison comes that far, whatever it finds.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import NamedTuple

from zapcore.errors import openzfs
from zapcore.zap.norm import FORMS, Sequence, fold, width_of


class Compared(NamedTuple):
    """Whether two names are the same, and whether the comparison met what is no UTF-8 (EILSEQ, EINVAL)."""

    same: bool
    broken: bool


def _pieces(name: bytes, flags: int) -> Iterator[tuple[bytes, bool]]:
    """A name's characters or sequences in their form, each with whether it is no UTF-8. Whether the bytes
    behind the first of a character are those of one is not asked."""
    at, forms = 0, flags & FORMS
    while at < len(name):
        width = width_of(name[at])
        if not width or at + width > len(name):
            end = at + (width or 1)
            yield name[at:end], True
        elif not forms or name[at : at + 2].isascii():
            end = at + width
            yield fold(name[at:end], flags), False
        else:
            sequence = Sequence(name, at, width, flags)
            text = sequence.text()  # which may take characters behind it
            end = sequence.end
            yield text, False
        at = end


@functools.lru_cache(maxsize=4096)
@openzfs("u8_textprep.c", "u8_strcmp")
def compare(name: bytes, other: bytes, flags: int) -> Compared:
    """Compare two names; `flags` are those of the normal form that the release obeys (`norm.forms_of`), 0 for
    byte by byte."""
    if not flags:
        return Compared(name == other, False)
    broken = False
    for one, two in itertools.zip_longest(_pieces(name, flags), _pieces(other, flags)):
        if one is None or two is None:
            return Compared(False, broken)
        broken |= one[1] or two[1]
        if one[0] != two[0]:
            return Compared(False, broken)
    return Compared(True, broken)


def is_broken(name: bytes, flags: int) -> bool:
    """Whether some comparison of a name with another one is an error."""
    return compare(name, name, flags).broken
