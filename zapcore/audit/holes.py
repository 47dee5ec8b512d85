"""What must hold of an answer about data and holes of an object: it is what its blocks are, whatever of them
is on disk. Silent corruption came from answers that were not (OpenZFS issues 11900 and 15526)."""

from __future__ import annotations

from zapcore.dmu.dnode import Dnode
from zapcore.errors import Kind, Panic
from zapcore.verify.invariants import INVARIANTS


def check_seek(dnode: Dnode, begin: int, found: int | None, hole: bool) -> None:
    """Hold what a search from a byte on has found, None for nothing, against the blocks as they are now.
    Raises an invariant Panic."""
    size, end = dnode.block_size, dnode.max_blkid + 1
    if hole:
        assert found is not None
        wrong = found // size < end and any(dnode.current(found // size)) and found % size == 0
        blocks = [found // size] if wrong else []
    else:
        first, last = begin // size, end if found is None else min(found // size, end)
        blocks = [blkid for blkid in range(first, last) if any(dnode.current(blkid))]
    if blocks:
        detail = f"block {blocks[0]} of object {dnode.number} has data, and is taken for a hole"
        raise Panic(Kind.INVARIANT, "zap:seek", INVARIANTS["seek"], detail=detail)
