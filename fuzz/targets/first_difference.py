"""Where two versions of a ZAP's blocks, or of their dbufs, differ first, in the words of the format."""

from __future__ import annotations

from collections.abc import Sequence

from fuzz.targets.base import INDIRECT
from zapcore import layout as L

Names = tuple[str, str]
"""How a text calls the two sides."""
SIDES: Names = ("model", "real")


def first_difference(
    model: Sequence[bytes] | None, real: Sequence[bytes] | None, names: Names = SIDES
) -> str | None:
    """Where the blocks differ first, as "block 5: leaf 0x3/2, chunk 7, le_next: model 12, real 14"; None if
    they do not. A missing block counts as zeros, since an object's length is not part of a ZAP."""
    if model is None or real is None:
        if model is None and real is None:
            return None
        return f"the object is destroyed in the {names[0] if model is None else names[1]} only"
    sizes = {len(block) for block in (*model, *real)}
    if len(sizes) > 1:
        return f"block size: {names[0]} {len(model[0])}, {names[1]} {len(real[0])}"
    size = sizes.pop()
    zeros = bytes(size)
    for blkid in range(max(len(model), len(real))):
        ours = model[blkid] if blkid < len(model) else zeros
        theirs = real[blkid] if blkid < len(real) else zeros
        if ours != theirs:
            return f"block {blkid}: {_in_block(blkid, ours, theirs, names)}"
    return None


def first_dbuf_difference(model: bytes, real: bytes, names: Names = SIDES) -> str | None:
    """Which differs first, as "dbuf of block 1: model 2 holds, user data; real 1 holds, no user data"; None
    if none does. Both are as a target's `dbufs` has them."""
    length = max(len(model), len(real)) + 1 & ~1
    for at in range(0, length, 2):
        mine, its = (side.ljust(length, b"\0")[at : at + 2] for side in (model, real))
        if mine != its:
            words = [f"{holds} holds, {'' if user else 'no '}user data" for holds, user in (mine, its)]
            return f"dbuf of block {at // 2}: {names[0]} {words[0]}; {names[1]} {words[1]}"
    return None


def first_tree_difference(model: bytes, real: bytes, names: Names = SIDES) -> str | None:
    """What differs first, as "block 7 on disk: model a hole, real data"; None if nothing does. Both are as a
    target's `block_tree` has them."""
    if model == real:
        return None
    if model[:1] != real[:1]:
        return f"levels: {names[0]} {model[:1].hex() or 'none'}, {names[1]} {real[:1].hex() or 'none'}"
    (mine, my_indirect), (its, its_indirect) = map(_tree, (model, real))
    if mine != its:
        first = min(mine ^ its)
        words = ["data" if first in side else "a hole" for side in (mine, its)]
        return f"block {first} on disk: {names[0]} {words[0]}, {names[1]} {words[1]}"
    level, blkid = min(key for key, _ in my_indirect.items() ^ its_indirect.items())
    words = [side.get((level, blkid), "a hole, not dirty") for side in (my_indirect, its_indirect)]
    return f"indirect block {blkid} of level {level}: {names[0]} {words[0]}, {names[1]} {words[1]}"


def _tree(packed: bytes) -> tuple[set[int], dict[tuple[int, int], str]]:
    """The blocks of data, and what is told of each indirect block."""
    numbers = memoryview(packed[1:]).cast("I").tolist()
    end = next((at for at, number in enumerate(numbers) if number >= INDIRECT), len(numbers))
    indirect = {}
    for told, blkid in zip(numbers[end::2], numbers[end + 1 :: 2], strict=True):
        where = "on disk" if told >> 8 & 255 else "a hole"
        indirect[(told & ~INDIRECT) >> 16, blkid] = f"{where}, dirty in {told & 255} txgs"
    return set(numbers[:end]), indirect


def _in_block(blkid: int, ours: bytes, theirs: bytes, names: Names) -> str:
    at = next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
    kind = L.HEADER.read(ours, "zap_block_type") or L.HEADER.read(theirs, "zap_block_type")
    if blkid == 0 and kind == L.ZBT_MICRO:
        where, start, width = _in_micro(at)
    elif blkid == 0:
        where, start, width = _in_header(at, len(ours))
    elif kind == L.ZBT_LEAF:
        where, start, width = _in_leaf(at, ours, theirs)
    else:
        where, start, width = f"table entry {at // 8}", at & ~7, 8
    shown = [_show(block[start : start + width]) for block in (ours, theirs)]
    return f"{where}: {names[0]} {shown[0]}, {names[1]} {shown[1]}"


def _show(data: bytes) -> str:
    return (
        str(int.from_bytes(data, "little"))
        if len(data) <= 4
        else "0x" + data[::-1].hex().lstrip("0").rjust(1, "0")
    )


Place = tuple[str, int, int]
"""What lies at a byte of a block: its name, and the offset and size in bytes of what has that name."""


def _field(structure: L.Structure, start: int, at: int, where: str) -> Place:
    """The field of a structure that begins at byte `start`, of which the byte at `at` is one."""
    field = structure.field_at(at - start)
    return f"{where}, {field.name}", start + field.at, field.size


def _in_micro(at: int) -> Place:
    if at < L.MICRO_HEADER_SIZE:
        return _field(L.MICRO_HEADER, 0, at, "micro header")
    slot = (at - L.MICRO_HEADER_SIZE) // L.SLOT_SIZE
    return _field(L.MICRO_SLOT, L.slot_offset(slot), at, f"micro slot {slot}")


def _in_header(at: int, size: int) -> Place:
    if at < L.HEADER.size:
        return _field(L.HEADER, 0, at, "header")
    word = at // 8
    what = f"table entry {word - size // 16}" if at >= size // 2 else "padding"
    return f"header, {what}", word * 8, 8


def _in_leaf(at: int, ours: bytes, theirs: bytes) -> Place:
    geo = L.geometry(len(ours).bit_length() - 1)
    prefix, length = (L.LEAF_HEADER.read(ours, name) for name in ("lh_prefix", "lh_prefix_len"))
    leaf = f"leaf {prefix:#x}/{length}"
    if at < L.LEAF_HEADER_SIZE:
        return _field(L.LEAF_HEADER, 0, at, leaf)
    if at < geo.first_chunk:
        return f"{leaf}, l_hash[{(at - L.LEAF_HEADER_SIZE) // 2}]", at & ~1, 2
    chunk = (at - geo.first_chunk) // L.CHUNK_SIZE
    start = geo.first_chunk + chunk * L.CHUNK_SIZE
    return _field(_structure(ours[start], theirs[start]), start, at, f"{leaf}, chunk {chunk}")


def _structure(ours: int, theirs: int) -> L.Structure:
    """What two chunks of these types have in common. Where the types differ, that is the first difference."""
    if ours == theirs == L.CHUNK_ENTRY:
        return L.ENTRY_CHUNK
    return L.FREE_CHUNK if ours == theirs == L.CHUNK_FREE else L.ARRAY_CHUNK
