"""The object after a program, in the manner of zdb: header, pointer table, leaves, entries; and its dbufs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fuzz.execution.execute import run
from fuzz.language.program import Key, Program
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore.dmu.dbuf import Dbuf, State
from zapcore.dmu.dnode import Dnode
from zapcore.verify.leaf import check_leaf
from zapcore.verify.leaf_report import LeafEntry
from zapcore.zap.leaf import Leaf
from zapcore.zap.name import key_of
from zapcore.zap.zap import Zap

ENTRIES_SHOWN = 40
"""Per leaf; the rest is counted."""

HEADER_SHOWN = L.HEADER.fields[L.Q_TBL_BLK : L.Q_NUM_ENTRIES + 1]
"""The fields of a fat ZAP's header that change while it lives."""


def show_key(key: Key) -> str:
    """A key as the text form writes it, near enough to find it there."""
    if isinstance(key, tuple):
        return ":".join(f"{word:#x}" for word in key)
    return ascii(key.decode("latin-1"))


def show_blocks(blocks: list[bytes]) -> Iterator[str]:
    """A ZAP object's blocks, decoded: what a person needs to see why something went wrong."""
    header = blocks[0]
    q = memoryview(header).cast("Q")
    if q[L.Q_BLOCK_TYPE] == L.ZBT_MICRO:
        yield from _show_micro(header)
        return
    yield f"  fat ZAP: {len(header)}-byte blocks, salt {q[L.Q_SALT]:#x}, flags {q[L.Q_FLAGS]:#x}"
    yield "    " + ", ".join(f"{field.name} {L.HEADER.read(header, field.name)}" for field in HEADER_SHOWN)
    table = _table(blocks, q)
    yield f"  pointer table: {len(table)} entries"
    yield from (f"    {line}" for line in _runs(table))
    words = bool(q[L.Q_FLAGS] & L.FLAG_UINT64_KEY)
    for blkid in dict.fromkeys(table):
        if 0 < blkid < len(blocks):
            yield from _show_leaf(blocks[blkid], blkid, words)


def _table(blocks: list[bytes], q: memoryview) -> list[int]:
    if not q[L.Q_TBL_NUMBLKS]:
        return memoryview(blocks[0][len(blocks[0]) // 2 :]).cast("Q").tolist()
    first = q[L.Q_TBL_BLK]
    pieces = blocks[first : first + q[L.Q_TBL_NUMBLKS]]
    return [entry for piece in pieces for entry in memoryview(piece).cast("Q").tolist()]


def _runs(table: list[int]) -> Iterator[str]:
    """Consecutive entries that lead to the same leaf, as one line."""
    start = 0
    for index in range(1, len(table) + 1):
        if index == len(table) or table[index] != table[start]:
            span = f"{start}" if index - start == 1 else f"{start}-{index - 1}"
            yield f"{span}: block {table[start]}"
            start = index


def _show_leaf(raw: bytes, blkid: int, words: bool) -> Iterator[str]:
    shift = len(raw).bit_length() - 1
    report = check_leaf(raw, shift, blkid, words)
    free = memoryview(raw).cast("H")[L.H_NFREE]
    yield (
        f"  leaf, block {blkid}: prefix {report.prefix:#x}/{report.prefix_len}, "
        f"{len(report.entries)} entries, {free} of {L.geometry(shift).chunks} chunks free"
    )
    yield from (f"    {_show_entry(entry, words)}" for entry in report.entries[:ENTRIES_SHOWN])
    if len(report.entries) > ENTRIES_SHOWN:
        yield f"    and {len(report.entries) - ENTRIES_SHOWN} more"
    yield from (f"    WRONG {violation}" for violation in report.violations)


def _show_entry(entry: LeafEntry, words: bool) -> str:
    value = entry.value[:16].hex() + ("..." if len(entry.value) > 16 else "")
    key = show_key(key_of(entry.name, words))
    return f"{key} hash {entry.hash:#018x} cd {entry.cd} int={entry.size} len={entry.length} {value}"


def _show_micro(raw: bytes) -> Iterator[str]:
    slots = L.slots_of(len(raw))
    yield f"  micro ZAP: {len(raw)} bytes, {slots} slots, salt {L.MICRO_HEADER.read(raw, 'mz_salt'):#x}"
    for slot in range(slots):
        value, cd, _, room = L.MICRO_SLOT.packing.unpack_from(raw, L.slot_offset(slot))
        name = room.split(b"\0", 1)[0]
        if name:
            yield f"    slot {slot}: {show_key(name)} = {value:#x} cd {cd}"


def show_dbufs(dnode: Dnode, cursors: Iterable[str]) -> Iterator[str]:
    """Every dbuf of an object: state, who holds it, in which txgs it is dirty, its user data."""
    yield f"  dbufs of object {dnode.number} (open txg {dnode.objset.open_tx.txg}):"
    named = ", ".join(cursors)
    for blkid in sorted(dnode.dbufs):
        yield "    " + _show_dbuf(dnode.dbufs[blkid], named)


def _show_dbuf(dbuf: Dbuf, cursors: str) -> str:
    tags = [f"txg {tag}" if isinstance(tag, int) else f"cursor {cursors}" for tag in dbuf.holds]
    dirty = ",".join(str(record.txg) for record in dbuf.dirty)
    user = dbuf.user
    attached = "zap" if isinstance(user, Zap) else f"leaf {user.blkid}" if isinstance(user, Leaf) else "none"
    data = ""
    if dbuf.state is State.CACHED:
        data = " anonymous" if dbuf.buf.anonymous else " on disk"
        data += "" if any(dbuf.buf.raw) else " zeroed"
    cache = " cached" if dbuf.cached else " pending evict" if dbuf.pending_evict else ""
    holders = f"held by {', '.join(tags)}" if tags else "not held"
    return (
        f"block {dbuf.blkid}: {dbuf.state.value}{data}{cache}, {holders}, dirty in [{dirty}], user {attached}"
    )


def show_model(target: ModelTarget) -> Iterator[str]:
    """Every ZAP of the world that the target has just run."""
    for name, number in target.numbers.items():
        dnode = target.objset.dnodes.get(number)
        blocks = target.blocks(name)
        if dnode is None:
            yield f"{name}: destroyed"
            continue
        yield f"{name}: object {number}" + ("" if blocks else ", destroyed in the open txg or one in flight")
        if blocks:
            yield from show_blocks(blocks)
        holders = [cursor for cursor, opened in target.cursors.items() if opened.zap == name]
        yield from show_dbufs(dnode, holders)


def describe(program: Program, release: str) -> str:
    """Run a program on the model and show what is left, and the panic if there was one."""
    target = ModelTarget(release)
    outcome = run(program, target)
    lines = list(show_model(target))
    if outcome.failure is not None:
        lines += [f"op {outcome.failure.op}: {outcome.failure.text}"]
    elif outcome.limit is not None:
        lines += [f"limit: {outcome.limit}"]
    return "\n".join(lines)
