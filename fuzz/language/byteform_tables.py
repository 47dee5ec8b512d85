"""What single bytes of the byte form stand for: verbs, keys, values, whole headers.

These tables are for ever: a stored input means what it meant. Only places marked free may be given a meaning.
They are also what makes random bytes good programs: few distinct keys, values of which two do not fit in one
leaf of 512 bytes, mostly adds and removes, now and then a txg step or a cursor.
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from fuzz.language.program import U64, Key, Zap
from fuzz.language.verb_row import Number
from fuzz.language.verb_sets import INTS, OWNED
from fuzz.language.verbs import VERBS

T = TypeVar("T")

Numbers = tuple[int, int, int]
"""An op's size, length and fill."""

Row = tuple[int, int, int, int]
"""An op's size, length, fill and extra number."""

ESCAPES = 248
"""First of the eight values of a record's first byte that are no verb."""
KEY_TOP, KEY_1, KEY_2, KEY_3, NUMBER, TARGET, SWITCH, SKIP = range(ESCAPES, 256)

OPCODES = 64
"""Values of a record's first byte that are indexes in VERBS; those without a verb yet are free."""


def _verbs() -> list[str]:
    runs = sorted((verb.draw.bytes, name) for name, verb in VERBS.items() if verb.draw.bytes[1])
    often = [name for (_, many), name in runs for _ in range(many)]
    if runs[0][0][0] != OPCODES or len(often) != ESCAPES - OPCODES:
        raise TypeError("the runs of first bytes in fuzz.language.verbs overlap or leave a gap")
    spread = [often[place * 23 % len(often)] for place in range(OPCODES)]
    return [*VERBS, *spread[len(VERBS) :], *often]


VERB_OF_BYTE = _verbs()
"""The verb of each value of a record's first byte below ESCAPES."""
OPCODE = {verb: index for index, verb in enumerate(VERBS)}

PRESETS: tuple[tuple[Zap, ...], ...] = (
    (Zap("z", words=1, prehashed=True, leaf_shift=9),),
    (Zap("z", words=1, prehashed=True, hash64=True, leaf_shift=9),),
    (Zap("z", hash64=True, leaf_shift=9),),
    (Zap("z", words=1, leaf_shift=9),),
    (Zap("z", words=1, prehashed=True, leaf_shift=10),),
    (Zap("z", words=1, prehashed=True, hash64=True, leaf_shift=12),),
    (Zap("d", hash64=True),),
    (Zap("z", words=2, prehashed=True, leaf_shift=9),),
    (
        Zap("z", words=1, prehashed=True, leaf_shift=9),
        Zap("y", words=1, prehashed=True, leaf_shift=9),
    ),
)
"""Headers that one byte stands for; append only."""
CURSORS = ("c", "d")
"""The names of cursors where the header gives none."""
ZAP_NAMES = ("z", "y", "x", "w")
"""The names of ZAPs where an explicit header gives none."""


# Few keys, for much hangs on a random key being the same again: blind programs over 4 keys found the stale
# user data in 18 of 100, over 16 with 4 favourites in 8, over 64 in 1. Others have escapes. Keys that collide
# are no favourites' neighbours: with large values they grow a pointer table without end.
_WORDS = [top << 56 for top in (0x00, 0x80, 0x40, 0xC0, 0x20, 0xA0, 0x60, 0xE0, 0x10, 0x08, 0x04, 0x90, 0x01)]
_WORDS += [7 << 60 | 1, 7 << 60 | 2, U64]
_NAMES = [b"a", b"b", b"c", b"d", b"e", b"f", b"A", b"B"]
_NAMES += [b"n" * size for size in (21, 22, 49, 50, 51, 255)] + [b"s.acl.h", b".s.open.h.hyLZlg"]


@cache
def keys(words: int) -> list[Key]:
    """The key of each byte, for ZAPs whose keys have so many words (0: they are names)."""
    table: list[Key]
    if words == 0:
        table = [*_NAMES]
    elif words == 1:
        table = [(word,) for word in _WORDS]
    else:
        rest = (0,) * (words - 2)
        table = [(word, second, *rest) for second in (0, 1) for word in _WORDS[:8]]
    return table + [table[byte % 4] for byte in range(len(table), 256)]


@cache
def key_codes(words: int) -> dict[Key, int]:
    """The byte of each key that has one."""
    return _codes(keys(words))


def _codes(table: list[T]) -> dict[T, int]:
    return {item: byte for byte, item in reversed(list(enumerate(table)))}


