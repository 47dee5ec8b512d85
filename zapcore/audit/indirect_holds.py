"""What must hold of the dbufs of indirect blocks when no operation runs."""

from __future__ import annotations

from collections import Counter

from zapcore.dmu.indirect import IndirectDnode
from zapcore.dmu.indirect_dbuf import IndirectDbuf


def wrong_holds(dnode: IndirectDnode) -> str:
    """Which dbuf of an indirect block has other holds than those of dbufs below it and of its dirty records,
    or is still there though nobody holds it and nothing of it is on disk; nothing where all is well."""
    below: Counter[IndirectDbuf] = Counter(dnode.parents.values())
    below.update(dbuf.parent for dbuf in dnode.indirect.values() if dbuf.parent is not None)
    for (level, blkid), dbuf in dnode.indirect.items():
        where = f"indirect block {blkid} of level {level}"
        expected = below[dbuf] + len(dbuf.dirty)
        if dbuf.holds != expected:
            return f"{where}: {dbuf.holds} holds, {expected} of blocks below and dirty records"
        if not expected and (not dbuf.read or dbuf.anonymous or dbuf.pending_evict):
            return f"{where}: nobody holds it, and it is still there"
    return ""
