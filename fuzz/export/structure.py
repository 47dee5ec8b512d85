"""What must hold of a ZAP's blocks however it came to be: what an exported form looks at when all is done.

This is less than `zapcore.verify` sees, and short enough to be part of one file that people read. It is
`c/structure.c` too.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from zapcore.layout import (
    H_NENTRIES,
    H_PREFIX_LEN,
    I_LEAF_MAGIC,
    Q_BLOCK_TYPE,
    Q_FREEBLK,
    Q_MAGIC,
    Q_NUM_ENTRIES,
    Q_NUM_LEAFS,
    Q_PREFIX,
    Q_TBL_BLK,
    Q_TBL_NEXTBLK,
    Q_TBL_NUMBLKS,
    Q_TBL_SHIFT,
    ZAP_LEAF_MAGIC,
    ZAP_MAGIC,
    ZBT_HEADER,
    ZBT_LEAF,
    ZBT_MICRO,
)


def wrong_structure(blocks: Sequence[bytes]) -> list[str]:
    """What is wrong with a ZAP's blocks, the first of each kind: every entry of the pointer table must lead
    to a leaf with its prefix, below the free mark, and the header must count leaves and entries rightly."""
    header = memoryview(blocks[0]).cast("Q")
    if header[Q_BLOCK_TYPE] == ZBT_MICRO:
        return []
    if header[Q_BLOCK_TYPE] != ZBT_HEADER or header[Q_MAGIC] != ZAP_MAGIC:
        return ["block 0 is no ZAP's header"]
    shift, free_mark = header[Q_TBL_SHIFT], header[Q_FREEBLK]
    first, count = header[Q_TBL_BLK], header[Q_TBL_NUMBLKS]
    # a small table lies in the second half of the header's block
    parts = blocks[first : first + count] if count else [blocks[0][len(blocks[0]) // 2 :]]
    table_bytes = b"".join(parts)
    table = struct.unpack(f"<{len(table_bytes) // 8}Q", table_bytes)
    if len(table) != 1 << shift:
        return [f"the pointer table has {len(table)} entries, zt_shift says {1 << shift}"]
    found: dict[str, str] = {}
    next_end = header[Q_TBL_NEXTBLK] + 2 * count if header[Q_TBL_NEXTBLK] else 0
    if max(first + count, next_end) > free_mark:
        found["mark"] = f"blocks of the pointer table are not below zap_freeblk ({free_mark})"
    leaves: dict[int, int] = {}
    for index, block in enumerate(table):
        if block >= min(free_mark, len(blocks)):
            found.setdefault(
                "block", f"table entry {index} leads to block {block}: zap_freeblk is {free_mark}"
            )
            continue
        leaf = memoryview(blocks[block])
        words, halves = leaf.cast("Q"), leaf.cast("H")
        if words[Q_BLOCK_TYPE] != ZBT_LEAF or leaf.cast("I")[I_LEAF_MAGIC] != ZAP_LEAF_MAGIC:
            found.setdefault("leaf", f"table entry {index} leads to block {block}, which is no leaf")
            continue
        bits = halves[H_PREFIX_LEN]
        if bits > shift or words[Q_PREFIX] != index >> (shift - bits):
            text = f"table entry {index} leads to block {block}, a leaf of prefix {words[Q_PREFIX]:#x}/{bits}"
            found.setdefault("prefix", text)
        leaves[block] = halves[H_NENTRIES]
    if not found and len(leaves) != header[Q_NUM_LEAFS]:
        found["leaves"] = f"zap_num_leafs is {header[Q_NUM_LEAFS]}, the table leads to {len(leaves)} leaves"
    if not found and sum(leaves.values()) != header[Q_NUM_ENTRIES]:
        found["entries"] = f"zap_num_entries is {header[Q_NUM_ENTRIES]}, leaves have {sum(leaves.values())}"
    return list(found.values())
