"""What must hold of the dbufs of indirect blocks when no operation runs."""

from __future__ import annotations

from collections import Counter

from zapcore.dmu.indirect import IndirectDnode
from zapcore.dmu.indirect_dbuf import AnyDbuf, IndirectDbuf, level_of


def wrong_holds(dnode: IndirectDnode) -> str:
    """Which dbuf of an indirect block has other holds than those of dbufs below it and of its dirty records,
    or is still there though nobody holds it and nothing of it is on disk, or is said to be written when it is
    not, or holds what is not the indirect block above it; nothing where all is well."""
    below: Counter[IndirectDbuf] = Counter(dnode.parents.values())
    below.update(dbuf.parent for dbuf in dnode.indirect.values() if dbuf.parent is not None)
    for (level, blkid), dbuf in dnode.indirect.items():
        where = f"indirect block {blkid} of level {level}"
        expected = below[dbuf] + len(dbuf.dirty)
        if dbuf.holds != expected:
            return f"{where}: {dbuf.holds} holds, {expected} of blocks below and dirty records"
        if not expected and (not dbuf.read or dbuf.anonymous or dbuf.pending_evict):
            return f"{where}: nobody holds it, and it is still there"
        if dbuf.read and not dbuf.dirty and dbuf.anonymous is bool(dbuf.fill):
            return f"{where}: its data is not its own alone, or is, against what is on disk"
    children: list[AnyDbuf] = [*dnode.parents, *dnode.indirect.values()]
    for child in children:
        parent, level = dnode.parent_of(child), level_of(child)
        if parent is not None and not _is_above(dnode, parent, level + 1, child.blkid >> dnode.indirect_bits):
            return f"block {child.blkid} of level {level}: its pointer is not where it is looked for"
    return ""


def _is_above(dnode: IndirectDnode, parent: IndirectDbuf, level: int, blkid: int) -> bool:
    """Whether a dbuf is that of an indirect block which the object has on disk (dbuf_verify)."""
    there = dnode.indirect.get((level, blkid)) is parent
    return there and (parent.level, parent.blkid) == (level, blkid) and level < dnode.stable_levels
