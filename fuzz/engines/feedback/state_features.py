"""Features of the state that the model is in after an op, as numbers. Fuzzing is guided by them, and by the
lines that are executed.

A feature is a hash of a few fields that are coarse on purpose: block numbers and txgs count only relative to
each other, and counters only as far as they matter. The hash of a tuple of small integers is the same in
every process.
"""

from __future__ import annotations

from collections.abc import Iterator

from fuzz.language.program import Op
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore.dmu.dbuf import CACHED, Dbuf
from zapcore.dmu.dnode import Dnode

MANY = 48
"""If there are more dbufs than this, only the last ones are looked at: the first are mostly blocks of the
pointer table."""


def features(target: ModelTarget, op: Op) -> Iterator[int]:
    """The features of the object that an op worked on, and of the open cursors."""
    name = op.subject if op.subject in target.numbers else op.other
    objset = target.objset
    flights = len(objset.in_flight)
    for each in (name,) if name else target.numbers:
        dnode = objset.dnodes.get(target.numbers.get(each, 0))
        if dnode is not None:
            yield from _object(dnode, flights, objset.open_tx.txg)
    for opened in target.cursors.values():
        leaf = opened.cursor.leaf
        if leaf is None:
            yield hash((3, opened.fresh, opened.cursor.zap is None))
            continue
        dbuf = leaf.dbuf
        if dbuf is not None and dbuf.state is CACHED:
            first = dbuf.buf.q[L.Q_BLOCK_TYPE]
            gone = 0 if first == L.ZBT_LEAF else 1 if first == 0 else 2  # freed, or a block of the table now
            yield hash((4, gone, len(dbuf.dirty), dbuf.user is leaf, flights))
            header = dbuf.dnode.dbufs.get(0)
            if gone and header is not None and header.state is CACHED:
                # how soon the block will be allocated again, and how soon the table will grow
                q = header.buf.q
                ahead = min(max(dbuf.blkid - q[L.Q_FREEBLK], -1), 4)
                yield hash((7, gone, ahead, q[L.Q_TBL_SHIFT], q[L.Q_TBL_NUMBLKS]))


def _object(dnode: Dnode, flights: int, open_txg: int) -> Iterator[int]:
    header = dnode.dbufs.get(0)
    if header is None or header.state is not CACHED or dnode.free_txg:
        yield hash((0, flights, dnode.free_txg > 0))
        return
    q = header.buf.q
    if q[L.Q_BLOCK_TYPE] == L.ZBT_MICRO:
        yield hash((1, header.size.bit_length(), flights))
        return
    free = q[L.Q_FREEBLK]
    leaves = q[L.Q_NUM_LEAFS]
    unused = free - leaves - 1 - q[L.Q_TBL_NUMBLKS]
    growing = q[L.Q_TBL_NEXTBLK] > 0
    shape = (min(leaves, 24), q[L.Q_TBL_SHIFT], growing)
    yield hash((2, *shape, min(unused, 8)))
    dbufs = [*dnode.dbufs.values()][-MANY:]
    kinds = {_kind(dbuf, free, open_txg) for dbuf in dbufs if dbuf.blkid}
    for kind in kinds:
        yield hash((5, flights, kind))
        # each kind is combined with the shape only: all kinds together would be so many that the corpus never
        # stops growing
        yield hash((6, min(leaves, 8), q[L.Q_TBL_SHIFT], growing, kind))


def _kind(dbuf: Dbuf, free: int, open_txg: int) -> int:
    """How a dbuf is held and dirty, whether it has user data, and whether its block is in use, in one
    number."""
    dirty, buf = dbuf.dirty, dbuf.buf
    count = len(dirty)
    spare = len(dbuf.holds) - count
    bits = 4 * count + (spare if spare < 3 else 3)
    cached = dbuf.state is CACHED
    if cached:
        bits += 64 * buf.anonymous
        if buf.q[L.Q_BLOCK_TYPE] == 0:
            bits += 128
    if dirty:
        if dirty[0].txg == open_txg:
            bits += 32
        if cached and dirty[0].data is buf:
            bits += 16
    if dbuf.blkid >= free:
        bits += 256
    return bits if dbuf.user is None else bits + 512
