"""Programs drawn while they run: each next step is chosen by what the model is like just then.

`fuzz.generate.leaf_programs` can only guess in which leaf a key will be. Here the model is looked at. One
leaf is filled so that it must split. The leaf that was allocated last, or the one where a cursor stands, is
emptied together with its sibling. What has happened then decides the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from random import Random
from typing import NamedTuple

from fuzz.generate.draw_while_running import Drawing, destroy_under, drawn, pass_time, resume, use
from fuzz.generate.keys_for_hash import key_for
from fuzz.generate.leaf_programs import (
    CURSORS,
    Theme,
    half_of_leaf,
    random_op,
    sizes_that_matter,
    theme,
    written,
)
from fuzz.generate.mutation_draft import Draft
from fuzz.language.program import Key, Op, Program
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore.dmu.dbuf import CACHED

OPS = (12, 80)
"""The least and the greatest number of ops that are added to a program."""
MAX_OPS = 160
"""Of the whole program."""
DEEP = (3, 4, 5, 5, 6, 7)
"""One of these numbers of bits is drawn for a program. Leaves that are deeper are not filled, and larger
tables are not made to grow. Deep leaves make every step slow, and what happens when a table grows is seen
best in a small one."""
MANY_BITS = 32
"""No leaf that is in use has so many bits in its prefix. A block that seems to was overwritten by something
else."""
WALK = 24
"""The most steps that a cursor is made to take."""


class LeafView(NamedTuple):
    """A leaf in use: its block, and the bits that all hashes in it begin with."""

    blkid: int
    prefix: int
    bits: int

    def has(self, value: int) -> bool:
        """Whether a 64-bit hash falls into it."""
        return value >> (64 - self.bits) == self.prefix

    @property
    def start(self) -> int:
        """The least hash that falls into it."""
        return self.prefix << (64 - self.bits)


BITS = attrgetter("bits")


class GuidedDrawing(Drawing):
    """A program under way, its keys and sizes those of a theme."""

    def __init__(self, rng: Random, target: ModelTarget, about: Theme) -> None:
        super().__init__(rng, target, about.zaps)
        self.about = about
        self.deep = rng.choice(DEEP)

    def header(self) -> memoryview | None:
        """The header block's words; None of a micro ZAP, and where the block is not cached."""
        dnode = self.target.objset.dnodes.get(self.target.numbers[self.name])
        header = dnode.dbufs.get(0) if dnode is not None else None
        if header is None or header.state is not CACHED or header.buf.q[L.Q_BLOCK_TYPE] != L.ZBT_HEADER:
            return None
        return header.buf.q

    def leaves(self) -> list[LeafView]:
        """The leaves that are cached."""
        header = self.header()
        if header is None:
            return []
        free = header[L.Q_FREEBLK]
        found = []
        for blkid, dbuf in self.target.objset.dnodes[self.target.numbers[self.name]].dbufs.items():
            if blkid < free and dbuf.state is CACHED and dbuf.buf.q[L.Q_BLOCK_TYPE] == L.ZBT_LEAF:
                bits = dbuf.buf.h[L.H_PREFIX_LEN]
                if bits < MANY_BITS:
                    found.append(LeafView(blkid, dbuf.buf.q[L.Q_PREFIX] & ((1 << bits) - 1), bits))
        return found

    def leaf(self) -> LeafView | None:
        """One of them: often the last in the object, one that a cursor stands in, or one of the deepest."""
        leaves = self.leaves()
        if not leaves:
            return None
        how = self.rng.random()
        if how < 0.25:
            return max(leaves)
        if how < 0.5:
            parked = {
                opened.cursor.leaf.blkid
                for opened in self.target.cursors.values()
                if opened.cursor.leaf is not None
            }
            leaves = [leaf for leaf in leaves if leaf.blkid in parked] or leaves
        elif how < 0.6:
            deepest = max(map(BITS, leaves))
            leaves = [leaf for leaf in leaves if leaf.bits == deepest]
        return self.rng.choice(leaves)

    def inside(self, leaf: LeafView) -> list[Key]:
        """The keys that are alive in a leaf."""
        return [key for key, value in self.alive[self.name].items() if leaf.has(value)]


def fill(drawing: GuidedDrawing, wanted: LeafView | None = None) -> None:
    """Add keys to a leaf, few and large ones mostly, so that it splits; where it needs every bit of the
    table, the table grows."""
    leaf, rng = wanted or drawing.leaf(), drawing.rng
    if leaf is not None and leaf.bits > drawing.deep:
        return
    zap = drawing.zaps[drawing.name]
    large = rng.random() < 0.6
    for _ in range(rng.randint(1, 3)):
        if leaf is None:
            key = rng.choice(drawing.about.keys[drawing.name])
        else:
            turned = leaf.start | rng.choice((0, 1 << (63 - leaf.bits)))
            key = key_for(zap, turned, leaf.bits + rng.randint(1, 2), rng)
        length = half_of_leaf(zap) if large else sizes_that_matter(zap, rng)
        drawing.do(written(rng, "add", zap, key, length))


