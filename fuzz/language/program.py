"""What a program is: plain data, and nothing is done to it here.

A program is a header (the ZAPs, how each is created) and a list of ops. Every op is one flat record; which
of its fields a verb uses, how they are written and what they may hold stands in one table, `VERBS`, that the
text form, the byte form, the generators and the minimizer all read.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
import struct
from collections.abc import Mapping
from typing import NamedTuple

Key = bytes | tuple[int, ...]
"""A name (1 to 1040 bytes, none of them NUL), or one or more 64-bit words."""

U64 = (1 << 64) - 1
DEFAULT_SALT = 0x5A41_5046_555A_5A01
"""Salt of a ZAP whose header line names none; odd and not zero, as real salts are."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,15}")
"""How ZAPs and cursors may be called."""

MAX_NAME = 1040
"""Bytes: more than a ZAP takes, so that ENAMETOOLONG is within reach. A ZAP takes 255 (ZAP_MAXNAMELEN has
room for the NUL); in 2.3 one that was created micro, as directories are, takes 1023."""
MAX_WORDS = 33
"""One more than a ZAP takes."""
MAX_VALUE = 8192
"""Bytes: the longest value (ZAP_MAXVALUELEN)."""


class Zap(NamedTuple):
    """One header line: a ZAP and how it is created.

    `words` is 0 where keys are names, else how many 64-bit words a key has (ZAP_FLAG_UINT64_KEY);
    `leaf_shift` is log2 of the block size of the fat form, 9 to 17; `norm` the normalization flags.
    """

    name: str
    fat: bool = True
    words: int = 0
    prehashed: bool = False
    hash64: bool = False
    leaf_shift: int = 14
    norm: int = 0
    salt: int = DEFAULT_SALT


class Op(NamedTuple):
    """One step of a program. `subject` is the ZAP it works on, or the cursor for a cursor's verbs; `other` a
    second ZAP, `to` a second key; `extra` a number beside those of a value."""

    verb: str
    subject: str = ""
    key: Key | None = None
    size: int = 0
    length: int = 0
    fill: int = 0
    other: str = ""
    thread: int = 0
    extra: int = 0
    to: Key | None = None


class Switch(NamedTuple):
    """At scheduling point `step` (counted from 0 over the whole run), let thread `thread` go on."""

    step: int
    thread: int


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """ZAPs, ops, and (with threads) the schedule. `notes` are comments: (statement index, text) pairs, the
    comment standing before that statement (header lines first, then ops); they do not count for equality."""

    zaps: tuple[Zap, ...]
    ops: tuple[Op, ...]
    schedule: tuple[Switch, ...] = ()
    notes: tuple[tuple[int, str], ...] = dataclasses.field(default=(), compare=False)

    def with_ops(self, ops: tuple[Op, ...] | list[Op]) -> Program:
        """The same header with other ops; comments go, since their places are gone."""
        return Program(self.zaps, tuple(ops), self.schedule)


class Subject(enum.Enum):
    """What an op's `subject` names."""

    NONE = enum.auto()
    ZAP = enum.auto()
    CURSOR = enum.auto()


class Number(NamedTuple):
    """A numeric field of a verb: the Op attribute, its word in text, its default and bounds (inclusive)."""

    field: str
    word: str
    default: int
    low: int
    high: int
    choices: tuple[int, ...] = ()
    hex: bool = False


class Verb(NamedTuple):
    """How a verb looks. `positional` numbers are written bare in this order, `numbers` as word=value; `names`
    says that OpenZFS has it only for keys that are names: with words it does nothing and returns ENOTSUP."""

    subject: Subject
    key: bool = False
    numbers: tuple[Number, ...] = ()
    positional: tuple[Number, ...] = ()
    other: str = ""
    doc: str = ""
    names: bool = False
    to: bool = False


_INT = Number("size", "int", 1, 1, 8, (1, 2, 4, 8))
_LEN = Number("length", "len", 1, 0, MAX_VALUE)
_FILL = Number("fill", "fill", 0, 0, U64, hex=True)
_READ_INT = Number("size", "int", 1, 1, 8, (1, 2, 4, 8))
_READ_LEN = Number("length", "len", MAX_VALUE, 0, MAX_VALUE)
_VALUE = (_INT, _LEN, _FILL)
_MATCH = Number("extra", "match", 0, 0, 3)
_INODE = Number("fill", "inode", 1, 0, (1 << 48) - 1, hex=True)

