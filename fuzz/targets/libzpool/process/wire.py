"""What goes over the pipes between a target and its worker: packed numbers and bytes, little-endian.

One request runs any number of ops and may begin and end the program around them, so a whole program is one
round trip. Both ends are this module; nothing is ever evaluated, and a frame that does not add up raises
WireProblem. The library is not known here.
"""

from __future__ import annotations

import enum
import hashlib
import os
import struct
from collections.abc import Sequence

from fuzz.execution.result import DONE, Entry, Found, Result, Value
from fuzz.language.program import Dataset, Key, Op, Program, Zap
from fuzz.language.verb_row import Subject
from fuzz.language.verbs import VERBS
from fuzz.targets.libzpool.call import Call, pack_key

FRAME = struct.Struct("<IB")
"""Length of what follows, and a Command (or a Status in an answer)."""

_ZAP = struct.Struct("<BBBiQBBBBBIQ")
_OP = struct.Struct("<BBHHHQHQH")
_COUNTS = struct.Struct("<HHI")
_RESULT = struct.Struct("<iB")
_LENGTH = struct.Struct("<QQ")
_ENTRY = struct.Struct("<BQQHB")
_FOUND = struct.Struct("<IHB")
_U64 = struct.Struct("<Q")
_U32 = struct.Struct("<I")

DIGEST_BYTES = 8
_SHAPES = {name: (code, verb.subject, bool(verb.other)) for code, (name, verb) in enumerate(VERBS.items())}
_PLAIN_RESULTS = {_RESULT.pack(code, 0): Result(code) if code else DONE for code in range(256)}


class WireProblem(Exception):
    """A frame that does not add up: the other end is not what it should be."""


class Command(enum.IntEnum):
    """What the parent asks for."""

    RUN = 1
    BLOCKS = 2
    DIE = 3
    SECTION = 4
    DBUFS = 5
    STATES = 6
    TREE = 7
    LEAVE = 8
    ARRIVE = 9


class Status(enum.IntEnum):
    """How an answer begins: it worked; a bound was reached; the harness itself is at fault."""

    OK = 0
    LIMIT = 1
    PROBLEM = 2


class Flags(enum.IntFlag):
    """What a RUN does besides its ops."""

    BEGIN = 1
    END = 2
    DIGEST = 4


class Tag(enum.IntEnum):
    """Which kind of value a result has."""

    NOTHING = 0
    BYTES = 1
    LENGTH = 2
    COUNT = 3
    ENTRY = 4
    FOUND = 5
    NUMBERS = 6


def block_digest(block: bytes | memoryview) -> bytes:
    """The digest of one block."""
    return hashlib.blake2b(block, digest_size=DIGEST_BYTES).digest()


def join_digests(digests: Sequence[bytes]) -> bytes:
    """The digest of an object from those of its blocks, in order; blocks of zeros at its end must have been
    left out (`digest_blocks` does), since an object's length is not part of a ZAP."""
    return hashlib.blake2b(b"".join(digests), digest_size=DIGEST_BYTES).digest()


def digest_blocks(blocks: Sequence[bytes] | None) -> bytes | None:
    """What a worker answers for an object with these blocks; None for one that is destroyed."""
    if blocks is None:
        return None
    end = len(blocks)
    while end and not any(blocks[end - 1]):
        end -= 1
    return join_digests([block_digest(block) for block in blocks[:end]])


def write_all(descriptor: int, frame: bytes) -> None:
    """Write everything to a pipe."""
    done = os.write(descriptor, frame)
    while done < len(frame):
        done += os.write(descriptor, memoryview(frame)[done:])


