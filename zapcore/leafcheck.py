"""What must hold inside one leaf block, whatever its bytes are: no bytes make this raise or loop.

Each chunk belongs to exactly one of: the free list, an entry in its bucket's chain, an array of one entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from zapcore import layout as L
from zapcore.violation import Violation

__all__ = ["LeafEntry", "LeafReport", "Violation", "check_leaf"]


class LeafEntry(NamedTuple):
    """An entry read from a leaf: key and value as stored (big-endian integers)."""

    chunk: int
    hash: int
    cd: int
    name: bytes
    name_ints: int
    size: int
    length: int
    value: bytes


class LeafReport(NamedTuple):
    """What a leaf block holds and what is wrong with it. `owners` says per chunk what uses it (None: no
    link that could be followed leads there)."""

    prefix: int
    prefix_len: int
    flags: int
    entries: list[LeafEntry]
    violations: list[Violation]
    owners: list[str | None]


FREE, ENTRY, ARRAY = "free list", "entry", "array"
_TYPES = {FREE: L.CHUNK_FREE, ENTRY: L.CHUNK_ENTRY, ARRAY: L.CHUNK_ARRAY}
_TYPE_NAMES = {number: name for name, number in _TYPES.items()}
_ZEROES = bytes(L.ARRAY_BYTES)

Link = tuple[str, int]
"""A link: its field, and the chunk that has it (-1: the leaf's header or buckets)."""


class _Checker:
    """The walk over one leaf. `owner` says per chunk who has claimed it so far."""

    def __init__(self, raw: bytes | bytearray, shift: int, block: int, name_size: int, unused: bool) -> None:
        self.geo = L.geometry(shift)
        self.block = block
        self.name_size = name_size
        self.unused = unused
        self.raw = raw
        view = memoryview(raw)
        self.h = view.cast("H")
        self.q = view.cast("Q")
        self.i = view.cast("I")
        first = self.geo.first_chunk
        self.types = bytes(raw[first : first + L.CHUNK_SIZE * self.geo.chunks : L.CHUNK_SIZE])
        self.owner: list[str | None] = [None] * self.geo.chunks
        self.entries: list[LeafEntry] = []
        self.violations: list[Violation] = []

    def wrong(self, invariant: str, link: Link, found: str) -> None:
        self.violations.append(Violation(invariant, self.block, link[0], found, link[1]))

    def header_wrong(self, field: str, found: str) -> None:
        self.violations.append(Violation("leaf-header", self.block, field, found))

    def claim(self, chunk: int, role: str, link: Link) -> bool:
        """Take a chunk for a role; False (and a violation at the link that led here) if it cannot be."""
        geo = self.geo
        if chunk >= geo.chunks:
            self.wrong("chunk-link", link, f"chunk {chunk} of {geo.chunks}")
            return False
        if self.owner[chunk] is not None:
            what = "a cycle" if self.owner[chunk] == role == FREE else f"already in use ({self.owner[chunk]})"
            self.wrong("chunk-link", link, f"chunk {chunk}: {what}")
            return False
        kind = self.types[chunk]
        if kind != _TYPES[role]:
            found = f"chunk {chunk} has type {_type_name(kind)}, not {_type_name(_TYPES[role])}"
            self.wrong("chunk-type", link, found)
            return False
        self.owner[chunk] = role
        return True

    def header(self) -> bool:
        """Check the header's own fields; False if this is no leaf at all."""
        q, h = self.q, self.h
        magic = self.i[L.I_LEAF_MAGIC]
        if q[L.Q_BLOCK_TYPE] != L.ZBT_LEAF:
            self.header_wrong("lh_block_type", f"{q[L.Q_BLOCK_TYPE]:#x}, not {L.ZBT_LEAF:#x}")
        if magic != L.ZAP_LEAF_MAGIC:
            self.header_wrong("lh_magic", f"{magic:#x}, not {L.ZAP_LEAF_MAGIC:#x}")
        if len(self.violations) == 2:
            if not any(self.raw):
                self.violations[:] = [Violation("leaf-header", self.block, "block", "all zero, not a leaf")]
            return False
        if q[L.Q_LEAF_PAD1]:
            self.header_wrong("lh_pad1", f"{q[L.Q_LEAF_PAD1]:#x}, not 0")
        if any(self.raw[L.B_FLAGS + 1 : L.LEAF_HEADER_SIZE]):
            self.header_wrong("lh_pad2", "not zero")
        if self.raw[L.B_FLAGS] & ~L.ENTRIES_CDSORTED:
            self.header_wrong("lh_flags", f"{self.raw[L.B_FLAGS]:#x}")
        length = h[L.H_PREFIX_LEN]
        if length > 64 or (length < 64 and q[L.Q_PREFIX] >> length):
            self.header_wrong("lh_prefix", f"{q[L.Q_PREFIX]:#x} of {length} bits")
        return True

    def free_list(self) -> None:
        h, owner, types, chunks = self.h, self.owner, self.types, self.geo.chunks
        at = self.geo.h_chunk + L.H_CHUNK_NEXT
        chunk = h[L.H_FREELIST]
        last = -1
        free = 0
        while chunk < chunks and owner[chunk] is None and types[chunk] == L.CHUNK_FREE:
            owner[chunk] = FREE
            free += 1
            last = chunk
            chunk = h[at + 12 * chunk]
        if chunk != L.CHAIN_END:
            self.claim(chunk, FREE, ("lh_freelist" if last < 0 else "lf_next", last))
        if free != h[L.H_NFREE]:
            found = f"{h[L.H_NFREE]}, but {free} on the free list"
            self.violations.append(Violation("free-count", self.block, "lh_nfree", found))

    def array(self, chunk: int, size: int, link: Link) -> bytes:
        """Walk an array of `size` bytes; returns what of it can be read."""
        h, owner, types, raw, chunks = self.h, self.owner, self.types, self.raw, self.geo.chunks
        next_at = self.geo.h_chunk + L.H_CHUNK_NEXT
        byte_at = self.geo.first_chunk + 1
        data = bytearray()
        last = -1
        while len(data) < size and chunk < chunks and owner[chunk] is None and types[chunk] == L.CHUNK_ARRAY:
            owner[chunk] = ARRAY
            start = byte_at + L.CHUNK_SIZE * chunk
            data += raw[start : start + L.ARRAY_BYTES]
            last = chunk
            chunk = h[next_at + 12 * chunk]
        if self.unused and any(data[size:]):
            self.wrong("unused", ("la_array", last), "not zero behind the array's last byte")
        if len(data) >= size and chunk == L.CHAIN_END:
            return bytes(data[:size])
        if last >= 0:
            link = ("la_next", last)
        if len(data) >= size:
            self.wrong("array-length", link, f"goes on to chunk {chunk} after {size} bytes")
        elif chunk == L.CHAIN_END:
            self.wrong("array-length", link, f"ends {size - len(data)} bytes early")
        else:
            self.claim(chunk, ARRAY, link)
        return bytes(data[:size])

    def entry(self, chunk: int) -> LeafEntry:
        geo, h = self.geo, self.h
        at = geo.h_chunk + 12 * chunk
        size = self.raw[2 * at + L.B_INTLEN]
        length = h[at + L.H_VALUE_NUMINTS]
        if size not in (1, 2, 4, 8):
            self.wrong("entry", ("le_value_intlen", chunk), f"{size}")
        elif size * length > L.MAX_VALUE_LEN:
            self.wrong("entry", ("le_value_numints", chunk), f"{length} integers of {size} bytes")
        name_ints = h[at + L.H_NAME_NUMINTS]
        name = self.array(h[at + L.H_NAME_CHUNK], name_ints * self.name_size, ("le_name_chunk", chunk))
        value = self.array(h[at + L.H_VALUE_CHUNK], size * length, ("le_value_chunk", chunk))
        return LeafEntry(
            chunk,
            self.q[geo.q_chunk + 3 * chunk + L.Q_HASH],
            self.i[geo.i_chunk + 6 * chunk + L.I_CD],
            name,
            name_ints,
            size,
            length,
            value,
        )

    def buckets(self) -> None:
        geo, h = self.geo, self.h
        length = min(h[L.H_PREFIX_LEN], 64)
        prefix = self.q[L.Q_PREFIX]
        shift = max(64 - geo.hash_shift - length, 0)
        outside: list[Violation] = []
        for bucket, chunk in enumerate(h[geo.h_hash : geo.h_hash + geo.hash_entries].tolist()):
            if chunk == L.CHAIN_END:
                continue
            link = (f"l_hash[{bucket}]", -1)
            last_cd = -1
            taken: set[tuple[int, int]] = set()
            while chunk != L.CHAIN_END and self.claim(chunk, ENTRY, link):
                entry = self.entry(chunk)
                self.entries.append(entry)
                if L.hash_index(entry.hash, length) != prefix:
                    found = f"{entry.hash:#x} outside the prefix"
                    outside.append(Violation("leaf-prefix", self.block, "le_hash", found, chunk))
                elif (entry.hash >> shift) & (geo.hash_entries - 1) != bucket:
                    self.wrong("bucket", ("le_hash", chunk), f"{entry.hash:#x} in bucket {bucket}")
                if entry.cd < last_cd:
                    self.wrong("differentiator", ("le_cd", chunk), f"{entry.cd} after {last_cd}")
                if (entry.hash, entry.cd) in taken:
                    self.wrong("differentiator", ("le_cd", chunk), f"{entry.cd} twice")
                taken.add((entry.hash, entry.cd))
                last_cd = entry.cd
                link = ("le_next", chunk)
                chunk = h[geo.h_chunk + 12 * chunk + L.H_ENTRY_NEXT]
        if outside:
            self._blame(outside, prefix, length)
        if len(self.entries) != h[L.H_NENTRIES]:
            found = f"{h[L.H_NENTRIES]}, but {len(self.entries)} in the buckets"
            self.violations.append(Violation("entry-count", self.block, "lh_nentries", found))

    def _blame(self, outside: list[Violation], prefix: int, length: int) -> None:
        """If most of several entries are outside the prefix, it is the prefix that is wrong."""
        if len(outside) > 1 and 2 * len(outside) > len(self.entries):
            found = f"{prefix:#x}/{length}, but {len(outside)} of {len(self.entries)} entries are outside"
            outside = [Violation("leaf-prefix", self.block, "lh_prefix", found)]
        self.violations += outside

    def leftovers(self) -> None:
        """Chunks that nothing reaches, and free chunks that are not blank."""
        if None in self.owner:
            self.violations += lost_chunks(self.types, self.block, self.owner)
        if not self.unused:
            return
        for chunk, role in enumerate(self.owner):
            at = self.geo.first_chunk + L.CHUNK_SIZE * chunk + 1
            if role is FREE and self.raw[at : at + L.ARRAY_BYTES] != _ZEROES:
                self.wrong("unused", ("lf_pad", chunk), "not zero")


def _type_name(kind: int) -> str:
    return f"{kind} ({_TYPE_NAMES[kind]})" if kind in _TYPE_NAMES else f"{kind}"


def lost_chunks(types: bytes, block: int, owner: list[str | None]) -> Iterator[Violation]:
    """One violation for each run of neighbours of one type that nothing reaches."""
    first = -1
    for chunk in range(len(types) + 1):
        lost = chunk < len(types) and owner[chunk] is None
        if first >= 0 and not (lost and types[chunk] == types[first]):
            more = f" and the {chunk - first - 1} after it" if chunk - first > 1 else ""
            yield Violation(
                "chunk-lost", block, "type", f"{_type_name(types[first])}: nothing leads to it{more}", first
            )
            first = -1
        if lost and first < 0:
            first = chunk


def is_leaf(raw: bytes | bytearray) -> bool:
    """Whether a block of 512 bytes or more has a leaf's type or at least its magic."""
    typed = int.from_bytes(raw[:8], "little") == L.ZBT_LEAF
    return typed or int.from_bytes(raw[24:28], "little") == L.ZAP_LEAF_MAGIC


def check_leaf(
    raw: bytes | bytearray, shift: int, block: int, words: bool, *, unused: bool = False
) -> LeafReport:
    """Check one leaf block of 2^shift bytes. Never raises.

    `words` says that names are 64-bit words; with `unused`, bytes that nothing uses must be zero.
    """
    checker = _Checker(raw, shift, block, 8 if words else 1, unused)
    if checker.header():
        checker.free_list()
        checker.buckets()
        checker.leftovers()
    prefix, length = checker.q[L.Q_PREFIX], checker.h[L.H_PREFIX_LEN]
    flags = raw[L.B_FLAGS]
    return LeafReport(prefix, length, flags, checker.entries, checker.violations, checker.owner)
