"""Remedies: small corrections of the model, by name, that make a known real bug of a release go away.

A real bug in a release hides what lies behind it. With its remedy switched on (`--release 2.3 --remedy NAME`)
fuzzing goes on behind it, and judges the remedy itself. The model without remedies stays what OpenZFS is.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from fuzz.faults.edits import Edit, applied
from fuzz.language.problem import Problem
from fuzz.targets.libzpool.waived_assertions import waiving


class NoRemedy(Problem):
    """There is no such remedy, or not where it is asked for; the text says which there are."""


@dataclasses.dataclass(frozen=True, slots=True)
class Remedy:
    """`finding` is the folder in corpus/findings that the remedy is for, `reason` what is wrong in OpenZFS,
    `fix` what one would propose there, `edits` the same in the model. `waives` are functions of a real
    library: to pass over their assertions does there what the edits do on the model."""

    name: str
    finding: str
    reason: str
    fix: str
    edits: tuple[Edit, ...]
    waives: tuple[str, ...] = ()

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The model with this remedy, for as long as the context lasts, and new workers of a real library,
        too, if it can be had there."""
        with applied(*self.edits), waiving(self.waives):
            yield


REMEDIES: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        Remedy(
            "trunc-next-table",
            "zap-trunc-next-table",
            "zap_trunc() (module/zfs/zap.c) takes the highest block of the pointer table and of the leaves "
            "for the last one in use. While the table grows, the table being built (zt_nextblk, 2 * "
            "zt_numblks blocks) lies behind them: zap_freeblk moves back below it, and the next leaf or "
            "table is allocated on blocks that it occupies.",
            "In zap_trunc(), where zt_nextblk is not 0, begin lastblk at zt_nextblk + 2 * zt_numblks - 1.",
            (
                Edit(
                    "zap.shrink:_truncate",
                    "    if last >= q[L.Q_FREEBLK]:\n",
                    "    if q[L.Q_TBL_NEXTBLK]:\n"
                    "        last = max(last, q[L.Q_TBL_NEXTBLK] + 2 * q[L.Q_TBL_NUMBLKS] - 1)\n"
                    "    if last >= q[L.Q_FREEBLK]:\n",
                ),
            ),
        ),
        Remedy(
            "cursor-block-type",
            "zap-cursor-on-table",
            "fzap_cursor_retrieve() (module/zfs/zap.c) takes the leaf that a cursor was left on for shrunk "
            "away only where its block begins with 0. If the freed block has become one of the pointer "
            "table since, it does not, and the table is read as a leaf.",
            "In fzap_cursor_retrieve(), let go of the leaf where lh_block_type != ZBT_LEAF, instead of == 0.",
            (
                Edit(
                    "zap.cursor:Cursor._check_parked",
                    "buf.q[L.Q_BLOCK_TYPE] == 0",
                    "buf.q[L.Q_BLOCK_TYPE] != L.ZBT_LEAF",
                ),
            ),
        ),
        Remedy(
            "shrink-stale-shift",
            "zap-shrink-stale-shift",
            "zap_shrink() (module/zfs/zap.c) computes prefix_diff = zt_shift - prefix_len at the top of "
            "its loop, then lets the ZAP's lock go to take it as writer. If another thread grows the "
            "pointer table in between, zt_shift is read again but prefix_diff is not: the range that is "
            "pointed at the remaining leaf is half as wide as the freed leaf's, and begins at half its "
            "index. Other leaves' entries are lost, and the table still leads to the freed block.",
            "In zap_shrink(), after zt_shift is read again under the writer lock, compute prefix_diff again.",
            (
                Edit(
                    "zap.shrink:_collapse",
                    "        _point_range(zap, ",
                    "        spread = q[L.Q_TBL_SHIFT] - odd.dbuf.buf.h[L.H_PREFIX_LEN]\n"
                    "        _point_range(zap, ",
                ),
            ),
        ),
        Remedy(
            "usage-frees-blocks",
            "usage-frees-blocks",
            "User accounting frees blocks of its ZAPs while a txg syncs, on threads of dp_sync_taskq: "
            "zap_shrink() and zap_table_grow() do. Assertions of dbuf_undirty() (until 2.4.0) and of "
            "dnode_free_range() and dbuf_dirty() (since 2.3.7 and 2.4.2) say that nobody does.",
            "In dbuf_undirty() and in FREE_RANGE_VERIFY, allow DMU_OBJECT_IS_SPECIAL().",
            (
                Edit("dmu.dbuf:Dbuf.undirty", "objset.syncing_txg == txg and ", "False and "),
                Edit("dmu.dnode:Dnode.free_range", "self.special and objset.syncing_txg", "False and tx.txg"),
            ),
            ("dbuf_undirty", "dnode_free_range", "dbuf_dirty"),
        ),
        Remedy(
            "shrink-hides-removal",
            "zap-shrink-hides-removal",
            "fzap_remove() (module/zfs/zap.c) returns what zap_shrink() returns. If that cannot read the "
            "sibling of the leaf that has become empty, the removal fails with EIO, and the entry is gone.",
            "In fzap_remove(), do not return the error of zap_shrink(): (void) zap_shrink(zn, l, tx); "
            "return (0).",
            (
                Edit(
                    "zap.fat:remove",
                    "        return shrink(name, leaf, tx)\n",
                    "        shrink(name, leaf, tx)\n        return 0\n",
                ),
            ),
        ),
        Remedy(
            "expand-leaf-leak",
            "zap-expand-leaf-leak",
            "zap_expand_leaf() (module/zfs/zap.c) sets *lp to NULL when it lets go of the leaf, and then "
            "holds and locks it again as a local variable. If it then cannot read the pointer table, it "
            "returns the error, and the caller, which sees no leaf, lets go of none.",
            "In zap_expand_leaf(), where the pointer table cannot be read before the split, set *lp = l.",
            (
                Edit(
                    "zap.fat:expand_leaf",
                    "        if anew and not zap.objset.release.puts_leaf_twice:\n            raise\n",
                    "",
                ),
            ),
        ),
        Remedy(
            "compare-lengths",
            "words-of-other-lengths",
            "zap_leaf_array_match() (module/zfs/zap_leaf.c) asks for names only whether both are as long. Of "
            "words it compares as many as the stored key has: a longer key is taken for a shorter one that "
            "it begins with, and for a shorter one memory behind it is read (words-read-behind).",
            "In zap_leaf_array_match(), return B_FALSE for keys of words, too, where array_numints != "
            "zn->zn_key_orig_numints, before anything is read.",
            (
                Edit(
                    "zap.leaf:_matches",
                    "    there = read_array(",
                    "    if length != name.numints:\n        return False\n    there = read_array(",
                ),
            ),
        ),
        Remedy(
            "broken-names-differ",
            "hidden-names",
            "zfs_dirent_lock() (module/os/linux/zfs/zfs_dir.c) takes an error of u8_strcmp(), which is that "
            "of a name that is no UTF-8, for the answer that there is no such name.",
            "In zfs_dirent_lock(), take such names for different, as zap_lookup_norm() does.",
            (Edit("name_locks:NameLocks._search", "if broken:", "if broken and False:"),),
        ),
        Remedy(
            "free-through-dirty-indirect",
            "free-misses-new-indirect",
            "dnode_free_range() (module/zfs/dnode.c) looks for the indirect blocks of a range that it must "
            "dirty through the pointers of those above. While an older txg syncs, those are holes where a "
            "block below is written already, and may be evicted; the sync of the free then meets an indirect "
            "block that is not dirty, and a VERIFY.",
            "In dnode_free_range(), go down into indirect blocks that are in memory, whatever the pointers "
            "to them say, and come up again where there is nothing in them (26b0f561be).",
            (
                Edit(
                    "dmu.block_tree:_next_at_level",
                    "not dnode.pointers.get((level - 1, number))",
                    "not (dnode.pointers.get((level - 1, number)) or "
                    "level > 2 and (level - 1, number) in dnode.indirect)",
                ),
                Edit(
                    "dmu.block_tree:next_level1",
                    "(not down or dnode.objset.release.search_backtracks)",
                    "True",
                ),
            ),
        ),
    )
}
"""Every remedy, by name."""


@contextlib.contextmanager
def switched_on(names: Iterable[str]) -> Iterator[None]:
    """The model with these remedies, while the context lasts. Raises NoRemedy for an unknown name."""
    with contextlib.ExitStack() as stack:
        for name in names:
            if name not in REMEDIES:
                raise NoRemedy(f"remedy {name}: expected one of {', '.join(REMEDIES)}")
            stack.enter_context(REMEDIES[name].applied())
        yield
