"""Every entry that can still be read from an object's blocks, whether or not anything leads to it.

A walk along links misses what lies behind a link that is wrong. So each chunk of each block that may be a
leaf is looked at by itself: an entry is whole if its own chunk and those of its name and value are. Whether
its name has the hash that is stored with it is told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from zapcore import layout as L
from zapcore.byteorder import is_big, swap_leaf
from zapcore.verify.block_kind import has_leaf_magic
from zapcore.verify.leaf import is_leaf
from zapcore.verify.name_hash import hash_of_key
from zapcore.verify.object import check_object
from zapcore.verify.report import OBJECT_BITS, Report
from zapcore.zap.name import LONG_NAME, Key, key_of
from zapcore.zap.norm import forms_of

SLOT = L.MICRO_SLOT.size
LEAF_SHARE = 4
"""A block of which one in so many chunks has a type that there is counts as a leaf that is damaged."""


class Salvaged(NamedTuple):
    """An entry that is whole. `value` is big-endian; `reached` says that an operation comes to it, `verified`
    that its name has the hash that is stored with it."""

    block: int
    chunk: int
    key: Key
    size: int
    value: bytes
    reached: bool
    verified: bool

    @property
    def object(self) -> int:
        """The object that a directory's entry leads to."""
        return int.from_bytes(self.value[:8], "big") & ((1 << OBJECT_BITS) - 1) if self.size == 8 else 0

    @property
    def type(self) -> int:
        """What that is (DT_DIR, DT_REG and so on)."""
        return int.from_bytes(self.value[:8], "big") >> 60 if self.size == 8 else 0


class Part(NamedTuple):
    """An entry of which only a part can be read: the beginning of its name, or nothing of its value."""

    block: int
    chunk: int
    name: bytes
    value: bytes


@dataclasses.dataclass(slots=True)
class Salvage:
    """What was got, and what was not. `missing` is how many more the header counts; `report` says what is
    wrong."""

    report: Report
    entries: list[Salvaged]
    parts: list[Part]
    missing: int


def looks_micro(raw: bytes) -> bool:
    """Whether most of the 64-byte slots after the first that are not empty are a micro ZAP's: a value, a name
    with an end, and nothing but zeros where nothing may be."""
    whole = there = 0
    for at in range(SLOT, len(raw) - SLOT + 1, SLOT):
        slot = raw[at : at + SLOT]
        if not any(slot):
            continue
        there += 1
        name, end, rest = slot[14:].partition(b"\0")
        whole += bool(any(slot[:8]) and not any(slot[12:14]) and name and end and not any(rest))
    return whole > 0 and 2 * whole > there


def _values_are_big(raw: bytes) -> bool:
    """Whether more values are a directory's (a type on top, then zeros) when they are read as big-endian."""
    slots = [raw[at : at + 8] for at in range(SLOT, len(raw) - SLOT + 1, SLOT)]
    little, big = (
        sum(value[0] & 15 == value[1] == 0 < value[0] for value in ordered)
        for ordered in ([slot[::-1] for slot in slots], slots)
    )
    return big > little