class Names:
    """Numbers for a program's ZAPs and cursors; a cursor gets one where it is first met.

    `packed_words` has, for each op packed so far, how many words the key has that a cursor returns there: the
    same cursor may be on another ZAP later.
    """

    def __init__(self, program: Program) -> None:
        self.zaps = {zap.name: index for index, zap in enumerate(program.zaps)}
        self.cursors: dict[str, int] = {}
        self.words = tuple(zap.words for zap in program.zaps)
        self._cursor_words: dict[int, int] = {}
        self.packed_words: list[int] = []

    def pack(self, op: Op) -> bytes:
        """One op. Raises KeyError for a ZAP that the header does not name."""
        verb, target_name, key, size, length, fill, other_name, _, extra, to = op
        code, kind, has_other = _SHAPES[verb]
        target = other = words = 0
        if kind is Subject.ZAP:
            target = self.zaps[target_name]
            if has_other:
                other = self.zaps[other_name]
        elif kind is Subject.CURSOR:
            target = self.cursors.setdefault(target_name, len(self.cursors))
            if has_other:
                other = self.zaps[other_name]
                self._cursor_words[target] = self.words[other]
            words = self._cursor_words.get(target, 0)
        self.packed_words.append(words)
        packed = pack_key(key)
        if to is None:
            return _OP.pack(code, size, target, other, length, fill, len(packed), extra, 0) + packed
        more = pack_key(to)
        return (
            _OP.pack(code, size, target, other, length, fill, len(packed), extra, len(more)) + packed + more
        )


def pack_run(flags: Flags, program: Program, names: Names, ops: Sequence[Op]) -> bytes:
    """The body of a RUN."""
    packed = [names.pack(op) for op in ops]
    zaps = program.zaps if Flags.BEGIN in flags else ()
    parts = [bytes((flags,)), _COUNTS.pack(len(zaps), len(names.cursors), len(packed))]
    for zap in zaps:
        bits = (
            zap.fat
            | zap.prehashed << 1
            | zap.hash64 << 2
            | zap.mos << 3
            | zap.shorter << 4
            | zap.by_dnode << 5
        )
        told = 0 if zap.dataset is None else 1 | zap.dataset.case << 1
        if zap.dataset is not None:
            told |= zap.dataset.utf8only << 3 | zap.dataset.longname << 4
        stored = zap.properties.compression | zap.properties.encryption << 4
        numbers = (zap.leaf_shift, zap.norm, zap.salt, zap.hash_bits, told, stored, zap.usage)
        parts.append(_ZAP.pack(bits, zap.words, *numbers, zap.indirect_shift, zap.micro_max, zap.inode))
    return b"".join(parts + packed)


def unpack_run(body: bytes) -> tuple[Flags, list[Zap], list[Call]]:
    """The other way. ZAPs come back without their names."""
    try:
        flags = Flags(body[0])
        zap_count, _, op_count = _COUNTS.unpack_from(body, 1)
        at = 1 + _COUNTS.size
        zaps = []
        for _ in range(zap_count):
            bits, words, *rest, told, stored, usage, indirect, most, inode = _ZAP.unpack_from(body, at)
            zap = Zap("", bool(bits & 1), words, bool(bits & 2), bool(bits & 4), *rest)
            properties = Dataset(told >> 1 & 3, bool(told & 8), bool(told & 16), stored & 15, stored >> 4)
            dataset = properties if told else None
            mos = bool(bits & 8)
            zap = zap._replace(dataset=dataset, usage=usage, mos=mos, indirect_shift=indirect)
            zaps.append(
                zap._replace(micro_max=most, inode=inode, shorter=bool(bits & 16), by_dnode=bool(bits & 32))
            )
            at += _ZAP.size
        ops, unpack, size = [], _OP.unpack_from, _OP.size
        for _ in range(op_count):
            verb, integer, subject, other, length, fill, key_bytes, extra, to_bytes = unpack(body, at)
            start = at + size
            middle = start + key_bytes
            at = middle + to_bytes
            key, to = body[start:middle], body[middle:at]
            ops.append(Call(subject, other, key, to, integer, length, fill, extra, verb))
    except (struct.error, IndexError, ValueError) as problem:
        raise WireProblem(f"a request that does not add up: {problem}") from problem
    if at != len(body):
        raise WireProblem(f"a request of {len(body)} bytes where {at} were announced")
    return flags, zaps, ops


