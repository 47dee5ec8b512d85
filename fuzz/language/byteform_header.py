"""The byte form's header: which ZAPs, cursors and threads the records mean. Knows no op.

An explicit header is: threads less one; ZAPs less one; each ZAP; cursors; each cursor's name. A ZAP is a byte
of flags, words, leaf shift less 9, then as the flags say 8 bytes of salt, an index of its normalization
flags, a name. A name is its length less one and a byte for each letter. No cursors means the usual two. The
list of ZAPs or cursors ends where the bytes do, and the header after it.

Flags and words that are _LONGER, which no ZAP has since they contradict each other, are followed by the real
flags and a byte of the hash's bits, then by the rest: so nothing that was written before means anything else.
_DECLARED is another such pair, of a directory whose file system is declared: the real flags, a byte of its
properties, a byte of the hash's bits (0 for none), and the rest. _STORED is the same with one more byte
behind its properties: how what is in it is compressed and encrypted.
_USAGE is followed in the same way by the real flags and a byte of whose usage a ZAP keeps, _MOS by the flags
of a ZAP of the meta object set, _INDIRECT by the real flags and a byte of the size of its indirect blocks.
_MICRO_MAX is followed by three bytes of how large a micro ZAP may become, _INODE by six of the number that a
directory has; _SHORTER and _BY_DNODE say all that they mean. Behind each of these four comes what would
stand there without it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from fuzz.language import byteform_tables as tables
from fuzz.language.program import DEFAULT_SALT, MAX_WORDS, TO_UPPER, U64, USAGES, Dataset, Key, Program, Zap
from fuzz.language.validate import (
    CASES,
    COMPRESSIONS,
    ENCRYPTIONS,
    HASH_BITS,
    INDIRECT_SHIFTS,
    INODES,
    LEAF_SHIFTS,
    MAX_CURSORS,
    MAX_THREAD,
    MAX_ZAPS,
    MICRO_MAXIMA,
    NORMS,
    beside,
)
from fuzz.language.verb_row import Subject
from fuzz.language.verbs import VERBS

PRESET = 192
THREADED = 254
EXPLICIT = 255

_FIRST = "abcdefghijklmnopqrstuvwxyz"
_LETTERS = _FIRST + "0123456789_"
_MAX_LETTERS = 16
_MICRO, _PREHASHED, _HASH64, _SALT, _NORM, _NAMED = (1 << bit for bit in range(6))
_LONGER = bytes((_MICRO | _PREHASHED | _HASH64 | 64 | 128, 255))
_DECLARED = bytes((_LONGER[0], 254))
_USAGE = bytes((_LONGER[0], 253))
_MOS = bytes((_LONGER[0], 252))
_INDIRECT = bytes((_LONGER[0], 251))
_STORED = bytes((_LONGER[0], 250))
_MICRO_MAX = bytes((_LONGER[0], 249))
_INODE = bytes((_LONGER[0], 248))
_SHORTER = bytes((_LONGER[0], 247))
_BY_DNODE = bytes((_LONGER[0], 246))
_CASE, _UTF8_ONLY, _LONG_NAME = 3, 4, 8
"""Bits of the byte of properties; normalization is in the index of flags."""
_ENCRYPTION_SHIFT = 3
"""In the byte behind it: compression is below, encryption from there on."""
_ALL_FORMS = 0x70


class Plan:
    """A header made ready for the records: what each half byte of a record's last byte stands for."""

    __slots__ = ("cursors", "cursors16", "index", "threaded", "threads16", "zaps", "zaps16")

    def __init__(self, zaps: tuple[Zap, ...], cursors: Sequence[str], threads: int) -> None:
        named: list[tuple[str, list[Key]]] = [(zap.name, tables.keys(zap.words)) for zap in zaps]
        self.zaps = zaps
        self.index = {zap.name: index for index, zap in enumerate(zaps)}
        self.cursors = cursors
        self.zaps16 = [named[half % len(zaps)] for half in range(16)]
        self.cursors16 = [cursors[half % len(cursors)] for half in range(16)]
        self.threads16 = [half % threads for half in range(16)]
        self.threaded = threads > 1


_PLANS = [Plan(zaps, tables.CURSORS, 1) for zaps in tables.PRESETS]
DEFAULT_PLAN = _PLANS[0]


def header(data: bytes) -> tuple[Plan, int]:
    """Read the header of a byte string that is not empty; also says where it ends."""
    first = data[0]
    if first < THREADED:
        return _PLANS[_preset(first)], 1
    if first == THREADED:
        preset, threads = data[1:3].ljust(2, b"\0")
        return Plan(tables.PRESETS[_preset(preset)], tables.CURSORS, threads % (MAX_THREAD + 1) + 1), 3
    return _Reader(data).explicit()


