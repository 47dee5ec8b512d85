"""Faults around dbufs of indirect blocks, beside a txg that syncs (`zapcore.dmu.indirect`): three of
OpenZFS's history, and locks, holds and looks left out.
"""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

_DNODE = "dmu.indirect:IndirectDnode."
_SYNC = "dmu.spa_sync_levels:"

INDIRECT_MUTANTS = (
    Mutant(
        "release-without-db-mtx",
        "dbuf_release_bp calls arc_release without db_mtx, and dbuf_hold_impl looks at the buffer (18146)",
        "35b2d39709",
        "assertion",
        (Edit("dmu.indirect_dbuf:IndirectDbuf.release",
              "        self.releasing = True  # under db_mtx\n",
              "        self.releasing = True\n"
              "        scheduler = self.dnode.objset.threads.scheduler\n"
              "        if scheduler is not None:\n"
              '            scheduler.point("arc_release", (self.dnode.number, self.blkid))\n'),),
    ),
    Mutant(
        "search-ends-at-emptied-block",
        "dnode_next_offset does not come up again where an indirect block has nothing any more (16025)",
        "26b0f561be",
        "assertion",
        (Edit("dmu.block_tree:next_level1", "elif level < dnode.stable_levels",
              "elif not down and level < dnode.stable_levels"),),
        release="2.4",
    ),
    Mutant(
        "first-indirect-not-dirtied",
        "dnode_free_range does not dirty the first indirect block of a range (Illumos 9439, on another path)",
        "1897bc0d48",
        "assertion",
        (Edit(f"{_DNODE}free_range", "        self._dirty_level1(first, tx)\n", ""),),
    ),
    Mutant(
        "last-indirect-not-dirtied",
        "dnode_free_range does not dirty the last indirect block of a range",
        SLIP,
        "assertion",
        (Edit(f"{_DNODE}free_range", "if last != first:", "if False:"),),
    ),
    Mutant(
        "range-not-searched",
        "dnode_free_range does not look for indirect blocks that are not in memory",
        SLIP,
        "assertion",
        (Edit(f"{_DNODE}_dirty_between", "while blkid < last:", "while False:"),),
    ),
    Mutant(
        "range-in-memory-not-dirtied",
        "dnode_free_range does not dirty indirect blocks that are in memory (dnode_dirty_l1range)",
        SLIP,
        "assertion",
        (Edit(f"{_DNODE}_dirty_between", "if level == 1 and first < blkid < last:", "if False:"),),
    ),
    Mutant(
        "level-leaves-records",
        "dnode_set_nlevels_impl leaves dirty records in the dnode's list, not below the new indirect block",
        SLIP,
        "assertion",
        (Edit(f"{_DNODE}_set_levels", "if level_of(each.dbuf) == old - 1", "if False"),),
    ),
    Mutant(
        "child-holds-no-parent",
        "dbuf_create does not hold the indirect block in which the dbuf's pointer lies",
        SLIP,
        "assertion",
        (Edit("dmu.indirect_dbuf:Children.__setitem__", "        parent.holds += 1\n", ""),),
    ),
    Mutant(
        "grown-child-holds-no-parent",
        "dnode_increase_indirection gives the dbufs below a new indirect block no hold on it",
        SLIP,
        "assertion",
        (Edit(f"{_DNODE}increase_indirection", "        dbuf.holds += 1\n", ""),),
    ),
    Mutant(
        "indirect-written-first",
        "dbuf_sync_indirect writes an indirect block before what is below it",
        SLIP,
        "invariant",
        (Edit(f"{_SYNC}_sync_list",
              "        _sync_list(sync, dnode, record.children)\n",
              "        dnode.write_ready(record)\n"
              "        _sync_list(sync, dnode, record.children)\n"),
         Edit(f"{_SYNC}_sync_list", "        dnode.write_ready(record)\n        dnode.write_done(record)\n",
              "        dnode.write_done(record)\n")),
    ),
    Mutant(
        "cleared-without-lock",
        "free_children clears pointers without the indirect block's lock",
        SLIP,
        "assertion",
        (Edit(f"{_SYNC}_free_children",
              "        lock = sync.enter_write(mine, dnode, children.start, children[-1])\n", ""),
         Edit(f"{_SYNC}_free_children", "        sync.exit(lock)\n", "")),
        release="2.4",
    ),
    Mutant(
        "record-of-indirect-stays",
        "dbuf_write_done takes the newest dirty record off an indirect block, not the one that was written",
        SLIP,
        "exception",
        (Edit(f"{_DNODE}write_done", "    dbuf.dirty.pop()\n", "    dbuf.dirty.pop(0)\n"),),
    ),
    Mutant(
        "levels-asserted-without-lock",
        "dbuf_dirty asserts that there is a level for the block without dn_struct_rwlock (OpenZFS 8126)",
        "2ade4a99f0",
        "assertion",
        (Edit(f"{_DNODE}dirty_indirect", "    record = IndirectRecord(dbuf, txg)\n",
              "    there = self.stable_levels > dbuf.level\n"
              "    if self.objset.threads.scheduler is not None:\n"
              "        self.objset.threads.scheduler.point('hold', (self.number, dbuf.blkid))\n"
              "    if not there and not any(each > dbuf.level for each in self.next_levels.values()):\n"
              "        fail('dn->dn_phys->dn_nlevels > db->db_level', place='dbuf.c:dbuf_dirty')\n"
              "    record = IndirectRecord(dbuf, txg)\n"),),
    ),
)  # fmt: skip
"""Faults for the engine `sync`."""
