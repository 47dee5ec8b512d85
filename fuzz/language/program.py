"""What a program is: plain data, and nothing is done to it here.

A program is a header (the ZAPs, how each is created) and a list of ops. Every op is one flat record; which
of its fields a verb uses, how they are written and what they may hold stands in one table,
`fuzz.language.verbs`, that the text form, the byte form, the generators and the minimizer all read.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import struct
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
TO_UPPER = 2
"""Of the normalization flags: what casesensitivity=insensitive and mixed set (U8_TEXTPREP_TOUPPER)."""
TO_LOWER = 4
"""The same of the flag that nothing in OpenZFS sets (U8_TEXTPREP_TOLOWER)."""
MAX_WORDS = 33
"""One more than a ZAP takes."""
MAX_VALUE = 8192
"""Bytes: the longest value (ZAP_MAXVALUELEN)."""

MAX_OBJECT = 65_535
"""The last object that can have an owner."""

OLD_MAX_BLOCK = 1 << 17
"""Bytes: the largest block without the feature large_blocks (SPA_OLD_MAXBLOCKSIZE), and the largest micro ZAP
if nobody says how large they may be."""


class Dataset(NamedTuple):
    """The properties of the file system that a directory is in, in the words of `zfs create` but for
    normalization, which is in its ZAP's flags: `case` is 0 for casesensitivity=sensitive, 1 for insensitive,
    2 for mixed; `compression` and `encryption` are places in lists of `fuzz.language.validate`."""

    case: int = 0
    utf8only: bool = False
    longname: bool = False
    compression: int = 0
    encryption: int = 0


class Zap(NamedTuple):
    """One header line: a ZAP and how it is created.

    `words` is 0 where keys are names, else how many 64-bit words a key has (ZAP_FLAG_UINT64_KEY);
    `leaf_shift` is log2 of the block size of the fat form, 9 to 17; `norm` the normalization flags.
    `hash_bits` is how many bits a hash has, 0 for as many as OpenZFS takes (28, 48 with `hash64`). With few
    of them the end of the pointer table comes soon, two bits before theirs; a real library is told by a
    zap_hashbits() of ours.

    `dataset` is there where the line declares a directory by the properties of its file system. Else they
    are those that `properties` says.
    `usage` is 0 for a ZAP that the ops write. Else it is the one in which syncing context keeps how much each
    user (1), group (2) or project (3) has, which ops only read; keys are names. It is micro when the program
    begins, or fat, as it is once it has had many names.
    `mos` says that it is in the meta object set, where nobody changes anything but while a txg syncs: ops
    that write its entries are put into their txg as sync tasks, and answer there.
    `indirect_shift` is log2 of the size of its indirect blocks (dn_indblkshift), 0 for OpenZFS's default. In
    small ones there is room for few pointers, so that a small object has several levels, and its indirect
    blocks have dbufs (`zapcore.dmu.indirect`).
    `micro_max` is how many bytes the block of a micro ZAP may have before it becomes fat (the tunable
    zap_micro_max_size, since 2.2), 0 for OpenZFS's default of 128 KiB.
    `shorter` says that keys may have fewer words than that.
    `by_dnode` says that callers hold its dnode, and use the functions of that, where the release has them.
    `inode` says that this is the directory to which names of that number lead (`mkdir`), 0 where none do.
    """

    name: str
    fat: bool = True
    words: int = 0
    prehashed: bool = False
    hash64: bool = False
    leaf_shift: int = 14
    norm: int = 0
    salt: int = DEFAULT_SALT
    hash_bits: int = 0
    dataset: Dataset | None = None
    usage: int = 0
    mos: bool = False
    indirect_shift: int = 0
    micro_max: int = 0
    inode: int = 0
    shorter: bool = False
    by_dnode: bool = False

    @property
    def properties(self) -> Dataset:
        """The properties that ops on directories go by. If no `dataset` is declared, case counts unless the
        flags fold it, names may have any bytes, and may be long."""
        return self.dataset or Dataset(int(bool(self.norm & TO_UPPER)), longname=True)


USAGES = ("", "user", "group", "project")
"""What the text form calls each kind of usage."""


class Op(NamedTuple):
    """One step of a program: a flat record. `fuzz.language.verbs` says what its fields mean for each verb.

    `subject` is the ZAP it works on, or the cursor for a cursor's verbs; `other` a second ZAP, `to` a second
    key. `size`, `length` and `fill` are the value of an add or update; the numbers of other verbs lie in
    `fill` and `extra`, and have names of their own here.
    """

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

    @property
    def inode(self) -> int:
        """The object that `touch`, `mkdir`, `symlink` and `whiteout` make a name for."""
        return self.fill

    @property
    def delta(self) -> int:
        """What `increment` adds, modulo 2^64."""
        return self.fill

    @property
    def id(self) -> int:
        """Whose digits are the key of `add_int` and its kin."""
        return self.fill

    @property
    def start(self) -> int:
        """Where `cursor` and `getdents` begin: what one of them gave, or any number."""
        return self.fill

    @property
    def most(self) -> int:
        """For how many names `getdents` has room."""
        return self.length

    @property
    def wanted(self) -> int:
        """What `search` looks for in the first integer of a value."""
        return self.fill

    @property
    def mask(self) -> int:
        """Which bits `search` compares; 0 for all."""
        return self.extra

    @property
    def many(self) -> int:
        """How many objects `allocate`, `chown`, `free` and `resize` work on."""
        return self.size

    @property
    def first(self) -> int:
        """The first of these objects."""
        return self.length

    @property
    def owner(self) -> int:
        """The id that owns the first of these objects; the next object's is one more."""
        return self.fill

    @property
    def whose(self) -> int:
        """Which ids `allocate` and `chown` set: 1 the user, 2 the group, 4 the project; 0 all."""
        return self.extra

    @property
    def level(self) -> int:
        """Of the blocks that `fail` makes fail: 0 for those of data."""
        return self.size

    @property
    def blocks(self) -> range:
        """Which of them."""
        return range(self.fill, self.fill + self.length)

    @property
    def no_room(self) -> int:
        """What a transaction is refused with: ENOSPC, EDQUOT."""
        return self.extra

    @property
    def read_error(self) -> int:
        """What a read of these gives."""
        return self.extra

    @property
    def match(self) -> int:
        """How `lookup_norm` and `remove_norm` compare names: matchtype_t."""
        return self.extra

    @property
    def name_room(self) -> int:
        """How many bytes there are for the name that `lookup_norm` and `search` give back; 0: enough."""
        return self.length if self.verb == "search" else self.fill


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