def _preset(byte: int) -> int:
    index = byte - PRESET
    return index if 0 <= index < len(tables.PRESETS) else 0


class _Reader:
    """Reads an explicit header; bytes that are missing are zeros."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 1

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def explicit(self) -> tuple[Plan, int]:
        threads = self.byte() % (MAX_THREAD + 1) + 1
        zaps: dict[str, Zap] = {}
        for _ in self.items(min(self.byte() + 1, MAX_ZAPS)):
            zap = beside(self.zap(zaps), zaps.values())
            zaps[zap.name] = zap
        cursors: dict[str, None] = {}
        for _ in self.items(min(self.byte(), MAX_CURSORS)):
            cursors[self.name(cursors)] = None
        zaps = zaps or {zap.name: zap for zap in tables.PRESETS[0]}
        return Plan(tuple(zaps.values()), tuple(cursors) or tables.CURSORS, threads), self.at

    def items(self, count: int) -> Iterator[int]:
        for index in range(count):
            if self.at >= len(self.data):
                return
            yield index

    def zap(self, names: Collection[str]) -> Zap:
        by_dnode, shorter = bool(self.told(_BY_DNODE, range(1, 2))), bool(self.told(_SHORTER, range(1, 2)))
        number, most = self.told(_INODE, INODES), self.told(_MICRO_MAX, MICRO_MAXIMA)
        zap = self.shape(names)
        zap = zap._replace(shorter=shorter and zap.words > 1)
        if zap.usage or zap.mos:
            return zap
        zap = zap._replace(by_dnode=by_dnode)
        return zap._replace(inode=0 if zap.words else number, micro_max=0 if zap.fat else most)

    def told(self, mark: bytes, numbers: range) -> int:
        """One of the numbers if a mark stands before it, else 0."""
        if self.data[self.at : self.at + 2] != mark:
            return 0
        self.at += 2
        size = (numbers[-1] - numbers[0]).bit_length() + 7 >> 3
        return numbers[int.from_bytes([self.byte() for _ in range(size)], "little") % len(numbers)]

    def shape(self, names: Collection[str]) -> Zap:
        """All that is said of a ZAP but for `by_dnode`, `shorter`, `inode` and `micro_max`."""
        flags = self.byte()
        bits = usage = indirect = 0
        mos = False
        dataset: Dataset | None = None
        if self.data[self.at - 1 : self.at + 1] == _LONGER:
            self.at += 1
            flags, bits = self.byte(), HASH_BITS[self.byte() % len(HASH_BITS)]
        elif (marker := self.data[self.at - 1 : self.at + 1]) in (_DECLARED, _STORED):
            self.at += 1
            flags, told = self.byte() | _MICRO, self.byte()
            encryption, compression = divmod(self.byte() if marker == _STORED else 0, 1 << _ENCRYPTION_SHIFT)
            dataset = Dataset(
                (told & _CASE) % len(CASES),
                bool(told & _UTF8_ONLY),
                bool(told & _LONG_NAME),
                compression % len(COMPRESSIONS),
                encryption % len(ENCRYPTIONS),
            )
            bits = (0, *HASH_BITS)[self.byte() % (len(HASH_BITS) + 1)]
        elif self.data[self.at - 1 : self.at + 1] == _USAGE:
            self.at += 1
            flags, usage = self.byte(), 1 + self.byte() % (len(USAGES) - 1)
        elif self.data[self.at - 1 : self.at + 1] == _MOS:
            self.at += 1
            flags, mos = self.byte(), True
        elif self.data[self.at - 1 : self.at + 1] == _INDIRECT:
            self.at += 1
            flags, indirect = self.byte(), INDIRECT_SHIFTS[self.byte() % len(INDIRECT_SHIFTS)]
        words, shift = self.byte() % (MAX_WORDS + 1), self.byte()
        salt = int.from_bytes([self.byte() for _ in range(8)], "little") if flags & _SALT else 0
        norm = NORMS[self.byte() % len(NORMS)] if flags & _NORM else 0
        if dataset is not None:
            norm = norm & _ALL_FORMS | TO_UPPER * bool(dataset.case)
            dataset = dataset._replace(utf8only=dataset.utf8only or norm > TO_UPPER)
        micro = bool(flags & _MICRO)
        if usage:
            name = self.name(names) if flags & _NAMED else _unused(_usual_name(len(names)), names)
            shift = LEAF_SHIFTS[shift % len(LEAF_SHIFTS)]
            return Zap(name, not micro, leaf_shift=shift, salt=salt or DEFAULT_SALT, usage=usage)
        words = 0 if micro else words
        return Zap(
            self.name(names) if flags & _NAMED else _unused(_usual_name(len(names)), names),
            not micro,
            words,
            bool(flags & _PREHASHED and words),
            not micro and (not words or bool(flags & _HASH64)),
            LEAF_SHIFTS[shift % len(LEAF_SHIFTS)],
            0 if words else norm,
            salt or DEFAULT_SALT,
            bits,
            dataset,
            mos=mos,
            indirect_shift=indirect,
        )

    def name(self, names: Collection[str]) -> str:
        length = self.byte() % _MAX_LETTERS + 1
        letters = [_FIRST[self.byte() % len(_FIRST)]]
        letters += [_LETTERS[self.byte() % len(_LETTERS)] for _ in range(length - 1)]
        return _unused("".join(letters), names)


def _usual_name(index: int) -> str:
    return tables.ZAP_NAMES[index] if index < len(tables.ZAP_NAMES) else f"z{index}"


def _unused(name: str, names: Collection[str]) -> str:
    number = len(names)
    while name in names:
        name = f"z{number}"
        number += 1
    return name


def plan_of(program: Program) -> tuple[Plan, bytearray]:
    """The shortest header that says what a program's records need, and its bytes."""
    used = dict.fromkeys(op.subject for op in program.ops if VERBS[op.verb].subject is Subject.CURSOR)
    cursors = tables.CURSORS if used.keys() <= set(tables.CURSORS) else tuple(used)
    threads = max([1, *(op.thread + 1 for op in program.ops)])
    if program.schedule:
        threads = max(2, threads, *(switch.thread + 1 for switch in program.schedule))
    plan = Plan(program.zaps, cursors, threads)
    if cursors is tables.CURSORS and program.zaps in tables.PRESETS:
        preset = tables.PRESETS.index(program.zaps)
        code = PRESET + preset if preset else 0
        return plan, bytearray((code,) if threads == 1 else (THREADED, code, threads - 1))
    out = bytearray((EXPLICIT, threads - 1, len(program.zaps) - 1))
    for index, zap in enumerate(program.zaps):
        out += _encode_zap(zap, index)
    names = () if cursors is tables.CURSORS else cursors
    out.append(len(names))
    for name in names:
        out += _encode_name(name)
    return plan, out


