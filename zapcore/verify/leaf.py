"""What must hold inside one leaf block, and where it does not. No bytes make this raise or loop.

The rules, each under the invariant that is violated if it does not hold:

- leaf-header: type and magic are a leaf's, padding is zero, flags are known, and the prefix fits its length.
- chunk-link, chunk-type: each chunk is used once: on the free list, as an entry in its bucket's chain, or as
  a part of one array of one entry. Its type says so.
- chunk-lost: there is no chunk that is used for nothing.
- free-count, entry-count: the header says how many chunks are free, and how many entries there are.
- entry: a value is of integers of 1, 2, 4 or 8 bytes, and of 8192 bytes at most.
- array-length: an array has as many chunks as its length needs.
- leaf-prefix, bucket: an entry's hash begins with the leaf's prefix, and goes on with its bucket.
- differentiator: no two entries of one hash have the same one, and it never becomes smaller along a chain.
- unused: what nothing uses is zero. This is checked only if asked for: OpenZFS does not clear all of it.

`sound_leaf.py` says faster whether all rules but the last one hold.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from zapcore import layout as L
from zapcore.verify.invariants import Violation
from zapcore.verify.leaf_report import LeafEntry, LeafReport
from zapcore.verify.sound_leaf import IN_ORDER, sound_leaf

_ROLES = {L.CHUNK_FREE: "free list", L.CHUNK_ENTRY: "entry", L.CHUNK_ARRAY: "array"}
"""What a chunk is used for, by its type."""

_BLANK = bytes(L.ARRAY_BYTES)

Link = tuple[str | int, int]
"""A link: its field, or the number of the bucket if it is one; and the chunk that has it, or -1 for the
header and the buckets."""


class _Checker:
    """The walk over one leaf. `types` has the type of each chunk, `left` the same with 0 for each chunk that
    a list, an entry or an array has claimed so far, `following` each chunk's link if the chunk is free or a
    part of an array."""

    def __init__(self, raw: bytes | bytearray, shift: int, block: int, name_size: int, unused: bool) -> None:
        self.geo = geo = L.geometry(shift)
        self.block = block
        self.name_size = name_size
        self.unused = unused
        self.raw = raw
        end = geo.chunks_end
        self.types = raw[geo.first_chunk : end : L.CHUNK_SIZE]
        self.left = bytearray(self.types)
        self.following = array("H", raw)[geo.h_chunk + L.H_CHUNK_NEXT : end // 2 : L.H_PER_CHUNK]
        self.entries: list[LeafEntry] = []
        self.violations: list[Violation] = []

    def wrong(self, invariant: str, link: Link, found: str) -> None:
        field, chunk = link
        if isinstance(field, str):
            violation = Violation(invariant, self.block, field, found, chunk)
        else:
            bucket = range(field, field + 1)
            violation = Violation(invariant, self.block, "l_hash", found, chunk, bucket)
        self.violations.append(violation)

    def header_wrong(self, field: str, found: str) -> None:
        self.violations.append(Violation("leaf-header", self.block, field, found))

    def claim(self, chunk: int, kind: int, link: Link) -> bool:
        """Claim a chunk for a use. Returns False if it cannot be claimed; the link that leads to it is a
        violation then."""
        if chunk >= self.geo.chunks:
            self.wrong("chunk-link", link, f"chunk {chunk} of {self.geo.chunks}")
            return False
        there = self.types[chunk]
        if there != self.left[chunk]:
            what = "a cycle" if there == kind == L.CHUNK_FREE else f"already in use ({_ROLES[there]})"
            self.wrong("chunk-link", link, f"chunk {chunk}: {what}")
            return False
        if there != kind:
            self.wrong(
                "chunk-type", link, f"chunk {chunk} has type {_type_name(there)}, not {_type_name(kind)}"
            )
            return False
        self.left[chunk] = 0
        return True

    def header(self) -> bool:
        """Check the fields of the header. Returns False if this is no leaf at all."""
        fields = L.LEAF_HEADER.packing.unpack_from(self.raw)
        (
            kind,
            pad1,
            self.prefix,
            magic,
            self.free,
            self.counted,
            self.prefix_len,
            self.free_list,
            flags,
            pad2,
        ) = fields
        if kind != L.ZBT_LEAF:
            self.header_wrong("lh_block_type", f"{kind:#x}, not {L.ZBT_LEAF:#x}")
        if magic != L.ZAP_LEAF_MAGIC:
            self.header_wrong("lh_magic", f"{magic:#x}, not {L.ZAP_LEAF_MAGIC:#x}")
        if len(self.violations) == 2:
            if not any(self.raw):
                self.violations[:] = [Violation("leaf-header", self.block, "block", "all zero, not a leaf")]
            return False
        if pad1:
            self.header_wrong("lh_pad1", f"{pad1:#x}, not 0")
        if any(pad2):
            self.header_wrong("lh_pad2", "not zero")
        if flags & ~L.ENTRIES_CDSORTED:
            self.header_wrong("lh_flags", f"{flags:#x}")
        if self.prefix_len > 64 or self.prefix >> self.prefix_len:
            self.header_wrong("lh_prefix", f"{self.prefix:#x} of {self.prefix_len} bits")
        return True

    def walk_free_list(self) -> None:
        left, following, chunks = self.left, self.following, self.geo.chunks
        chunk = self.free_list
        last = -1
        free = 0
        look = True
        while chunk < chunks and left[chunk] == L.CHUNK_FREE:
            if look and following[chunk] == chunk + 1:
                look = False  # chunks that were never used are still in order, and can be claimed all at once
                in_order = following[chunk:-1] == IN_ORDER[chunk : chunks - 1]
                if in_order and left.count(L.CHUNK_FREE, chunk) == chunks - chunk:
                    free += chunks - chunk
                    left[chunk:] = bytes(chunks - chunk)
                    last = chunks - 1
                    chunk = following[last]
                    continue
            left[chunk] = 0
            free += 1
            last = chunk
            chunk = following[chunk]
        if chunk != L.CHAIN_END:
            self.claim(chunk, L.CHUNK_FREE, ("lh_freelist" if last < 0 else "lf_next", last))
        if free != self.free:
            found = f"{self.free}, but {free} on the free list"
            self.violations.append(Violation("free-count", self.block, "lh_nfree", found))

    def array(self, chunk: int, size: int, link: Link) -> bytes:
        """Walk over an array of `size` bytes. Returns as much of it as can be read."""
        left, following, raw, chunks = self.left, self.following, self.raw, self.geo.chunks
        content = self.geo.first_chunk + L.B_ARRAY
        pieces = []
        last = -1
        for _ in range(0, size, L.ARRAY_BYTES):
            if chunk >= chunks or left[chunk] != L.CHUNK_ARRAY:
                break
            left[chunk] = 0
            start = content + L.CHUNK_SIZE * chunk
            pieces.append(raw[start : start + L.ARRAY_BYTES])
            last = chunk
            chunk = following[chunk]
        data = b"".join(pieces)
        if self.unused and any(data[size:]):
            self.wrong("unused", ("la_array", last), "not zero behind the array's last byte")
        if len(data) >= size and chunk == L.CHAIN_END:
            return data[:size]
        if last >= 0:
            link = ("la_next", last)
        if len(data) >= size:
            self.wrong("array-length", link, f"goes on to chunk {chunk} after {size} bytes")
        elif chunk == L.CHAIN_END:
            self.wrong("array-length", link, f"ends {size - len(data)} bytes early")
        else:
            self.claim(chunk, L.CHUNK_ARRAY, link)
        return data[:size]

    def entry(self, chunk: int) -> tuple[LeafEntry, int]:
        """The entry in a chunk, and the chunk that comes after it in its bucket's chain."""
        _, size, following, name_at, name_ints, value_at, length, cd, hashed = (
            L.ENTRY_CHUNK.packing.unpack_from(self.raw, self.geo.first_chunk + L.CHUNK_SIZE * chunk)
        )
        if size not in (1, 2, 4, 8):
            self.wrong("entry", ("le_value_intlen", chunk), f"{size}")
        elif size * length > L.MAX_VALUE_LEN:
            self.wrong("entry", ("le_value_numints", chunk), f"{length} integers of {size} bytes")
        name = self.array(name_at, name_ints * self.name_size, ("le_name_chunk", chunk))
        value = self.array(value_at, size * length, ("le_value_chunk", chunk))
        return LeafEntry(chunk, hashed, cd, name, name_ints, size, length, value), following

    def buckets(self) -> None:
        geo = self.geo
        length = min(self.prefix_len, 64)
        shift = max(64 - geo.hash_shift - length, 0)
        outside: list[Violation] = []
        for bucket, chunk in enumerate(array("H", self.raw[L.LEAF_HEADER_SIZE : geo.first_chunk])):
            if chunk == L.CHAIN_END:
                continue
            link: Link = (bucket, -1)
            last_cd = -1
            taken: set[tuple[int, int]] = set()
            while chunk != L.CHAIN_END and self.claim(chunk, L.CHUNK_ENTRY, link):
                entry, following = self.entry(chunk)
                self.entries.append(entry)
                if L.hash_index(entry.hash, length) != self.prefix:
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
                chunk = following
        if outside:
            self._blame(outside, self.prefix, length)
        if len(self.entries) != self.counted:
            found = f"{self.counted}, but {len(self.entries)} in the buckets"
            self.violations.append(Violation("entry-count", self.block, "lh_nentries", found))

    def _blame(self, outside: list[Violation], prefix: int, length: int) -> None:
        """Note the entries that are outside of the leaf's prefix. If there are several entries and most are
        outside, then it is the prefix that is wrong, and one violation says so."""
        if len(outside) > 1 and 2 * len(outside) > len(self.entries):
            found = f"{prefix:#x}/{length}, but {len(outside)} of {len(self.entries)} entries are outside"
            outside = [Violation("leaf-prefix", self.block, "lh_prefix", found)]
        self.violations += outside

    def leftovers(self) -> None:
        """Note the chunks to which nothing leads, and the free chunks that are not zero."""
        if self.left.count(0) < self.geo.chunks or 0 in self.types:
            self.violations += lost_chunks(self.types, self.block, self.left)
        if not self.unused:
            return
        for chunk, kind in enumerate(self.types):
            at = self.geo.first_chunk + L.CHUNK_SIZE * chunk + L.B_ARRAY
            free = kind == L.CHUNK_FREE and not self.left[chunk]
            if free and self.raw[at : at + L.ARRAY_BYTES] != _BLANK:
                self.wrong("unused", ("lf_pad", chunk), "not zero")


