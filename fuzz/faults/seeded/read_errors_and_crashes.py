"""Faults that take a disk that fails, or memory that is lost: errors of reads that are passed over or leave
something behind, and what a crash must bring back."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

DISK_MUTANTS = (
    Mutant(
        "failed-read-keeps-hold",
        "who holds a block that cannot be read keeps the hold (what dbuf_read() did with a zio)",
        "5e7f3ace58",
        "invariant",
        (
            Edit(
                "dmu.dnode:Dnode.hold",
                "            dbuf.rele(tag)\n            raise\n",
                "            raise\n",
            ),
        ),
    ),
    Mutant(
        "unread-above-keeps-hold",
        "who cannot read the indirect block above a block keeps its hold on it (dbuf_findbp)",
        SLIP,
        "invariant",
        (
            Edit(
                "dmu.indirect:IndirectDnode.find_parent",
                "        parent.rele()\n        raise\n",
                "        raise\n",
            ),
        ),
    ),
    Mutant(
        "free-reads-nothing-before",
        "a transaction that will free an object does not read its indirect blocks (dmu_tx_hold_free)",
        SLIP,
        "suspended",
        (Edit("dmu.indirect:IndirectDnode.check_free", "if codes:", "if False:"),),
    ),
    Mutant(
        "failed-read-is-zeros",
        "the error of a read is passed over, and its block taken for zeros",
        "d87676a9fa",
        "assertion",
        (Edit("dmu.dbuf:Dbuf.read", "raise ZapErrno(code)", "stable = bytes(self.size)"),),
    ),
    Mutant(
        "cursor-ends-at-failed-read",
        "a walk takes a block that cannot be read for its end",
        "d87676a9fa",
        "oracle",
        (
            Edit(
                "zap.cursor:Cursor._retrieve_fat",
                "            self.leaf = deref_leaf(zap, self.hash, None, False)\n",
                "            try:\n"
                "                self.leaf = deref_leaf(zap, self.hash, None, False)\n"
                "            except ZapErrno:\n"
                "                self.hash = U64\n"
                "                raise ZapErrno(errno.ENOENT) from None\n",
            ),
        ),
    ),
    Mutant(
        "add-puts-leaf-twice-after-failed-read",
        "an add that cannot read the old table to grow lets go of a leaf that was put already (12366)",
        "136c053211",
        "assertion",
        (
            Edit(
                "zap.fat:_write",
                "if again and name.zap is not None and name.zap.objset.release.puts_leaf_twice:",
                "if again and name.zap is not None:",
            ),
        ),
    ),
    Mutant(
        "next-table-not-read",
        "zap_table_load() does not read the table that is being built, so that its errors come too late",
        SLIP,
        "invariant",
        (Edit("zap.ptrtbl:_table_load", "    if q[L.Q_TBL_NEXTBLK]:\n", "    if False:\n"),),
    ),
    Mutant(
        "lookup-keeps-lock-after-failed-read",
        "a lookup that cannot read its leaf keeps the ZAP locked",
        SLIP,
        "invariant",
        (
            Edit(
                "zap:lookup_norm",
                "    except ZapErrno:\n        unlock(zap, FTAG)\n        raise\n    unlock",
                "    except ZapErrno:\n        raise\n    unlock",
            ),
        ),
    ),
    Mutant(
        "undirty-forbids-syncing-context",
        "an assertion of dbuf_undirty() forbids syncing context to free a block, in the MOS, too (17602)",
        "077269bfed",
        "assertion",
        (Edit("dmu.dbuf:Dbuf.undirty", " or self.dnode.mos)", ")"),),
    ),
    Mutant(
        "created-is-on-disk-at-once",
        "an object that no txg has written yet is there after a crash",
        SLIP,
        "invariant",
        (Edit("dmu.dnode:Dnode.__init__", "self.on_disk = False", "self.on_disk = True"),),
    ),
    Mutant(
        "freed-is-gone-at-once",
        "an object whose free has not synced is gone after a crash",
        SLIP,
        "oracle",
        (Edit("dmu.objset:Objset.crash", "if dnode.on_disk}", "if dnode.on_disk and not dnode.free_txg}"),),
    ),
    Mutant(
        "freed-block-is-gone-at-once",
        "a block that is freed in a txg that has not synced is no longer on disk",
        SLIP,
        "invariant",
        (
            Edit(
                "dmu.dnode:Dnode.free_range",
                "    if blocks == 1:\n",
                "    self.stable.pop(blkid, None)\n    if blocks == 1:\n",
            ),
        ),
    ),
)