def salvage(blocks: Sequence[bytes], lower_case: bool = True) -> Salvage:
    """Read all that can be read. No bytes make this raise."""
    report = check_object(blocks, lower_case, operations=False)
    found = _Salvager(report, blocks, lower_case)
    if report.kind != "micro":
        found.leaves()
    if not found.entries:
        found.micro()
    # of an entry that is there twice (a leaf and what it was before a split) the one that is reached counts
    best: dict[tuple[Key, bytes], Salvaged] = {}
    for entry in sorted(found.entries, key=lambda entry: (not entry.reached, not entry.verified)):
        best.setdefault((entry.key, entry.value), entry)
    entries = sorted(best.values(), key=lambda entry: (entry.block, entry.chunk))
    counted = report.header.get("zap_num_entries", len(entries)) if report.kind == "fat" else len(entries)
    trusted = counted < len(blocks) * max(report.block_size // L.CHUNK_SIZE, 1)
    return Salvage(report, entries, found.parts, max(counted - len(entries), 0) if trusted else 0)


class _Salvager:
    """Collects entries of one object."""

    def __init__(self, report: Report, blocks: Sequence[bytes], lower_case: bool) -> None:
        self.report = report
        self.blocks = blocks
        self.entries: list[Salvaged] = []
        self.parts: list[Part] = []
        self.lower_case = lower_case
        self.reached = {(entry.block, entry.chunk) for entry in report.entries if not entry.lost}
        self.words = bool(report.header.get("zap_flags", 0) & L.FLAG_UINT64_KEY)
        if report.kind == "leaf":  # no header says it: what was guessed of all of the leaf
            self.words = any(isinstance(entry.key, tuple) for entry in report.entries)

    def hashes_to(self, key: Key, hashed: int) -> bool:
        header = self.report.header
        flags = header.get("zap_flags", 0)
        norm = forms_of(header.get("zap_normflags", 0), self.lower_case)
        return hash_of_key(key, header.get("zap_salt", 0), flags, norm) == hashed

    def micro(self) -> None:
        """Every slot with a name that has an end. A micro ZAP whose type is damaged may be cut into several
        blocks; its slots still tell what it is."""
        known = self.report.kind == "micro"
        count = min(1 if known else len(self.blocks), L.MAX_MICRO // L.BLOCK_SIZES[0])
        raw = b"".join(bytes(self.blocks[blkid]) for blkid in range(count))
        if not known and (len(raw) > L.MAX_MICRO or not looks_micro(raw)):
            return
        big = is_big(raw) or self.report.byte_order == "big" or (not known and _values_are_big(raw))
        for slot in range(max(len(raw) // SLOT - 1, 0)):
            at = SLOT * (slot + 1)
            name, end, _ = raw[at + 14 : at + SLOT].partition(b"\0")
            value = raw[at : at + 8] if big else raw[at : at + 8][::-1]
            if name and end and (known or not any(raw[at + 12 : at + 14])):
                self.entries.append(Salvaged(0, slot, name, 8, value, (0, slot) in self.reached, True))
            elif name and known:
                self.parts.append(Part(0, slot, name, value))

    def leaves(self) -> None:
        """Every entry chunk of every block that is or may be a leaf."""
        size = self.report.block_size
        if size not in L.BLOCK_SIZES:
            return
        for blkid in range(len(self.blocks)):
            raw = bytes(self.blocks[blkid])[:size].ljust(size, b"\0")
            if blkid == 0 and self.report.kind == "fat" and not has_leaf_magic(raw):
                continue
            if is_big(raw) or (self.report.byte_order == "big" and not is_leaf(raw)):
                raw = swap_leaf(raw)
            geo = L.geometry(size.bit_length() - 1)
            types = raw[geo.first_chunk : geo.first_chunk + L.CHUNK_SIZE * geo.chunks : L.CHUNK_SIZE]
            typed = sum(map(types.count, (L.CHUNK_ENTRY, L.CHUNK_ARRAY, L.CHUNK_FREE)))
            if not is_leaf(raw) and not has_leaf_magic(raw) and typed * LEAF_SHARE < geo.chunks:
                continue
            leaf = _Leaf(raw, geo, types)
            for chunk, kind in enumerate(types):
                if kind == L.CHUNK_ENTRY:
                    self.entry(leaf, blkid, chunk)

    def entry(self, leaf: _Leaf, blkid: int, chunk: int) -> None:
        """One entry chunk: whole, or a part."""
        _, size, _, name_at, ints, value_at, length, _, hashed = L.ENTRY_CHUNK.packing.unpack_from(
            leaf.raw, leaf.geo.first_chunk + L.CHUNK_SIZE * chunk
        )
        value = leaf.array(value_at, size * length) if size in (1, 2, 4, 8) else None
        part = b""
        for words in (self.words, not self.words):
            name = leaf.array(name_at, ints * (8 if words else 1))
            if name is None or not _is_name(name, words):
                continue
            part = part or name
            key = key_of(name, words)
            verified = self.hashes_to(key, hashed)
            if value is not None and (verified or words == self.words or not words):
                reached = (blkid, chunk) in self.reached
                self.entries.append(Salvaged(blkid, chunk, key, size, value, reached, verified))
                return
        self.parts.append(Part(blkid, chunk, part or leaf.beginning(name_at, ints), value or b""))


class _Leaf:
    """The arrays of a leaf."""

    def __init__(self, raw: bytes, geo: L.Geometry, types: bytes) -> None:
        self.raw = raw
        self.geo = geo
        self.types = types
        self.h = memoryview(raw).cast("H")

    def array(self, chunk: int, size: int) -> bytes | None:
        """An array's bytes; None if a chunk of it is not there, or it goes on behind its end."""
        found = self.beginning(chunk, size)
        if len(found) < size or size > max(L.MAX_VALUE_LEN, LONG_NAME):
            return None
        return found

    def beginning(self, chunk: int, size: int) -> bytes:
        """What of an array can be read."""
        pieces: list[bytes] = []
        for _ in range(0, min(size, L.MAX_VALUE_LEN), L.ARRAY_BYTES):
            if chunk >= self.geo.chunks or self.types[chunk] != L.CHUNK_ARRAY:
                break
            at = self.geo.first_chunk + L.CHUNK_SIZE * chunk
            pieces.append(self.raw[at + 1 : at + 1 + L.ARRAY_BYTES])
            chunk = self.h[self.geo.h_chunk + L.CHUNK_SIZE // 2 * chunk + L.H_CHUNK_NEXT]
        return b"".join(pieces)[:size]


def _is_name(name: bytes, words: bool) -> bool:
    return len(name) > 0 if words else 1 < len(name) <= LONG_NAME and name.find(b"\0") == len(name) - 1