def _values() -> list[Numbers]:
    """64 values, the favourites first.

    Few of them are larger than a leaf of 512 bytes: an update to such a value grows the pointer table until
    something stops it (zap_entry_update, module/zfs/zap_leaf.c, has no E2BIG), which costs a run its time.
    """
    favourites = [(1, n, 0) for n in (180, 150, 190, 1, 0, 2, 160, 170, 100, 21, 42, 186, 120)]
    favourites += [(8, 1, 0), (8, 1, 1), (8, 2, 0)]
    ones = [3, 8, 20, 22, 41, 43, 63, 64, 140, *range(153, 190, 4), 168, 169, 200, 210]
    ones += [300, 315, 336, 8192]
    table = favourites + [(1, n, 0) for n in ones] + [(8, n, 0) for n in (3, 20, 21, 24, 42, 1025)]
    table += [(2, 1, 0), (2, 90, 0), (4, 1, 0), (4, 45, 0), (8, 0, 0)]
    table += [(8, 1, 2), (8, 1, U64), (1, 180, 1), (1, 180, 0xFF), (1, 1, 1)]
    table += [(1, more, 0) for more in range(23, 41)]
    return list(dict.fromkeys(table))[:64]


def _spread(table: list[Numbers]) -> list[Numbers]:
    """A quarter of all bytes for the table, a quarter for its first 16, half for its first."""
    return table + [table[byte % 16] for byte in range(64)] + [table[0]] * 128


def _reads() -> list[Numbers]:
    """64 buffers. Few have wide integers: what OpenZFS makes of narrow values there is known to be wrong."""
    lengths = (8192, 180, 1, 0, 179, 181, 150, 149, 190, 189, 2, 20, 100, 8191, 1024)
    table = [
        *((1, length, 0) for length in lengths),
        (8, 1024, 0),
        (8, 1, 0),
        (8, 8192, 0),
        (8, 0, 0),
        (8, 2, 0),
    ]
    table += [(2, 1, 0), (4, 1, 0), (2, 90, 0), (4, 45, 0), (2, 0, 0), (4, 8192, 0)]
    return [*table, *((1, length, 0) for length in range(151, 151 + 64))][:64]


_VALUES = _spread(_values())
_READS = _spread(_reads())
_DELTAS = (1, U64, 2, 0, 1 << 63, U64 - 1, 255, 3)
_MATCHES = 4
_IDS = (1, 0, 0x3E8, 0x3E9, 0x10000, 0xFFFFFFFF, 0x80000000, 0x10)
"""Of users, groups and projects."""
_FIELDS = ("size", "length", "fill", "extra")


@cache
def numbers(verb: str) -> tuple[Number, ...]:
    """A verb's numbers, in the order of the NUMBER escape's field indexes."""
    return VERBS[verb].numbers


@cache
def places(verb: str) -> tuple[int, ...]:
    """Where in a `Row` each of a verb's numbers stands."""
    return tuple(_FIELDS.index(number.field) for number in numbers(verb))


@cache
def values(verb: str) -> list[Numbers]:
    """What each value of a record's third byte says for a verb's size, length and fill."""
    fields = tuple(number.field for number in numbers(verb))
    if fields == _FIELDS[:3] and verb not in OWNED:
        return _VALUES
    if fields == _FIELDS[:2] and verb not in OWNED:
        return _READS
    if verb == "lookup_norm":
        return [_READS[byte // _MATCHES] for byte in range(256)]
    if verb == "fail":
        return [(0, 1 if byte < 192 else 255, byte % 16) for byte in range(256)]
    if verb == "increment":
        return [(0, 0, _DELTAS[byte % len(_DELTAS)]) for byte in range(256)]
    if verb in INTS:
        return [(0, 0, byte % 16) for byte in range(256)]
    if verb in OWNED:
        # few objects, mostly one at a time; resize has a number of blocks in the place of the id
        third = numbers(verb)[2:3]
        fill = [owner % (third[0].high + 1) for owner in _IDS] if third else [0]
        return [(16 if byte >= 192 else 1, byte % 8, fill[byte // 8 % len(fill)]) for byte in range(256)]
    defaults = [0, 0, 0, 0]
    for place, number in zip(places(verb), numbers(verb), strict=True):
        defaults[place] = number.default
    return [(defaults[0], defaults[1], defaults[2])] * 256


@cache
def rows(verb: str) -> list[Row]:
    """The same with the extra number: how a name matches, or what it is by default, nothing (0) for verbs
    without it."""
    matches = any(number.word == "match" for number in numbers(verb))
    extra = next((number.default for number in numbers(verb) if number.field == "extra"), 0)
    return [
        (size, length, fill, byte % _MATCHES if matches else extra)
        for byte, (size, length, fill) in enumerate(values(verb))
    ]


@cache
def row_codes(verb: str) -> dict[Row, int]:
    """The byte of each row that has one."""
    return _codes(rows(verb))


def number_of_code(number: Number, code: int) -> int:
    """A number from the unsigned integer that escapes spell."""
    if number.choices:
        return number.choices[code % len(number.choices)]
    return number.low + code % (number.high - number.low + 1)


def code_of_number(number: Number, value: int) -> int:
    """The inverse of `number_of_code`."""
    return number.choices.index(value) if number.choices else value - number.low
