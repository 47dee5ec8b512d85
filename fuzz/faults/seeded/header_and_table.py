"""Faults of the header and the pointer table: allocation, growth, splits, the counters, opening it again."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

TABLE_MUTANTS = (
    Mutant(
        "blocks-taken-twice",
        "taking several blocks moves the free mark by one only, and the next leaf takes one of them again",
        SLIP,
        "invariant",
        (Edit("zap.ptrtbl:allocate_blocks", "= first + blocks\n", "= first + 1\n"),),
    ),
    Mutant(
        "next-table-not-stored",
        "while the table grows, changes go to the old table only",
        SLIP,
        "invariant",
        (Edit("zap.ptrtbl:_table_store", "if q[L.Q_TBL_NEXTBLK]:", "if False:"),),
    ),
    Mutant(
        "second-half-not-copied",
        "growing the table copies the first half of each old block twice",
        SLIP,
        "invariant",
        (
            Edit(
                "zap.ptrtbl:_table_grow",
                "[part * half : (part + 1) * half]",
                "[0:half]",
            ),
        ),
    ),
    Mutant(
        "one-entry-not-set",
        "a split leaves the last pointer of the new leaf's range on the old leaf",
        SLIP,
        "invariant",
        (
            Edit(
                "zap.ptrtbl:store_range",
                "    q = zap.dbuf.buf.q\n",
                "    entries -= entries > 1\n    q = zap.dbuf.buf.q\n",
            ),
        ),
    ),
    Mutant(
        "leaf-count-not-kept",
        "a leaf that shrinking frees is still counted in the header",
        SLIP,
        "invariant",
        (Edit("zap.shrink:_collapse", "    q[L.Q_NUM_LEAFS] -= 1\n", ""),),
    ),
    Mutant(
        "total-not-kept",
        "removing an entry does not change the header's number of entries",
        SLIP,
        "invariant",
        (Edit("zap.fat:remove", "    change_count(zap, -1, tx)\n", ""),),
    ),
    Mutant(
        "total-of-retries",
        "an entry is counted at each try to add it, also where its leaf must be split first",
        SLIP,
        "invariant",
        (Edit("zap.fat:_write", "                if done:\n", "                if True:\n"),),
    ),
    Mutant(
        "salt-not-written",
        "the salt is not written to the header: opened again, the ZAP hashes names otherwise",
        SLIP,
        "invariant",
        (Edit("zap.fat:make_fat", "    q[L.Q_SALT] = zap.salt\n", ""),),
    ),
    Mutant(
        "leaf-lock-kept-on-error",
        "a lookup that finds nothing lets go of the leaf's dbuf, and not of its lock",
        "1305d33a4b",
        "invariant",
        (
            Edit(
                "zap.fat:lookup",
                "        put_leaf(leaf)\n        return None\n",
                "        leaf.dbuf.rele(None)\n        return None\n",
            ),
        ),
    ),
    Mutant(
        "leaf-hold-kept-on-error",
        "a removal that finds nothing lets go of the leaf's lock, and not of its dbuf",
        "136c053211",
        "invariant",
        (
            Edit(
                "zap.fat:remove",
                "        put_leaf(leaf)\n        return errno.ENOENT\n",
                "        leaf.rwlock.exit()\n        return errno.ENOENT\n",
            ),
        ),
    ),
    Mutant(
        "length-unlocks-with-another-tag",
        "zap_length() lets go of the header's dbuf under a tag that holds nothing",
        "fed1b58a6d",
        "assertion",
        (Edit("zap:length", "    unlock(zap, FTAG)\n    if found", "    unlock(zap, None)\n    if found"),),
    ),
    Mutant(
        "fat-upgrade-loses-last-slot",
        "a micro ZAP that becomes fat leaves its last slot behind",
        SLIP,
        "invariant",
        (Edit("zap.micro:upgrade", "range(index.slots)", "range(index.slots - 1)"),),
    ),
    Mutant(
        "micro-removal-keeps-index",
        "an entry of a micro ZAP is removed from its slot, and not from the index in memory",
        SLIP,
        "invariant",
        (Edit("zap.micro:remove", "    zap.micro.entries.remove(entry)\n", ""),),
    ),
    Mutant(
        "old-table-not-freed",
        "the old pointer table's blocks are not freed when the larger one is done",
        SLIP,
        "invariant",
        (
            Edit(
                "zap.ptrtbl:_table_grow",
                "    zap.dnode.free_range(q[L.Q_TBL_BLK], blocks, tx)\n",
                "",
            ),
        ),
    ),
)
