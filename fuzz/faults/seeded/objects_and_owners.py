"""Bugs that OpenZFS has had in whole objects: when a number is free and an object is gone, where its data
and holes are, whose it is, and what is left of a ZAP whose blocks were freed. The fix of each is taken out
again."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

OBJECT_MUTANTS = (
    Mutant(
        "group-of-the-project",
        "an object that keeps its ids gets its project's for its group (dmu_objset_userquota_get_ids, 7251)",
        "2705ebf0a7",
        "invariant",
        (Edit("user_accounting:Accounting.sync_done", "        old = synced.pop(life, None)\n",
              "        old = synced.pop(life, None)\n"
              "        if old is not None and new is not None and old[:3] == new[:3]:\n"
              "            new = new._replace(group=old.project)\n"),),
    ),
    Mutant(
        "bonus-of-the-one-before",
        "an object that is made before the free of its number has synced has the old ids (Illumos 5630)",
        "4c7b7eedcd",
        "invariant",
        (Edit("user_accounting:Accounting.change", "        self._lives[number] = next(self._next_life)\n",
              "        stale = self._synced.get(self._lives.get(number, -1))\n"
              "        if stale is not None and account is not None:\n"
              "            account = stale._replace(used=account.used)\n"
              "        self._lives[number] = next(self._next_life)\n"),),
    ),
    Mutant(
        "no-hole-at-the-end",
        "dnode_next_offset finds no hole behind the last block where no pointer is left (Illumos 5139)",
        "d97aa48f7c",
        "oracle",
        (Edit("dmu.block_tree:BlockTree.next_offset", "(not found and not hole)", "not found"),),
    ),
    Mutant(
        "hole-in-a-dirty-object",
        "of a dirty object a hole is told to be where it was looked for (zfs_holey_common, 6050)",
        "6e03ec4fa2",
        "invariant",
        (Edit("dmu.dnode:Dnode.next_offset", "raise ZapErrno(errno.EBUSY)", "return offset"),),
    ),
    Mutant(
        "block-0-as-a-leaf",
        "zap_get_leaf_byblk takes the header for a leaf where all blocks were freed (4114)",
        "29572ccdef",
        "type-confusion",
        (Edit("zap.fat:leaf_of_block", "blkid == 0", "False"),
         Edit("zap.fat:deref_leaf",
              "q[L.Q_BLOCK_TYPE] not in (L.ZBT_HEADER, L.ZBT_LEAF) or q[L.Q_MAGIC] != L.ZAP_MAGIC",
              "False")),
    ),
    Mutant(
        "number-free-with-its-txg",
        "dnode_check_slots_free does not wait for the end of the txg that freed the object (7147)",
        "edc1e713c2",
        "invariant",
        (Edit("dmu.objset:Objset.is_free", "old.free_txg < last_synced", "old.free_txg <= last_synced"),),
    ),
    Mutant(
        "number-never-free",
        "the number of an object that was freed is not free before the pool is imported again",
        SLIP,
        "oracle",
        (Edit("dmu.objset:Objset.is_free", "old.free_txg < last_synced", "False"),),
    ),
    Mutant(
        "freeing-object-is-found",
        "dnode_hold finds an object whose free has not synced (8172)",
        "78e2139467",
        "oracle",
        (Edit("dmu.objset:Objset.dnode", "dnode is None or dnode.free_txg", "dnode is None"),),
    ),
    Mutant(
        "prefetch-below-unread",
        "dbuf_prefetch_indirect_done has no dbuf where an indirect block cannot be read, and uses it (8291)",
        "305781da4b",
        "assertion",
        (Edit("zap.fat:prefetch",
              "        ptrtbl.load(zap, L.hash_index(name.hash, zap.dbuf.buf.q[L.Q_TBL_SHIFT]))\n",
              "        blkid = ptrtbl.load(zap, L.hash_index(name.hash, zap.dbuf.buf.q[L.Q_TBL_SHIFT]))\n"
              "        if zap.dnode.stable_levels > 1:\n"
              "            try:\n"
              "                zap.dnode.search_reads(1, blkid >> zap.dnode.indirect_bits)\n"
              "            except ZapErrno:\n"
              "                fail('db != NULL', place='dbuf.c:dbuf_prefetch_indirect_done')\n"),),
    ),
)  # fmt: skip
"""What one thread can meet."""
