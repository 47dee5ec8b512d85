"""Faults of shrinking, of cursors that stay on a leaf meanwhile, and of the dbufs of freed blocks."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

SHRINK_MUTANTS = (
    Mutant(
        "stale-user-data",
        "a leaf created on a block whose dbuf still has one attached asserts that there is none",
        "34906f8bbe",
        "assertion",
        (
            Edit("zap.fat:create_leaf", "dbuf.get_user() if zap.objset.release.reuse_leaf else None", "None"),
            Edit(
                "zap.fat:create_leaf",
                "if there is not None and not zap.objset.release.reuse_leaf:",
                "if there is not None:",
            ),
        ),
    ),
    Mutant(
        "sibling-not-empty",
        "two siblings are collapsed although the other one has entries",
        SLIP,
        "invariant",
        (Edit("zap.shrink:_is_empty_sibling", " and h[L.H_NENTRIES] == 0", ""),),
    ),
    Mutant(
        "sibling-of-another-size",
        "two leaves are collapsed although the other one was split further",
        SLIP,
        "deadlock",
        (
            Edit("zap.shrink:_is_empty_sibling", "h[L.H_PREFIX_LEN] == length and ", ""),
            Edit("zap.shrink:_one_leaf", "block == ptrtbl.load(zap, last) and ", ""),
        ),
    ),
    Mutant(
        "prefix-not-shortened",
        "the leaf that remains after shrinking keeps the length of its prefix",
        SLIP,
        "deadlock",
        (Edit("zap.shrink:shrink", "        even.h[L.H_PREFIX_LEN] -= 1\n", "        length -= 1\n"),),
    ),
    Mutant(
        "one-pointer-of-a-range",
        "of the range of a leaf that shrinking frees only the first pointer is set",
        SLIP,
        "invariant",
        (Edit("zap.shrink:_collapse", "1 << spread, even", "1, even"),),
    ),
    Mutant(
        "free-mark-too-low",
        "after shrinking the free mark is the last block in use, not the one behind it",
        SLIP,
        "invariant",
        (Edit("zap.shrink:_truncate", "= last + 1", "= last"),),
    ),
    Mutant(
        "free-mark-not-moved",
        "freeing the last block leaves the free mark where it is",
        SLIP,
        "invariant",
        (Edit("zap.shrink:shrink", "    if truncate:\n", "    if False:\n"),),
    ),
    Mutant(
        "shrunk-leaf-not-noticed",
        "a cursor that goes on does not look whether its leaf was shrunk away",
        "5044c4e3ff",
        "assertion",
        (Edit("zap.cursor:Cursor._check_parked", "    if gone or ", "    if "),),
    ),
    Mutant(
        "split-leaf-not-noticed",
        "a cursor that goes on does not look whether its leaf was split, and skips the new half",
        SLIP,
        "oracle",
        (
            Edit(
                "zap.cursor:Cursor._check_parked",
                "gone or L.hash_index(self.hash, buf.h[L.H_PREFIX_LEN]) != buf.q[L.Q_PREFIX]",
                "gone",
            ),
        ),
    ),
    Mutant(
        "cursor-skips",
        "a cursor that steps to the next leaf keeps its differentiator, and skips the first entry there",
        SLIP,
        "oracle",
        (Edit("zap.cursor:Cursor._step_to_next_leaf", "    self.cd = 0\n", ""),),
    ),
    Mutant(
        "cursor-repeats",
        "a cursor that goes on does not go past the entry that it returned",
        SLIP,
        "oracle",
        (Edit("zap.cursor:Cursor.advance", "self.cd += 1", "self.cd += 0"),),
    ),
    Mutant(
        "cursor-hold-kept",
        "closing a cursor keeps the hold on the leaf where it stood",
        SLIP,
        "invariant",
        (
            Edit(
                "zap.cursor:Cursor._let_leaf_go",
                "        put_leaf(self.leaf)\n",
                "        self.leaf.rwlock.exit()\n",
            ),
        ),
    ),
    Mutant(
        "anonymous-dbuf-cached",
        "a freed block's dbuf goes to the cache with its last hold instead of dying, user data and all",
        SLIP,
        "invariant",
        (Edit("dmu.dbuf:Dbuf.rele", "buf is None or buf.anonymous or ", "buf is None or "),),
        "unfixed",
    ),
    Mutant(
        "undirty-keeps-its-hold",
        "taking back a dirty record leaves its hold, and the freed block's dbuf lives on",
        SLIP,
        "assertion",
        (Edit("dmu.dbuf:Dbuf.undirty", "    self.holds.remove(txg)\n", ""),),
        "unfixed",
    ),
    Mutant(
        "data-of-two-txgs",
        "a block that changes before an older txg has synced leaves its buffer to that txg, held or not",
        SLIP,
        "assertion",
        (Edit("dmu.dbuf:Dbuf.fix_old_data", "if len(self.holds) > len(self.dirty):", "if False:"),),
    ),
    Mutant(
        "leaf-block-not-freed",
        "shrinking forgets to free the block",
        SLIP,
        "invariant",
        (Edit("zap.shrink:_collapse", "    zap.dnode.free_range(odd.blkid, 1, tx)\n", ""),),
    ),
    Mutant(
        "freed-buffer-not-cleared",
        "a freed block's buffer that somebody holds keeps its bytes",
        SLIP,
        "invariant",
        (Edit("dmu.dbuf:Dbuf.freed", "        self.buf.zero()\n", "        pass\n"),),
    ),
)