def _encode_zap(zap: Zap, index: int) -> bytes:
    flags = _MICRO * (not zap.fat) | _PREHASHED * zap.prehashed | _HASH64 * zap.hash64
    rest = b""
    if zap.salt != DEFAULT_SALT:
        flags |= _SALT
        rest += (zap.salt & U64).to_bytes(8, "little")
    if zap.norm:
        flags |= _NORM
        rest += bytes((NORMS.index(zap.norm),))
    if zap.name != _usual_name(index):
        flags |= _NAMED
        rest += _encode_name(zap.name)
    first = bytes((flags,))
    if zap.dataset is not None:
        case, utf8only, longname, compression, encryption = zap.dataset
        told = case | _UTF8_ONLY * utf8only | _LONG_NAME * longname
        stored = compression | encryption << _ENCRYPTION_SHIFT
        properties = bytes((flags, told, stored) if stored else (flags, told))
        marker = _STORED if stored else _DECLARED
        first = marker + properties + bytes(((0, *HASH_BITS).index(zap.hash_bits),))
    elif zap.usage:
        first = _USAGE + bytes((flags, zap.usage - 1))
    elif zap.mos:
        first = _MOS + first
    elif zap.indirect_shift:
        first = _INDIRECT + bytes((flags, zap.indirect_shift - INDIRECT_SHIFTS[0]))
    elif zap.hash_bits:
        first = _LONGER + bytes((flags, zap.hash_bits - HASH_BITS[0]))
    if zap.micro_max:
        first = _MICRO_MAX + (zap.micro_max - MICRO_MAXIMA[0]).to_bytes(3, "little") + first
    if zap.inode:
        first = _INODE + (zap.inode - INODES[0]).to_bytes(6, "little") + first
    if zap.shorter:
        first = _SHORTER + first
    if zap.by_dnode:
        first = _BY_DNODE + first
    return first + bytes((zap.words, zap.leaf_shift - LEAF_SHIFTS[0])) + rest


def _encode_name(name: str) -> bytes:
    return bytes((len(name) - 1, *map(_LETTERS.index, name)))
