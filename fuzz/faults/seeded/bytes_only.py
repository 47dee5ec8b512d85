"""Faults that only the bytes show: every answer, assertion and invariant is as it should be.

They are what comparing blocks with the real library is for.
"""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

BYTES = "bytes"

BYTES_MUTANTS = (
    Mutant(
        "free-name-last",
        "removing an entry frees its value before its name (as later releases do)",
        "9a81484e35",
        BYTES,
        (
            Edit(
                "zap.leaf:entry_remove",
                "in freed_fields(leaf)",
                "in reversed(freed_fields(leaf))",
            ),
        ),
    ),
    Mutant(
        "free-list-in-order",
        "an array's chunks return to the free list in their order (as later releases do)",
        "9a81484e35",
        BYTES,
        (
            Edit(
                "zap.chunks:array_free",
                "if leaf.dbuf.dnode.objset.release.keeps_chunk_order:",
                "if True:",
            ),
        ),
    ),
    Mutant(
        "freed-chunk-not-cleared",
        "a chunk that returns to the free list keeps its bytes",
        SLIP,
        BYTES,
        (
            Edit(
                "zap.chunks:_free_reversed",
                'L.CHUNK_FREE, b"", head)',
                "L.CHUNK_FREE, raw[at + L.B_ARRAY : at + L.B_ARRAY + L.ARRAY_BYTES], head)",
            ),
            Edit(
                "zap.chunks:chunk_free",
                'L.CHUNK_FREE, b"", h',
                "L.CHUNK_FREE, raw[at + L.B_ARRAY : at + L.B_ARRAY + L.ARRAY_BYTES], h",
            ),
        ),
    ),
    Mutant(
        "value-stored-first",
        "a new entry's value takes its chunks before its name does",
        SLIP,
        BYTES,
        (
            Edit(
                "zap.leaf:entry_create",
                "    key_at = array_create(leaf, name.stored)\n"
                "    value_at = array_create(leaf, to_stored(value, size))\n",
                "    value_at = array_create(leaf, to_stored(value, size))\n"
                "    key_at = array_create(leaf, name.stored)\n",
            ),
        ),
    ),
    Mutant(
        "chain-order",
        "among entries of one bucket with equal differentiators the newest comes first",
        SLIP,
        BYTES,
        (Edit("zap.leaf:_link_entry", "<= cd:", "< cd:"),),
    ),
    Mutant(
        "split-from-the-end",
        "a split moves entries from the last chunk to the first",
        SLIP,
        BYTES,
        (Edit("zap.split:split", "in enumerate(types):", "in reversed([*enumerate(types)]):"),),
    ),
    Mutant(
        "value-before-name",
        "a split moves an entry's value before its name",
        SLIP,
        BYTES,
        (
            Edit(
                "zap.split:_transfer_entry",
                "(L.H_NAME_CHUNK, L.H_VALUE_CHUNK)",
                "(L.H_VALUE_CHUNK, L.H_NAME_CHUNK)",
            ),
        ),
    ),
    Mutant(
        "freed-block-read-from-disk",
        "a freed block is read as it was written last, until its free has synced",
        SLIP,
        BYTES,
        (
            Edit(
                "dmu.dbuf:Dbuf.read",
                "None if self.dnode.block_freed(self.blkid) else self.dnode.stable.get(self.blkid)",
                "self.dnode.stable.get(self.blkid)",
            ),
        ),
    ),
)