VERBS: Mapping[str, Verb] = {
    "add": Verb(Subject.ZAP, True, _VALUE, doc="zap_add: a new entry; EEXIST if there is one"),
    "update": Verb(Subject.ZAP, True, _VALUE, doc="zap_update: a new entry or a new value"),
    "remove": Verb(Subject.ZAP, True, doc="zap_remove"),
    "lookup": Verb(
        Subject.ZAP, True, (_READ_INT, _READ_LEN), doc="zap_lookup into len integers of int bytes"
    ),
    "length": Verb(Subject.ZAP, True, doc="zap_length: integer size and number of integers"),
    "count": Verb(Subject.ZAP, doc="zap_count"),
    "destroy": Verb(Subject.ZAP, doc="zap_destroy"),
    "create": Verb(
        Subject.ZAP, doc="zap_create again, as the header line says; the same object if it is free by then"
    ),
    "cursor": Verb(
        Subject.CURSOR,
        numbers=(Number("fill", "from", 0, 0, U64, hex=True),),
        other="zap",
        doc="zap_cursor_init_serialized; an open cursor of that name is closed",
    ),
    "next": Verb(Subject.CURSOR, doc="zap_cursor_advance (unless nothing was retrieved yet) and retrieve"),
    "retrieve": Verb(Subject.CURSOR, doc="zap_cursor_retrieve where it stands"),
    "close": Verb(Subject.CURSOR, doc="zap_cursor_fini"),
    "txg": Verb(Subject.NONE, doc="open the next txg; the open one stays in flight (the oldest of two ends)"),
    "finish": Verb(Subject.NONE, doc="let the oldest txg in flight sync to its end"),
    "sync": Verb(Subject.NONE, doc="let every txg sync to its end, the open one too"),
    "evict": Verb(Subject.NONE, doc="dmu_objset_evict_dbufs: drop every dbuf that nobody holds"),
    "contains": Verb(Subject.ZAP, True, doc="zap_contains: a lookup that reads no value"),
    "increment": Verb(
        Subject.ZAP,
        True,
        (Number("fill", "delta", 1, 0, U64, hex=True),),
        doc="zap_increment: add to one 64-bit integer, modulo 2^64; zero removes it",
    ),
    "search": Verb(
        Subject.ZAP,
        numbers=(
            Number("fill", "value", 0, 0, U64, hex=True),
            Number("extra", "mask", 0, 0, U64, hex=True),
        ),
        doc="zap_value_search: the first name whose first integer is value under mask (0: all bits)",
        names=True,
    ),
    "stats": Verb(Subject.ZAP, doc="zap_get_stats"),
    "advance": Verb(Subject.CURSOR, doc="zap_cursor_advance"),
    "serialize": Verb(Subject.CURSOR, doc="zap_cursor_serialize"),
    "lookup_norm": Verb(
        Subject.ZAP,
        True,
        (_READ_INT, _READ_LEN, _MATCH),
        doc="zap_lookup_norm: match is 1 to normalize, plus 2 to match case; the name as it is stored, too",
        names=True,
    ),
    "remove_norm": Verb(Subject.ZAP, True, (_MATCH,), doc="zap_remove_norm", names=True),
    "reopen": Verb(Subject.NONE, doc="close all cursors, sync, export the pool and import it again"),
    "touch": Verb(Subject.ZAP, True, (_INODE,), doc="zfs_create: a file's name in a directory", names=True),
    "mkdir": Verb(Subject.ZAP, True, (_INODE,), doc="zfs_mkdir: a directory's name", names=True),
    "unlink": Verb(Subject.ZAP, True, doc="zfs_remove: EPERM for a directory's name", names=True),
    "rmdir": Verb(Subject.ZAP, True, doc="zfs_rmdir: ENOTDIR for a file's name", names=True),
    "rename": Verb(
        Subject.ZAP,
        True,
        other="zap",
        doc="zfs_rename: into the directory that comes next",
        names=True,
        to=True,
    ),
    "readdir": Verb(Subject.ZAP, doc="zfs_readdir: all names, in the cursor's order", names=True),
}
"""Every verb, in the order of the byte form's opcodes: append only."""


_LOOKING = ("lookup", "length", "count", "contains", "search", "stats", "lookup_norm", "readdir")
READING = frozenset((*_LOOKING, "cursor", "next", "retrieve", "advance", "serialize", "close"))
"""Verbs that change no block."""
BRINGS = frozenset(("add", "update", "increment", "touch", "mkdir"))
TAKES = frozenset(("remove", "remove_norm", "unlink", "rmdir"))
"""Verbs after which an op's key is there, or is not."""

_CODES = {2: "H", 4: "I", 8: "Q"}
_RAMP = bytes(range(256)) * (MAX_VALUE // 256 + 2)


@functools.lru_cache(maxsize=1024)
def value_bytes(size: int, length: int, fill: int) -> bytes:
    """The value of (size, length, fill): integer k, of `size` bytes and little-endian, is fill + k."""
    if size == 1:
        start = fill & 0xFF
        return _RAMP[start : start + length]
    mask = (1 << (8 * size)) - 1
    return struct.pack(f"<{length}{_CODES[size]}", *[(fill + k) & mask for k in range(length)])
