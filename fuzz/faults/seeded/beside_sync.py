"""Faults that take a txg that syncs beside others (`zapcore.dmu.spa_sync`): what OpenZFS has had and
mended, its fix taken out again, and each lock and each second look that the sync and open context share, left
out.

Those of indirect blocks are in `fuzz.faults.seeded.indirect`. Left out and harmless, as the model is: the
mark of a dbuf that is held as its object goes (dnode_evict_dbufs), the order of freed ranges and leaves
(dnode_sync), and the dirty records of an object that goes (dnode_sync_free).
"""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

_SYNC = "dmu.spa_sync:SteppedSync."
_FREE_RANGES = f"{_SYNC}_sync_free_ranges"

BESIDE_SYNC_MUTANTS = (
    Mutant(
        "freed-run-vacated",
        "dnode_sync vacates the tree of freed ranges: each leaves it before its pointers are cleared (10708)",
        "8d42c98d95",
        "invariant",
        (Edit(_FREE_RANGES,
              "        for first, last in runs(freed):\n",
              "        for first, last in list(runs(freed)):\n"
              "            freed.difference_update(range(first, last + 1))\n"),),
    ),
    Mutant(
        "freed-ranges-detached",
        "dnode_sync takes all freed ranges away before it clears their pointers (18186, its other remedy)",
        "931deb290c",
        "invariant",
        (Edit(f"{_SYNC}_sync_dnode", "freed = dnode.free_ranges.get(txg)\n",
              "freed = dnode.free_ranges.get(txg)\n"
              "    if freed is not None:\n"
              "        dnode.free_ranges[txg] = set()\n"),),
    ),
    Mutant(
        "freed-run-forgotten-first",
        "dnode_sync_free_ranges forgets a run, and then clears its pointers",
        SLIP,
        "invariant",
        (Edit(_FREE_RANGES,
              "            self._sync_free_range(dnode, first, last)\n"
              '            self.scheduler.point("mutex_enter", where)\n'
              "            freed.difference_update(range(first, last + 1))\n",
              "            freed.difference_update(range(first, last + 1))\n"
              "            self._sync_free_range(dnode, first, last)\n"
              '            self.scheduler.point("mutex_enter", where)\n'),),
        release="2.4",
    ),
    Mutant(
        "read-no-second-look",
        "dbuf_read does not look at the block pointer again after it asked whether the block was freed",
        "a6f557c2cb",
        "assertion",
        (Edit(f"{_SYNC}_look_again",
              "stable is None and not self.objset.release.looks_at_hole_again", "stable is None"),),
    ),
    Mutant(
        "dirty-if-listed",
        "dnode_is_dirty asks for lists of dnodes only, and a dnode is on none for a moment (15526)",
        "30d581121b",
        "invariant",
        (Edit("dmu.dnode:Dnode.is_dirty", "listed or any(self.dirty_records.values())", "listed"),),
    ),
    Mutant(
        "dirty-if-records",
        "dnode_is_dirty asks for dirty records only, which go before their data is on disk (11900)",
        "c23803be84",
        "invariant",
        (Edit("dmu.dnode:Dnode.is_dirty", "self in stepped.synced", "False"),
         Edit("dmu.dnode:Dnode.is_dirty", "listed or any(self.dirty_records.values())",
              "any(self.dirty_records.values())")),
    ),
    Mutant(
        "dirty-if-open",
        "dnode_is_dirty asks for the open txg only",
        SLIP,
        "invariant",
        (Edit("dmu.dnode:Dnode.is_dirty", "self in stepped.synced", "False"),
         Edit("dmu.dnode:Dnode.is_dirty", "listed or any(self.dirty_records.values())",
              "self in self.objset.dirty_dnodes.get(self.objset.open_tx.txg, ())")),
    ),
    Mutant(
        "number-free-while-held",
        "dnode_check_slots_free does not ask whether anybody holds the dnode (8249)",
        "58769a4ebd",
        "invariant",
        (Edit("dmu.objset:Objset.is_free", "not old.dbufs and ", ""),),
    ),
    Mutant(
        "undirty-leaves-record",
        "dbuf_undirty leaves the record on the list of its txg, where dbuf_sync_list finds it (Illumos 764)",
        "ef3c1dea70",
        "exception",
        (Edit("dmu.dbuf:Dbuf.undirty", "    self.dnode.undirtied(record)\n", ""),),
    ),
    Mutant(
        "free-all-dbufs",
        "dbuf_free_range clears every dbuf of the object, not those of the range (3195)",
        "58806b4cdc",
        "exception",
        (Edit("dmu.dnode:Dnode.free_range", "    if blocks == 1:\n", "    if False:\n"),
         Edit("dmu.dnode:Dnode.free_range", "sorted(b for b in self.dbufs if blkid <= b <= last)",
              "sorted(self.dbufs)")),
    ),
    Mutant(
        "dirty-does-not-unfree",
        "dbuf_dirty leaves a block that it dirties among those that its txg frees",
        SLIP,
        "invariant",
        (Edit("dmu.dnode:Dnode.unfree", "freed is not None", "False"),),
    ),
    Mutant(
        "sync-leaf-no-copy",
        "dbuf_sync_leaf writes the data that others hold, not a copy",
        SLIP,
        "invariant",
        (Edit(f"{_SYNC}sync_leaf", "record.data is dbuf.buf and len(dbuf.holds) > 1", "False"),),
    ),
    Mutant(
        "hold-no-copy",
        "dbuf_hold_impl gives out the data that is being written, not a copy (dbuf_hold_copy)",
        SLIP,
        "invariant",
        (Edit(f"{_SYNC}before_hold", "record is not None and record.data is dbuf.buf", "False"),),
    ),
    Mutant(
        "free-keeps-no-old-data",
        "dbuf_free_range clears data that an older txg has yet to write",
        SLIP,
        "invariant",
        (Edit("dmu.dbuf:Dbuf.freed", "self.dirty and self.dirty[0].txg != txg", "False"),),
    ),
    Mutant(
        "dirty-keeps-no-old-data",
        "dbuf_dirty lets a txg change data that an older one has yet to write",
        SLIP,
        "invariant",
        (Edit("dmu.dbuf:Dbuf._dirty", "    self.fix_old_data()\n", ""),),
    ),
    Mutant(
        "sync-before-quiesce",
        "a txg syncs while transactions of it are open",
        SLIP,
        "invariant",
        (Edit(f"{_SYNC}sync_oldest_txg", "    self.scheduler.quiesce(txg)\n", ""),),
    ),
    Mutant(
        "two-syncs",
        "a txg begins to sync while the one before does",
        SLIP,
        "assertion",
        (Edit("dmu.objset:Objset.finish_oldest_txg", "            self.stepped_sync.wait_for_end()\n",
              "            pass\n"),),
    ),
    Mutant(
        "read-without-db-mtx",
        "dbuf_read lets db_mtx go while it asks whether the block was freed",
        SLIP,
        "assertion",
        (Edit(f"{_SYNC}read", "        self.owners[dbuf] = threads.current\n", ""),
         Edit(f"{_SYNC}read", "        del self.owners[dbuf]\n", "")),
    ),
    Mutant(
        "read-no-freed-question",
        "dbuf_read does not ask whether the block was freed",
        SLIP,
        "invariant",
        (Edit(f"{_SYNC}_look_again", "dnode.block_freed(blkid)", "False"),),
    ),
    Mutant(
        "free-forgotten-on-new-txg",
        "dnode_block_freed asks only the txg that syncs",
        SLIP,
        "invariant",
        (Edit("dmu.dnode:Dnode.block_freed", "self.free_ranges.values()",
              "[self.free_ranges.get(min(self.free_ranges, default=0), ())]"),),
    ),
    Mutant(
        "record-stays",
        "dbuf_write_done takes off the newest dirty record, not the one that was written",
        SLIP,
        "invariant",
        (Edit(f"{_SYNC}_write_done", "    dbuf.dirty.pop()\n", "    dbuf.dirty.pop(0)\n"),),
    ),
    Mutant(
        "write-done-clears-anonymous",
        "dbuf_write_done takes data that a later txg has dirtied for what is on disk",
        SLIP,
        "assertion",
        (Edit(f"{_SYNC}_write_done", "if record.data is dbuf.buf:", "if dbuf.buf is not None:"),),
    ),
)  # fmt: skip
"""Faults for the engine `sync`."""
