"""What must hold inside one leaf block, whatever its bytes are: no bytes make this raise or loop.

Each chunk belongs to exactly one of: the free list, an entry in its bucket's chain, an array of one entry.
"""

from __future__ import annotations

from typing import NamedTuple

from zapcore import layout as L


class Violation(NamedTuple):
    """One thing that does not hold: the invariant, the block, the field (and chunk), what was found."""

    invariant: str
    block: int
    field: str
    found: str

    def __str__(self) -> str:
        return f"{self.invariant}: block {self.block}: {self.field}: {self.found}"


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
    """What a leaf block holds and what is wrong with it."""

    prefix: int
    prefix_len: int
    entries: list[LeafEntry]
    violations: list[Violation]


FREE, ENTRY, ARRAY = "free list", "entry", "array"
_TYPES = {FREE: L.CHUNK_FREE, ENTRY: L.CHUNK_ENTRY, ARRAY: L.CHUNK_ARRAY}


class _Checker:
    """The walk over one leaf. `owner` says per chunk who has claimed it so far."""

    def __init__(self, raw: bytes | bytearray, shift: int, block: int, name_size: int) -> None:
        self.geo = L.geometry(shift)
        self.block = block
        self.name_size = name_size
        self.raw = raw
        view = memoryview(raw)
        self.h = view.cast("H")
        self.q = view.cast("Q")
        self.i = view.cast("I")
        self.owner: list[str | None] = [None] * self.geo.chunks
        first = self.geo.first_chunk
        self.types = bytes(raw[first : first + L.CHUNK_SIZE * self.geo.chunks : L.CHUNK_SIZE])
        self.entries: list[LeafEntry] = []
        self.violations: list[Violation] = []

    def wrong(self, invariant: str, field: str, found: str) -> None:
        self.violations.append(Violation(invariant, self.block, field, found))

    def claim(self, chunk: int, role: str, link: str) -> bool:
        """Take a chunk for a role; False (and a violation at the link that led here) if it cannot be."""
        geo = self.geo
        if chunk >= geo.chunks:
            self.wrong("chunk-link", link, f"chunk {chunk} of {geo.chunks}")
            return False
        if self.owner[chunk] is not None:
            what = "a cycle" if self.owner[chunk] == role else f"already in use as {self.owner[chunk]}"
            self.wrong("chunk-link", link, f"chunk {chunk}: {what}")
            return False
        kind = self.types[chunk]
        if kind != _TYPES[role]:
            self.wrong("chunk-type", link, f"chunk {chunk} has type {kind}, not {_TYPES[role]} ({role})")
            return False
        self.owner[chunk] = role
        return True

    def header(self) -> None:
        q, h = self.q, self.h
        if q[L.Q_BLOCK_TYPE] != L.ZBT_LEAF:
            self.wrong("leaf-header", "lh_block_type", f"{q[L.Q_BLOCK_TYPE]:#x}, not {L.ZBT_LEAF:#x}")
        if self.i[L.I_LEAF_MAGIC] != L.ZAP_LEAF_MAGIC:
            found = f"{self.i[L.I_LEAF_MAGIC]:#x}, not {L.ZAP_LEAF_MAGIC:#x}"
            self.wrong("leaf-header", "lh_magic", found)
        if q[L.Q_LEAF_PAD1]:
            self.wrong("leaf-header", "lh_pad1", f"{q[L.Q_LEAF_PAD1]:#x}, not 0")
        if any(self.raw[L.B_FLAGS + 1 : L.LEAF_HEADER_SIZE]):
            self.wrong("leaf-header", "lh_pad2", "not zero")
        if self.raw[L.B_FLAGS] & ~L.ENTRIES_CDSORTED:
            self.wrong("leaf-header", "lh_flags", f"{self.raw[L.B_FLAGS]:#x}")
        length = h[L.H_PREFIX_LEN]
        if length > 64 or (length < 64 and q[L.Q_PREFIX] >> length):
            self.wrong("leaf-header", "lh_prefix", f"{q[L.Q_PREFIX]:#x} of {length} bits")

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
            self.claim(chunk, FREE, "lh_freelist" if last < 0 else f"chunk {last} lf_next")
        if free != h[L.H_NFREE]:
            self.wrong("free-count", "lh_nfree", f"{h[L.H_NFREE]}, but {free} on the free list")

    def array(self, chunk: int, size: int, link: str) -> bytes:
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
        if len(data) >= size and chunk == L.CHAIN_END:
            return bytes(data[:size])
        if last >= 0:
            link = f"chunk {last} la_next"
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
            self.wrong("entry", f"chunk {chunk} le_value_intlen", f"{size}")
        name_ints = h[at + L.H_NAME_NUMINTS]
        name = self.array(h[at + L.H_NAME_CHUNK], name_ints * self.name_size, f"chunk {chunk} le_name_chunk")
        value = self.array(h[at + L.H_VALUE_CHUNK], size * length, f"chunk {chunk} le_value_chunk")
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
        geo, h, q = self.geo, self.h, self.q
        length = min(h[L.H_PREFIX_LEN], 64)
        prefix = q[L.Q_PREFIX]
        shift = max(64 - geo.hash_shift - length, 0)
        for bucket, chunk in enumerate(h[geo.h_hash : geo.h_hash + geo.hash_entries].tolist()):
            link = f"l_hash[{bucket}]"
            last_cd = -1
            taken: set[tuple[int, int]] = set()
            while chunk != L.CHAIN_END and self.claim(chunk, ENTRY, link):
                entry = self.entry(chunk)
                self.entries.append(entry)
                if L.hash_index(entry.hash, length) != prefix:
                    self.wrong("leaf-prefix", f"chunk {chunk} le_hash", f"{entry.hash:#x} outside the prefix")
                elif (entry.hash >> shift) & (geo.hash_entries - 1) != bucket:
                    self.wrong("bucket", f"chunk {chunk} le_hash", f"{entry.hash:#x} in bucket {bucket}")
                if entry.cd < last_cd:
                    self.wrong("differentiator", f"chunk {chunk} le_cd", f"{entry.cd} after {last_cd}")
                if (entry.hash, entry.cd) in taken:
                    self.wrong("differentiator", f"chunk {chunk} le_cd", f"{entry.cd} twice")
                taken.add((entry.hash, entry.cd))
                last_cd = entry.cd
                link = f"chunk {chunk} le_next"
                chunk = h[geo.h_chunk + 12 * chunk + L.H_ENTRY_NEXT]
        if len(self.entries) != h[L.H_NENTRIES]:
            found = f"{h[L.H_NENTRIES]}, but {len(self.entries)} in the buckets"
            self.wrong("entry-count", "lh_nentries", found)

    def leftovers(self) -> None:
        if None not in self.owner:
            return
        for chunk, owner in enumerate(self.owner):
            if owner is None:
                kind = self.raw[self.geo.first_chunk + L.CHUNK_SIZE * chunk]
                self.wrong("chunk-lost", f"chunk {chunk}", f"type {kind}, reached from nowhere")


def check_leaf(raw: bytes | bytearray, shift: int, block: int, words: bool) -> LeafReport:
    """Check one leaf block of 2^shift bytes; `words` says that names are 64-bit words. Never raises."""
    checker = _Checker(raw, shift, block, 8 if words else 1)
    checker.header()
    checker.free_list()
    checker.buckets()
    checker.leftovers()
    return LeafReport(checker.q[L.Q_PREFIX], checker.h[L.H_PREFIX_LEN], checker.entries, checker.violations)