def deepen(drawing: GuidedDrawing) -> None:
    """Add two large entries whose hashes agree in as many bits as the table has, or about so many: leaves
    split until it must grow."""
    header, rng = drawing.header(), drawing.rng
    deepest = max(drawing.leaves(), key=BITS, default=None) if rng.random() < 0.5 else None
    leaf = deepest or drawing.leaf()
    if leaf is None or header is None:
        return
    if header[L.Q_TBL_NUMBLKS] and header[L.Q_TBL_SHIFT] > drawing.deep:
        return
    zap = drawing.zaps[drawing.name]
    bits = header[L.Q_TBL_SHIFT] - rng.choice((0, 0, 0, 1))
    near = leaf.start | rng.getrandbits(64 - leaf.bits) if rng.random() < 0.7 else leaf.start
    for turn in rng.sample((0, 1), 2):
        key = key_for(zap, near ^ turn << (63 - bits), bits + 1, rng)
        drawing.do(written(rng, "add", zap, key, half_of_leaf(zap)))


def empty(drawing: GuidedDrawing, wanted: LeafView | None = None) -> None:
    """Remove every key of a leaf, at times its sibling's first."""
    leaf, rng = wanted or drawing.leaf(), drawing.rng
    if leaf is None:
        return
    leaves = [leaf]
    if leaf.bits and rng.random() < 0.5:
        leaves.insert(rng.randrange(2), leaf._replace(prefix=leaf.prefix ^ 1))
    for each in leaves:
        for key in drawing.inside(each):
            drawing.do(Op("remove", drawing.name, key))


def park(drawing: GuidedDrawing, wanted: LeafView | None = None) -> None:
    """Walk a cursor into a leaf."""
    leaf = wanted or drawing.leaf()
    keys = drawing.inside(leaf) if leaf is not None else []
    alive = drawing.alive[drawing.name]
    last = max((alive[key] for key in keys), default=0)
    cursor = CURSORS[drawing.rng.random() < 0.3]
    drawing.do(Op("cursor", cursor, other=drawing.name))
    for _ in range(min(WALK, sum(value <= last for value in alive.values()))):
        drawing.do(Op("next", cursor))


def disturb(drawing: GuidedDrawing) -> None:
    """Leave a cursor in a leaf, split or empty that, let time pass or not, go on."""
    leaf = drawing.leaf()
    if leaf is not None:
        park(drawing, leaf)
        drawing.rng.choice((fill, empty))(drawing, leaf)
        if drawing.rng.random() < 0.5:
            pass_time(drawing)
        use(drawing)


def hand_out(drawing: GuidedDrawing) -> None:
    """Leave a cursor in the last leaf, free that, and split another so often that the block which comes after
    those of the splits, the table's, is the one where the cursor stands."""
    rng = drawing.rng
    last = max(drawing.leaves(), default=None)
    if last is None:
        return
    park(drawing, last)
    empty(drawing, last)
    header = drawing.header()
    if header is None:
        return
    shift = header[L.Q_TBL_SHIFT]
    splits = last.blkid - header[L.Q_FREEBLK]
    leaves = drawing.leaves()
    fitting = [leaf for leaf in leaves if leaf.bits + splits == shift and drawing.inside(leaf)] or leaves
    near = drawing.inside(rng.choice(fitting)) if fitting else []
    if near:
        zap = drawing.zaps[drawing.name]
        turned = drawing.alive[drawing.name][rng.choice(near)] ^ 1 << (64 - shift)
        drawing.do(written(rng, "add", zap, key_for(zap, turned, shift, rng), half_of_leaf(zap)))
    use(drawing)


def twin(drawing: GuidedDrawing) -> None:
    """Add a key with the hash of one that is alive."""
    zap, rng = drawing.zaps[drawing.name], drawing.rng
    alive = drawing.alive[drawing.name]
    if alive:
        key = key_for(zap, rng.choice(list(alive.values())), 64, rng)
        drawing.do(written(rng, "add", zap, key, rng.choice(drawing.about.lengths[drawing.name])))


def add_back(drawing: GuidedDrawing) -> None:
    """Add again a key that was removed."""
    key = drawing.lately_gone()
    if key is not None:
        zap = drawing.zaps[drawing.name]
        drawing.do(
            written(drawing.rng, "add", zap, key, drawing.rng.choice(drawing.about.lengths[drawing.name]))
        )


def anything(drawing: GuidedDrawing) -> None:
    """A few ops of the theme."""
    for _ in range(drawing.rng.randint(1, 4)):
        drawing.do(random_op(drawing.rng, drawing.about))


MOVES: Mapping[Callable[[GuidedDrawing], None], int] = {
    fill: 6,
    deepen: 4,
    empty: 5,
    disturb: 1,
    hand_out: 1,
    park: 2,
    use: 3,
    resume: 1,
    destroy_under: 1,
    twin: 1,
    add_back: 2,
    pass_time: 2,
    anything: 3,
}
"""Every move and how often it is drawn."""


def model_guided_program(
    rng: Random, target: ModelTarget, max_ops: int = MAX_OPS, base: Program | None = None
) -> Program:
    """A program of some moves one after the other, up to the op that fails, if one does.

    With a `base` it goes on where that program ends, or anywhere in it. Programs with threads are no base.
    """
    drawing = GuidedDrawing(rng, target, theme(rng) if base is None else Draft(base).about(rng))
    first: Sequence[Op] = ()
    if base is not None:
        first = base.ops if rng.random() < 0.5 else base.ops[: rng.randint(0, len(base.ops))]
    return drawn(drawing, MOVES, OPS, max_ops, first)
