"""Where two versions of a ZAP's blocks, or of their dbufs, differ first, in the words of the format."""

from __future__ import annotations

from collections.abc import Sequence

from zapcore import layout as L

HEADER_WORDS = (
    *("zap_block_type", "zap_magic", "zt_blk", "zt_numblks", "zt_shift", "zt_nextblk", "zt_blks_copied"),
    *("zap_freeblk", "zap_num_leafs", "zap_num_entries", "zap_salt", "zap_normflags", "zap_flags"),
)

Field = tuple[int, int, str]
"""Offset, size in bytes, name."""

LEAF_FIELDS: tuple[Field, ...] = (
    (0, 8, "lh_block_type"),
    (8, 8, "lh_pad1"),
    (16, 8, "lh_prefix"),
    (24, 4, "lh_magic"),
    (28, 2, "lh_nfree"),
    (30, 2, "lh_nentries"),
    (32, 2, "lh_prefix_len"),
    (34, 2, "lh_freelist"),
    (36, 1, "lh_flags"),
    (37, 11, "lh_pad2"),
)
ENTRY_FIELDS: tuple[Field, ...] = (
    (0, 1, "type"),
    (1, 1, "value_intlen"),
    (2, 2, "next"),
    (4, 2, "name_chunk"),
    (6, 2, "name_numints"),
    (8, 2, "value_chunk"),
    (10, 2, "value_numints"),
    (12, 4, "cd"),
    (16, 8, "hash"),
)
CHUNK_FIELDS: tuple[Field, ...] = ((0, 1, "type"), (1, 21, "bytes"), (22, 2, "next"))
SLOT_FIELDS: tuple[Field, ...] = ((0, 8, "value"), (8, 4, "cd"), (12, 2, "pad"), (14, 50, "name"))


def first_difference(
    model: Sequence[bytes] | None, real: Sequence[bytes] | None, names: tuple[str, str] = ("model", "real")
) -> str | None:
    """Where the blocks differ first, as "block 5: leaf 0x3/2, chunk 7: next: model 12, real 14"; None if they
    do not. A missing block counts as zeros, since an object's length is not part of a ZAP."""
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


def first_dbuf_difference(model: bytes, real: bytes) -> str | None:
    """Which differs first, as "dbuf of block 1: model 2 holds, user data; real 1 holds, no user data"; None
    if none does. Both are as a target's `dbufs` has them."""
    length = max(len(model), len(real)) + 1 & ~1
    for at in range(0, length, 2):
        mine, its = (side.ljust(length, b"\0")[at : at + 2] for side in (model, real))
        if mine != its:
            words = [f"{holds} holds, {'' if user else 'no '}user data" for holds, user in (mine, its)]
            return f"dbuf of block {at // 2}: model {words[0]}; real {words[1]}"
    return None


def _in_block(blkid: int, ours: bytes, theirs: bytes, names: tuple[str, str]) -> str:
    at = next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
    kind = int.from_bytes(ours[:8], "little") or int.from_bytes(theirs[:8], "little")
    if blkid == 0 and kind == L.ZBT_MICRO:
        where, start, width = _micro_field(at)
    elif blkid == 0:
        where, start, width = _header_field(at, len(ours))
    elif kind == L.ZBT_LEAF:
        where, start, width = _leaf_field(at, ours, theirs)
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


def _find(fields: Sequence[Field], offset: int) -> Field:
    return next(field for field in reversed(fields) if field[0] <= offset)


def _micro_field(at: int) -> tuple[str, int, int]:
    if at < 64:
        word = at // 8
        return (
            f"micro header, {('mz_block_type', 'mz_salt', 'mz_normflags')[word] if word < 3 else 'mz_pad'}",
            at & ~7,
            8,
        )
    slot = at // 64 - 1
    start, width, name = _find(SLOT_FIELDS, at % 64)
    return f"micro slot {slot}, {name}", 64 * (slot + 1) + start, width


def _header_field(at: int, size: int) -> tuple[str, int, int]:
    word = at // 8
    if word < len(HEADER_WORDS):
        return f"header, {HEADER_WORDS[word]}", word * 8, 8
    if at >= size // 2:
        return f"header, table entry {word - size // 16}", word * 8, 8
    return "header, padding", word * 8, 8


def _leaf_field(at: int, ours: bytes, theirs: bytes) -> tuple[str, int, int]:
    geo = L.geometry(len(ours).bit_length() - 1)
    leaf = "leaf {:#x}/{}".format(
        int.from_bytes(ours[16:24], "little"), int.from_bytes(ours[32:34], "little")
    )
    if at < L.LEAF_HEADER_SIZE:
        start, width, name = _find(LEAF_FIELDS, at)
        return f"{leaf}, {name}", start, width
    if at < geo.first_chunk:
        return f"{leaf}, bucket {(at - L.LEAF_HEADER_SIZE) // 2}", at & ~1, 2
    chunk, offset = divmod(at - geo.first_chunk, L.CHUNK_SIZE)
    base = geo.first_chunk + chunk * L.CHUNK_SIZE
    fields = ENTRY_FIELDS if ours[base] == theirs[base] == L.CHUNK_ENTRY else CHUNK_FIELDS
    start, width, name = _find(fields, offset)
    return f"{leaf}, chunk {chunk}, {name}", base + start, width
