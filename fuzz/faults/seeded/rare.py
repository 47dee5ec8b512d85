"""Faults that take rare things in the right order: cursors that resume, names that are long or move, spaces
that are freed or grow again. An adversary thought of them, and the engine once missed each."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

RARE_MUTANTS = (
    Mutant(
        "old-table-frees-one-block",
        "of a table that has grown out of its blocks only the first is freed",
        SLIP,
        "invariant",
        (
            Edit(
                "zap.ptrtbl:_table_grow",
                "zap.dnode.free_range(q[L.Q_TBL_BLK], blocks, tx)",
                "zap.dnode.free_range(q[L.Q_TBL_BLK], 1, tx)",
            ),
        ),
    ),
    Mutant(
        "block-freed-asks-youngest-txg",
        "a block that an older txg in flight frees is read with the bytes that it has on disk",
        SLIP,
        "invariant",
        (
            Edit(
                "dmu.dnode:Dnode.block_freed",
                "any(blkid in freed for freed in self.free_ranges.values())",
                "blkid in self.free_ranges.get(max(self.free_ranges, default=0), ())",
            ),
        ),
    ),
    Mutant(
        "last-block-not-kept",
        "a last block that was freed, synced and written again does not lengthen the object on disk",
        SLIP,
        "invariant",
        (Edit("dmu.dbuf:Dbuf.sync", "if self.blkid > dnode.stable_max_blkid:", "if False:"),),
    ),
    Mutant(
        "reopen-forgets-object-type",
        "an object that is read from disk is no directory any more, and refuses long names",
        SLIP,
        "oracle",
        (Edit("dmu.dnode:Dnode.reloaded", "dnode.directory = self.directory", "pass"),),
    ),
    Mutant(
        "serialize-unstarted-is-zero",
        "a resumed cursor that is serialized before it has looked at anything forgets its place",
        SLIP,
        "oracle",
        (Edit("zap.cursor:Cursor.serialize", "return self.serialized", "return 0"),),
    ),
    Mutant(
        "resume-drops-advance",
        "an advance between resuming a cursor and its first retrieval is lost",
        SLIP,
        "oracle",
        (Edit("zap.cursor:Cursor._start", "(self.cd + (self.serialized", "((self.serialized"),),
    ),
    Mutant(
        "largest-hash-is-end",
        "a cursor that is to go on at the largest hash of 28 bits is at its end",
        SLIP,
        "oracle",
        (
            Edit(
                "zap.cursor:Cursor.retrieve",
                "if self.hash == U64:",
                "if self.hash >= U64 - ((1 << 36) - 1):",
            ),
        ),
    ),
    Mutant(
        "micro-wrap-misses-one-slot",
        "the search for a free slot leaves out the one before that where it began",
        SLIP,
        "assertion",
        (Edit("zap.micro:_add_entry", "*range(start)):", "*range(start - 1)):"),),
    ),
    Mutant(
        "match-only-whole-chunks",
        "of a key of several chunks the rest after the last whole one is not compared",
        SLIP,
        "oracle",
        (
            Edit(
                "zap.leaf:_matches",
                "    stored = name.stored\n",
                "    whole = len(name.stored) // L.ARRAY_BYTES * L.ARRAY_BYTES\n"
                "    stored = name.stored[:whole] or name.stored\n",
            ),
            Edit(
                "zap.leaf:_matches",
                "short=length == 1)\n",
                "short=length == 1)\n"
                "    there = there[: len(there) // L.ARRAY_BYTES * L.ARRAY_BYTES] or there\n",
            ),
        ),
    ),
    Mutant(
        "longest-long-name-refused",
        "the longest name that a directory may have is too long",
        SLIP,
        "oracle",
        (Edit("zap.fat:_check_name", "(LONG_NAME if long", "(LONG_NAME - 1 if long"),),
    ),
    Mutant(
        "kind-tested-as-bit",
        "a socket is taken for a directory",
        SLIP,
        "oracle",
        (
            Edit(
                "zpl:is_directory",
                "value >> KIND_SHIFT == KIND_DIRECTORY",
                "bool(value >> KIND_SHIFT & KIND_DIRECTORY)",
            ),
        ),
    ),
    Mutant(
        "rename-restores-elsewhere",
        "where the new name cannot be made, the old one is put back into the other directory",
        SLIP,
        "invariant",
        (
            Edit(
                "zpl:_move",
                "        if first:\n            _link_again(objset, source, old, moved.value, tx)\n",
                "        if first:\n            _link_again(objset, target, old, moved.value, tx)\n",
            ),
        ),
    ),
    Mutant(
        "readdir-takes-empty-values",
        "readdir gives names whose value has no integer",
        SLIP,
        "oracle",
        (Edit("zpl:readdir", "found.size != 8 or found.length == 0", "found.size != 8"),),
    ),
)
