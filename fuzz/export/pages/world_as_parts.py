"""All that a picture of a model's world shows, as parts: keys and plain values (`blocks_as_parts`).

Looking at a world changes nothing in it, and no step pays for blocks that are as they were.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from fuzz.export.pages.beside_blocks_as_parts import failing_parts, indirect_parts, owner_parts, task_parts
from fuzz.export.pages.blocks_as_parts import (
    EXACT,
    Parts,
    header_parts,
    leaf_parts,
    micro_parts,
    runs_as_text,
    table_parts,
)
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore.dmu.dbuf import Dbuf, State
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.indirect import IndirectDnode
from zapcore.verify.leaf import is_leaf
from zapcore.zap.leaf import Leaf
from zapcore.zap.zap import Zap

KINDS = {"header": "h", "table": "t", "next table": "n", "leaf": "l", "zeros": "z", "other": "o"}
"""Kinds of blocks, as the part `blocks` has them from block 0 on: a letter, and how many in a row."""
GONE = None
"""The value of a part that is there no more."""


class _Block(NamedTuple):
    """A block as it was looked at last, and the parts that were made of it."""

    raw: bytes
    kind: str
    parts: Parts


class Looker:
    """Looks at the world of a target again and again, and says what has changed since."""

    def __init__(self, target: ModelTarget) -> None:
        self.target = target
        self._parts: Parts = {}
        self._blocks: dict[str, dict[int, _Block]] = {}
        self._tables: dict[str, tuple[bytes, Parts]] = {}

    def changes(self, more: Parts) -> dict[str, Any]:
        """The parts, these and `more`, that are other than at the last look; GONE for those that are there no
        more."""
        now = {**dict(self._look()), **more}
        before = self._parts
        changed = {key: value for key, value in now.items() if key not in before or before[key] != value}
        changed.update((key, GONE) for key in before if key not in now)
        self._parts = now
        return changed

    def _look(self) -> Iterator[tuple[str, Any]]:
        objset = self.target.objset
        yield "release", objset.release.name
        yield "txgs", [objset.open_tx.txg, list(objset.in_flight), objset.syncing_txg]
        yield from owner_parts(self.target)
        yield from task_parts(self.target)
        for name, number in self.target.numbers.items():
            dnode = objset.dnodes.get(number) or objset.freed.get(number)
            if dnode is not None:
                yield from ((f"{name}/{key}", value) for key, value in self._zap(name, dnode))
        for cursor, opened in self.target.cursors.items():
            inner = opened.cursor
            leaf = inner.leaf.blkid if inner.leaf is not None else -1
            yield f"cursor/{cursor}", [opened.zap, f"{inner.hash:#018x}", inner.cd, leaf]

    def _zap(self, name: str, dnode: Dnode) -> Iterator[tuple[str, Any]]:
        destroyed = dnode.free_txg or self.target.objset.dnodes.get(dnode.number) is not dnode
        number = (
            dnode.number if dnode.number < EXACT else f"{dnode.number:#x}"
        )  # of user accounting: -1 to -3
        yield "object", [number, dnode.block_size, dnode.max_blkid, dnode.free_txg, bool(destroyed)]
        if not destroyed:
            yield from self._contents(name, dnode)
        for blkid in sorted(dnode.dbufs):
            yield f"dbuf/{blkid}", self._dbuf(dnode.dbufs[blkid], name)
        for txg, freed in dnode.free_ranges.items():
            if freed:
                yield f"freed/{txg}", runs_as_text(sorted(freed))
        yield "on disk", runs_as_text(sorted(dnode.stable))
        if dnode.levels > 1:
            yield "levels", dnode.levels
        if isinstance(dnode, IndirectDnode):
            yield from indirect_parts(dnode)
        yield from failing_parts(self.target.failing.get(name, {}))

    def _contents(self, name: str, dnode: Dnode) -> Iterator[tuple[str, Any]]:
        known = self._blocks.setdefault(name, {})
        header = bytes(dnode.current(0))
        if memoryview(header).cast("Q")[L.Q_BLOCK_TYPE] == L.ZBT_MICRO:
            if 0 not in known or known[0].raw != header:
                known[0] = _Block(header, "micro", micro_parts(header))
            yield from known[0].parts.items()
            yield "blocks", "m1"
            return
        q = memoryview(header).cast("Q")
        yield from header_parts(header).items()
        yield from self._table(name, dnode, header, q)
        tables = {
            "table": range(q[L.Q_TBL_BLK], q[L.Q_TBL_BLK] + q[L.Q_TBL_NUMBLKS]),
            "next table": range(q[L.Q_TBL_NEXTBLK], q[L.Q_TBL_NEXTBLK] + 2 * q[L.Q_TBL_NUMBLKS])
            if q[L.Q_TBL_NEXTBLK]
            else range(0),
        }
        words = bool(q[L.Q_FLAGS] & L.FLAG_UINT64_KEY)
        kinds = []
        for blkid in range(dnode.max_blkid + 1):
            raw = dnode.current(blkid)
            block = known.get(blkid)
            role = next(
                (role for role, blocks in tables.items() if blkid in blocks), "" if blkid else "header"
            )
            if block is None or (block.raw is not raw and block.raw != raw) or (role and block.kind != role):
                block = known[blkid] = self._block(bytes(raw), blkid, role, words)
            kinds.append(KINDS[block.kind])
            yield from block.parts.items()
        yield "blocks", "".join(f"{kind}{sum(1 for _ in group)}" for kind, group in itertools.groupby(kinds))

    @staticmethod
    def _block(raw: bytes, blkid: int, role: str, words: bool) -> _Block:
        if role:
            return _Block(raw, role, {})
        if is_leaf(raw):
            return _Block(raw, "leaf", leaf_parts(raw, blkid, words))
        return _Block(raw, "other" if any(raw) else "zeros", {})

    def _table(self, name: str, dnode: Dnode, header: bytes, q: memoryview) -> Iterator[tuple[str, Any]]:
        """The pointer table, and the one that is being built."""
        if not q[L.Q_TBL_NUMBLKS]:
            pieces, building = [header[len(header) // 2 :]], b""
        else:
            pieces = [bytes(dnode.current(q[L.Q_TBL_BLK] + at)) for at in range(q[L.Q_TBL_NUMBLKS])]
            wanted = range(2 * q[L.Q_TBL_NUMBLKS] if q[L.Q_TBL_NEXTBLK] else 0)
            building = b"".join(bytes(dnode.current(q[L.Q_TBL_NEXTBLK] + at)) for at in wanted)
        for which, raw in (("table", b"".join(pieces)), ("next", building)):
            key = f"{name}/{which}"
            if key not in self._tables or self._tables[key][0] != raw:
                parts = table_parts(memoryview(raw).cast("Q").tolist(), which) if raw else {}
                self._tables[key] = raw, parts
            yield from self._tables[key][1].items()

    def _dbuf(self, dbuf: Dbuf, name: str) -> list[Any]:
        cursors = [
            f"cursor {each}"
            for each, opened in self.target.cursors.items()
            if opened.zap == name and opened.cursor.zap is not None
            if dbuf.blkid == 0 or (opened.cursor.leaf is not None and opened.cursor.leaf.blkid == dbuf.blkid)
        ]
        holders = [_holder(tag, cursors) for tag in dbuf.holds]
        dirty = [f"{each.txg}{'' if each.data is dbuf.buf else ' (its own copy)'}" for each in dbuf.dirty]
        data = "none"
        if dbuf.state is State.CACHED:
            data = "anonymous" if dbuf.buf.anonymous else "as on disk"
            data += "" if any(dbuf.buf.raw) else ", zeros"
        where = "cached" if dbuf.cached else "goes with its last hold" if dbuf.pending_evict else ""
        return [dbuf.state.value, data, holders, dirty, _user(dbuf), where]


def _holder(tag: object, cursors: list[str]) -> str:
    """Dirty records hold by their txg, cursors and ops by the same tag: what cursors hold is told first."""
    if isinstance(tag, int):
        return f"txg {tag}"
    return cursors.pop(0) if tag is None and cursors else "an op"


def _user(dbuf: Dbuf) -> str:
    user = dbuf.user
    if isinstance(user, Zap):
        return "zap_t" + ("" if user.micro is None else " (micro)")
    return f"leaf of block {user.blkid}" if isinstance(user, Leaf) else ""
