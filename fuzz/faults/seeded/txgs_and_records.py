"""Faults in what a txg knows of itself: its dirty records and who holds for them, what it frees, where an
indirect block's dbuf is found. They are looked for beside a txg that syncs, as several txgs have to be on
their way, or a thread has to ask at the right moment.
"""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

_DBUF = "dmu.dbuf:Dbuf."
_DNODE = "dmu.dnode:Dnode."
_INDIRECT = "dmu.indirect:IndirectDnode."
_SYNC = "dmu.spa_sync:SteppedSync."

TXG_MUTANTS = (
    Mutant(
        "undirty-keeps-hold",
        "dbuf_undirty does not let the hold of the record go",
        SLIP,
        "invariant",
        (Edit(f"{_DBUF}undirty", "    self.holds.remove(txg)\n", ""),),
    ),
    Mutant(
        "redirty-older",
        "dmu_buf_will_dirty is content with the dirty record of an older txg",
        SLIP,
        "invariant",
        (Edit(f"{_DBUF}will_dirty", "dirty and dirty[0].txg == tx.txg", "dirty"),),
    ),
    Mutant(
        "old-data-of-oldest",
        "dbuf_fix_old_data asks the oldest dirty record whether it has the data, not the newest",
        SLIP,
        "invariant",
        (Edit(f"{_DBUF}fix_old_data", "self.dirty[0].data is not self.buf",
              "self.dirty[-1].data is not self.buf"),),
    ),
    Mutant(
        "dnode-listed-once",
        "dnode_setdirty puts a dnode on the list of no other txg while it is on one",
        SLIP,
        "invariant",
        (Edit(f"{_DNODE}dirtied", "        self.set_dirty(txg)\n",
              "        if not any(self.dirty_records.values()):\n            self.set_dirty(txg)\n"),),
    ),
    Mutant(
        "unfree-any-txg",
        "dnode_clear_range takes a block that is dirtied off what every txg frees",
        SLIP,
        "invariant",
        (Edit(f"{_DNODE}unfree",
              "    freed = self.free_ranges.get(txg)\n    if freed is not None:\n",
              "    for freed in self.free_ranges.values():\n"),),
    ),
    Mutant(
        "freed-in-open-txg",
        "dnode_block_freed does not ask the open txg",
        SLIP,
        "invariant",
        (Edit(f"{_DNODE}block_freed", "self.free_ranges.values()",
              "[self.free_ranges[txg] for txg in self.free_ranges if txg in self.objset.in_flight]"),),
    ),
    Mutant(
        "range-replaces-others",
        "dnode_free_range forgets what its txg has freed before",
        SLIP,
        "invariant",
        (Edit(f"{_DNODE}free_range",
              "self.free_ranges.setdefault(tx.txg, set()).update(range(blkid, blkid + blocks))",
              "self.free_ranges[tx.txg] = set(range(blkid, blkid + blocks))"),),
    ),
    Mutant(
        "freed-run-short",
        "dnode_sync_free_range leaves the last block of a range on disk",
        SLIP,
        "invariant",
        (Edit(f"{_SYNC}_sync_free_range", "min(last, end) + 1", "min(last, end)"),),
    ),
    Mutant(
        "synced-list-late",
        "dmu_objset_sync_dnodes puts a dnode on the list of synced ones when it is",
        SLIP,
        "invariant",
        (Edit(f"{_SYNC}_sync_dnodes", "    self.synced[dnode] = None\n", ""),
         Edit(f"{_SYNC}_sync_dnodes", "    self._sync_dnode(dnode, self.txg)\n",
              "    self._sync_dnode(dnode, self.txg)\n    self.synced[dnode] = None\n")),
    ),
    Mutant(
        "indirect-redirty-older",
        "dbuf_dirty is content with an indirect block's dirty record of an older txg",
        SLIP,
        "assertion",
        (Edit(f"{_INDIRECT}dirty_indirect", "dbuf.dirty and dbuf.dirty[0].txg >= txg", "dbuf.dirty"),),
    ),
    Mutant(
        "parent-by-open-levels",
        "dbuf_findbp goes by dn_nlevels, not by the levels on disk",
        SLIP,
        "invariant",
        (Edit(f"{_INDIRECT}find_parent", "self.stable_levels - level", "self.levels - level"),),
    ),
    Mutant(
        "undirtied-stays-listed",
        "dbuf_undirty leaves the record on the list of the indirect block above",
        SLIP,
        "exception",
        (Edit(f"{_INDIRECT}undirtied", "    del self.listed.pop(record)[record]\n",
              "    self.listed.pop(record)\n"),),
    ),
    Mutant(
        "every-other-searched",
        "dnode_free_range dirties every other indirect block that its search finds",
        SLIP,
        "assertion",
        (Edit(f"{_INDIRECT}_dirty_between", "blkid = found + 1", "blkid = found + 2"),),
    ),
    Mutant(
        "emptied-indirect-stays",
        "dbuf_write_ready leaves the pointer of an indirect block that has only holes",
        SLIP,
        "invariant",
        (Edit(f"{_INDIRECT}write_ready",
              "        self.pointers.pop((dbuf.level, dbuf.blkid), None)\n", "        pass\n"),),
    ),
    Mutant(
        "written-indirect-stays-cached",
        "dbuf_write_done takes an indirect block that has only holes for one that is on disk",
        SLIP,
        "invariant",
        (Edit(f"{_INDIRECT}write_done", "    dbuf.anonymous = not dbuf.fill\n",
              "    dbuf.anonymous = False\n"),),
    ),
    Mutant(
        "freed-indirect-stays-dirty",
        "dnode_undirty_dbufs leaves the records below an indirect block, when an object goes",
        SLIP,
        "invariant",
        (Edit(f"{_INDIRECT}undirty_all", "            self.undirty_all(record.children)\n",
              "            pass\n"),
         Edit("dmu.spa_sync_levels:undirty_all",
              "            undirty_all(sync, dnode, record.children)\n", "            pass\n")),
    ),
)  # fmt: skip
"""Faults for the engine `sync`."""
