"""What a block is by its first bytes: a ZAP's header, a micro ZAP, a leaf, or none of these."""

from __future__ import annotations

from zapcore import layout as L

_ORDERS: tuple[L.ByteOrder, ...] = ("little", "big")


def kind_of(first: bytes, blocks: int) -> str:
    """fat, micro, leaf or unknown, by block 0: its type or magic in either byte order, or (a micro ZAP has no
    magic) a type that one flipped bit keeps from being one. `blocks` is how many there are."""
    names = "zap_block_type", "zap_magic"
    words = [[L.HEADER.read(first, name, order=order) for name in names] for order in _ORDERS]
    if any(magic == L.ZAP_MAGIC or (kind == L.ZBT_HEADER and blocks > 1) for kind, magic in words):
        return "fat"
    if any(kind == L.ZBT_MICRO for kind, _ in words):
        return "micro"
    if any(kind == L.ZBT_LEAF for kind, _ in words) or has_leaf_magic(first):
        return "leaf"
    flipped = any((kind ^ L.ZBT_MICRO).bit_count() == 1 for kind, _ in words)
    padding = first[L.MICRO_HEADER.span("mz_pad", "mz_pad")]
    return "micro" if flipped and blocks == 1 and not any(padding) else "unknown"


def has_leaf_magic(raw: bytes) -> bool:
    """Whether a leaf's magic is where a leaf has it, in either byte order."""
    return any(L.LEAF_HEADER.read(raw, "lh_magic", order=order) == L.ZAP_LEAF_MAGIC for order in _ORDERS)


def is_whole_leaf_head(raw: bytes) -> bool:
    """Whether a block begins with a leaf's type and magic, in one byte order."""
    return any(
        L.LEAF_HEADER.read(raw, "lh_block_type", order=order) == L.ZBT_LEAF
        and L.LEAF_HEADER.read(raw, "lh_magic", order=order) == L.ZAP_LEAF_MAGIC
        for order in _ORDERS
    )