def has_large_micro(program: Program) -> bool:
    """Whether a program has micro ZAPs that may have more than the 128 KiB of every release."""
    return any(zap.micro_max > OLD_MAX_BLOCK for zap in program.zaps)


def has_tree(program: Program) -> bool:
    """Whether a program has directories that names lead to, whose place in a tree memory keeps."""
    return any(zap.inode for zap in program.zaps)


def keeps_usage(program: Program) -> bool:
    """Whether a program has ZAPs of usage, and so objects that somebody owns."""
    return any(zap.usage for zap in program.zaps)


def changes_in_sync(program: Program) -> bool:
    """Whether a program has ZAPs that change while a txg syncs: of usage, or of the meta object set."""
    return any(zap.usage or zap.mos for zap in program.zaps)


OLDEST_LENGTH = 255
"""Bytes of the longest name that releases before 2.3 know."""


def cannot_move(program: Program, to: int) -> bool:
    """Whether a program's pool cannot go to another release (`move`), 21 for 2.1: one with ZAPs that change
    in sync is not asked, and no release would know what reads fail, or that there is no room. The flag for
    lower case means something until 2.4 only, and a pool with long names cannot be imported before 2.3
    (feature longname). One with large micro ZAPs (feature large_microzap) stays where it is: not every
    release can have them; and so does one with directories in directories, which only memory knows."""
    long = to < 23 and any(
        isinstance(key, bytes) and len(key) > OLDEST_LENGTH for op in program.ops for key in (op.key, op.to)
    )
    lower = any(zap.norm & TO_LOWER for zap in program.zaps)
    fails = any(op.verb in ("fail", "full") for op in program.ops)
    stays = changes_in_sync(program) or has_large_micro(program) or has_tree(program)
    return long or lower or fails or stays


def threadless(program: Program) -> str:
    """Why a program cannot have threads, if that is so."""
    if changes_in_sync(program):
        return "a program with threads has no ZAPs of usage, and none of the MOS"
    if has_tree(program):
        return "a program with threads has no inode= in a header line"
    if any(op.verb in ("fail", "heal", "full", "crash", "move") for op in program.ops):
        return "in a program with threads no reads fail, there is room, and nothing crashes or moves"
    return ""


def may_have_hash_bits(zap: Zap) -> bool:
    """Whether the header line of a ZAP may say how many bits hashes have."""
    return not (zap.usage or zap.mos or zap.indirect_shift)


def with_hash_bits(program: Program, bits: int) -> Program:
    """The same program, with hashes of so many bits in each ZAP whose header may say how many and does
    not."""
    few = tuple(
        zap._replace(hash_bits=bits) if may_have_hash_bits(zap) and not zap.hash_bits else zap
        for zap in program.zaps
    )
    return dataclasses.replace(program, zaps=few)


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
