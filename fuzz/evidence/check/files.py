"""A file with an object's blocks one after the other, cut into blocks of the right size."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path

from fuzz.evidence.check.hex_dump import BadDump, zdb_dump
from fuzz.evidence.check.not_a_zap import LOOKED_AT, RAW, looks_like
from zapcore import layout as L
from zapcore.verify.block_kind import is_whole_leaf_head, kind_of
from zapcore.verify.salvage import looks_micro
from zapcore.verify.salvage import salvage as salvaged

MAX_DUMP = 1 << 28
"""Bytes of text that is read as a dump of `zdb -R`."""


MAX_TRIED = 1 << 25
"""Bytes of a file without any head, to which every size of blocks is tried."""


class BadInput(ValueError):
    """The input cannot be read as an object at all; the text says why in one line."""


class Blocks(Sequence[bytes]):
    """A buffer as blocks of one size; the last may be short."""

    def __init__(self, data: bytes | mmap.mmap, size: int) -> None:
        self.data = data
        self.size = size

    def __len__(self) -> int:
        return -(-len(self.data) // self.size)

    def __getitem__(self, number):  # type: ignore[no-untyped-def]  # slices are not needed
        if not 0 <= number < len(self):
            raise IndexError(number)
        return bytes(self.data[number * self.size : (number + 1) * self.size])


def size_of_blocks(data: bytes | mmap.mmap) -> int:
    """The block size of an object's bytes.

    A micro ZAP is one block. A fat one's header says it: with its table in the header, zt_shift is 4 less
    than the block's shift, else the table has zt_numblks * size / 8 = 2^zt_shift entries. Where the header
    gives no power of two from 512 to 128 KiB, or no leaf lies at a multiple of it, the size at whose
    multiples most leaves lie is taken, or else at which the second block looks most like one; for bytes that
    begin with a leaf, of several such sizes the one at which most of that leaf's chunks have a type.
    """
    first = bytes(data[: L.BLOCK_SIZES[-1]])
    kind = kind_of(first, 1 if len(data) <= 512 else 2)
    if kind == "micro":
        return max(len(data), 1)
    leaves = {size: _leaves_at(data, size) for size in L.BLOCK_SIZES}
    if kind == "leaf":
        sizes = [size for size in L.BLOCK_SIZES if size <= len(data)] or [L.BLOCK_SIZES[0]]
        return max(sizes, key=lambda size: (leaves[size], _typed_chunks(first, size), size))
    told = []
    for order in _ORDERS:
        blocks, shift = (L.HEADER.read(first, name, order=order) for name in ("zt_numblks", "zt_shift"))
        wanted = 8 * (1 << min(shift, 60)) // blocks if blocks else 1 << min(shift + 4, 60)
        if leaves.get(wanted) and _first_typed(data, wanted) > 0.5:
            return wanted
        told.append(wanted)

    def likely(size: int) -> tuple[int, float, bool, int]:
        return leaves[size], round(_first_typed(data, size), 1), size in told, size

    return max(L.BLOCK_SIZES, key=likely)


def _typed_chunks(leaf: bytes, size: int) -> float:
    """The share of a leaf's chunks that have a type that there is, if it has so many bytes."""
    geo = L.geometry(size.bit_length() - 1)
    types = leaf[geo.first_chunk : geo.chunks_end : L.CHUNK_SIZE]
    return sum(kind in _CHUNK_TYPES for kind in types) / geo.chunks


def _first_typed(data: bytes | mmap.mmap, size: int) -> float:
    """The share of the first leaf's chunks that have a type; of the second block's, if there is no leaf."""
    for at in range(size, min(len(data), 64 * size), size):
        if is_whole_leaf_head(bytes(data[at : at + L.LEAF_HEADER_SIZE])):
            return _typed_chunks(bytes(data[at : at + size]), size)
    return _typed_chunks(bytes(data[size : 2 * size]), size)


def _leaves_at(data: bytes | mmap.mmap, size: int) -> int:
    """How many of the blocks after the first begin with a leaf's type and magic, in either order."""
    starts = range(size, min(len(data), 4096 * size), size)
    return sum(is_whole_leaf_head(bytes(data[at : at + L.LEAF_HEADER_SIZE])) for at in starts)


_CHUNK_TYPES = (L.CHUNK_ENTRY, L.CHUNK_ARRAY, L.CHUNK_FREE)
_ORDERS: tuple[L.ByteOrder, ...] = ("little", "big")


def open_blocks(path: Path, block_size: int = 0, salvage: bool = False) -> Blocks:
    """A file's blocks; `block_size` 0 finds the size out. What `zdb -R` prints as text is read, too. Raises
    BadInput, also for what is no ZAP: it says what that looks like. To `salvage`, a micro ZAP is one if its
    slots look so, and a fat one if entries can be got at any size of blocks, whatever their heads are."""
    try:
        if path.is_block_device():
            raise BadInput(f"{path}: a block device: say --pool with it; no blocks of a ZAP")
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise BadInput(f"{path}: not a regular file; expected an object's blocks one after the other")
        with path.open("rb") as file:
            file.seek(0, 2)
            empty = file.tell() == 0
            data: bytes | mmap.mmap = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as problem:
        raise BadInput(f"{path}: cannot be read: {problem.strerror}") from None
    if empty:
        raise BadInput(f"{path}: empty; expected an object's blocks one after the other")
    try:
        dumped = zdb_dump(bytes(data)) if len(data) <= MAX_DUMP and _is_dump(data) else None
    except BadDump as problem:
        raise BadInput(f"{path}: text of `zdb -R`: {problem}; or let it write bytes: {RAW}") from None
    if dumped is not None:
        data = dumped
    size = block_size or size_of_blocks(data)
    first = bytes(data[:LOOKED_AT])
    kind = kind_of(first[:size], -(-len(data) // size))
    headless = salvage and kind != "micro" and not _leaves_at(data, size)
    if headless and len(data) <= L.MAX_MICRO and looks_micro(bytes(data)):
        return Blocks(data, len(data))
    if kind == "unknown" and salvage and not block_size and len(data) <= MAX_TRIED:
        size = max(L.BLOCK_SIZES, key=lambda each: len(salvaged(Blocks(data, each)).entries))
        if salvaged(Blocks(data, size)).entries:
            return Blocks(data, size)
    if kind == "unknown" and not _leaves_at(data, size):
        raise BadInput(f"{path}: {looks_like(first, len(data))}")
    return Blocks(data, size)


def _is_dump(data: bytes | mmap.mmap) -> bool:
    """Whether the beginning may be what `zdb -R` prints."""
    return b"0 1 2 3 4 5 6 7   8 9 a b c d e f" in data[:4096] or b"7 6 5 4 3 2 1 0   f e d c" in data[:4096]