def _type_name(kind: int) -> str:
    return f"{kind} ({_ROLES[kind]})" if kind in _ROLES else f"{kind}"


def lost_chunks(types: bytes | bytearray, block: int, left: bytearray) -> Iterator[Violation]:
    """The chunks to which nothing leads: one violation for each run of neighbours of the same type."""
    first = -1
    for chunk in range(len(types) + 1):
        lost = chunk < len(types) and left[chunk] == types[chunk]
        if first >= 0 and not (lost and types[chunk] == types[first]):
            more = f" and the {chunk - first - 1} after it" if chunk - first > 1 else ""
            yield Violation(
                "chunk-lost", block, "type", f"{_type_name(types[first])}: nothing leads to it{more}", first
            )
            first = -1
        if lost and first < 0:
            first = chunk


def is_leaf(raw: bytes | bytearray) -> bool:
    """Whether a block of 512 bytes or more has a leaf's type, or at least a leaf's magic."""
    typed = L.LEAF_HEADER.read(raw, "lh_block_type") == L.ZBT_LEAF
    return typed or L.LEAF_HEADER.read(raw, "lh_magic") == L.ZAP_LEAF_MAGIC


def check_leaf(
    raw: bytes | bytearray, shift: int, block: int, words: bool, *, unused: bool = False
) -> LeafReport:
    """Check one leaf block of 2^shift bytes. Never raises.

    `words` says that names are 64-bit words. With `unused`, bytes that nothing uses must be zero.
    """
    if not unused:
        sound = sound_leaf(bytes(raw), shift, 8 if words else 1)
        if sound is not None:
            return sound
    checker = _Checker(raw, shift, block, 8 if words else 1, unused)
    if checker.header():
        checker.walk_free_list()
        checker.buckets()
        checker.leftovers()
    prefix, length, flags = checker.prefix, checker.prefix_len, raw[L.B_FLAGS]
    return LeafReport(prefix, length, flags, checker.entries, tuple(checker.violations), bytes(checker.left))