def pack_result(errno: int, value: Value = None) -> bytes:
    """One op's result; an Entry's key is bytes here, words as they lie in memory."""
    if value is None:
        return _RESULT.pack(errno, Tag.NOTHING)
    if isinstance(value, bytes):
        return _RESULT.pack(errno, Tag.BYTES) + _U32.pack(len(value)) + value
    if isinstance(value, int):
        return _RESULT.pack(errno, Tag.COUNT) + _U64.pack(value)
    if isinstance(value, Entry):
        assert isinstance(value.key, bytes)
        head = _ENTRY.pack(value.size, value.length, value.first, len(value.key), value.conflict)
        return _RESULT.pack(errno, Tag.ENTRY) + head + value.key
    if isinstance(value, Found):
        head = _FOUND.pack(len(value.value), len(value.name), value.conflict)
        return _RESULT.pack(errno, Tag.FOUND) + head + value.value + value.name
    if len(value) == 2:
        return _RESULT.pack(errno, Tag.LENGTH) + _LENGTH.pack(*value)
    return _RESULT.pack(errno, Tag.NUMBERS) + _U32.pack(len(value)) + struct.pack(f"<{len(value)}Q", *value)


PLAIN = [pack_result(code) for code in range(256)]
"""The packed result of each errno without a value."""


class Reader:
    """Takes results (and digests) out of an answer, front to back."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def _take(self, count: int) -> bytes:
        taken = self._body[self._at : self._at + count]
        if len(taken) != count:
            raise WireProblem("an answer that ends too early")
        self._at += count
        return taken

    def result(self, words: int) -> Result:
        """The next result; `words` is what an Entry's key has (0: a name)."""
        head = self._body[self._at : self._at + _RESULT.size]
        plain = _PLAIN_RESULTS.get(head)
        if plain is not None:
            self._at += _RESULT.size
            return plain
        errno, tag = _RESULT.unpack(self._take(_RESULT.size))
        if tag == Tag.NOTHING:
            return Result(errno)
        if tag == Tag.BYTES:
            return Result(errno, self._take(_U32.unpack(self._take(4))[0]))
        if tag == Tag.COUNT:
            return Result(errno, _U64.unpack(self._take(8))[0])
        if tag == Tag.LENGTH:
            size, length = _LENGTH.unpack(self._take(_LENGTH.size))
            return Result(errno, (size, length))
        if tag == Tag.FOUND:
            value_bytes, name_bytes, conflict = _FOUND.unpack(self._take(_FOUND.size))
            return Result(errno, Found(self._take(value_bytes), self._take(name_bytes), bool(conflict)))
        if tag == Tag.NUMBERS:
            count = _U32.unpack(self._take(4))[0]
            return Result(errno, struct.unpack(f"<{count}Q", self._take(8 * count)))
        size, length, first, key_bytes, conflict = _ENTRY.unpack(self._take(_ENTRY.size))
        raw = self._take(key_bytes)
        key: Key = struct.unpack(f"<{words}Q", raw[: 8 * words]) if words else raw
        return Result(errno, Entry(key, size, length, first, bool(conflict)))

    def digests(self, zaps: int) -> tuple[bytes | None, ...]:
        """The next digests, two for each ZAP of the header: of its blocks, of their dbufs; None for a
        destroyed one."""
        return tuple(self._take(2 * DIGEST_BYTES) if self._take(1)[0] else None for _ in range(zaps))

    def blocks(self) -> list[bytes] | None:
        """A BLOCKS answer: block size and count, then the blocks."""
        size, count = _LENGTH.unpack(self._take(_LENGTH.size))
        return [self._take(size) for _ in range(count)] if size else None


def pack_blocks(size: int, content: bytes) -> bytes:
    """A BLOCKS answer; a size of 0 stands for a destroyed ZAP."""
    return _LENGTH.pack(size, len(content) // size if size else 0) + content
