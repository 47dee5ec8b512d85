"""What must hold of a ZAP after one operation, or a few: of the entries that have changed, of the leaves that
were written or emptied. What the bytes alone show is checked by `leafcheck` and `fatcheck`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from zapcore import layout as L
from zapcore.audit.expected_entries import Value, has_value, wrong_total
from zapcore.audit.known_object import Known
from zapcore.verify.invariants import Violation
from zapcore.verify.leaf import LeafEntry, LeafReport
from zapcore.verify.name_hash import hash_of_key
from zapcore.zap.name import Key, stored_key
from zapcore.zap.norm import forms_of


def misplaced(
    known: Known, fresh: Sequence[LeafEntry], keys: Sequence[Key], lower_case: bool
) -> Violation | None:
    """The first entry whose hash is not that of its name; `keys` are the names, `lower_case` is the
    release's."""
    q = known.q
    salt, flags, norm = q[L.Q_SALT], q[L.Q_FLAGS], forms_of(q[L.Q_NORMFLAGS], lower_case)
    for entry, key in zip(fresh, keys, strict=True):
        known.by_name[entry.name] = entry
        hashed = hash_of_key(key, salt, flags, norm)
        if hashed is not None and hashed != entry.hash:
            found = f"{entry.hash:#x} is not its name's"
            return Violation("hash", known.block_of(entry), "le_hash", found)
    return None


def wrong_entry(
    known: Known,
    fresh: Sequence[LeafEntry],
    fresh_keys: Sequence[Key],
    entries: Mapping[Key, Value],
    keys: Iterable[Key] | None,
) -> Violation | None:
    """What has changed, and what the op worked on, is what the oracle says, and all leaves together hold as
    many entries."""
    for entry, key in zip(fresh, fresh_keys, strict=True):
        if not has_value(entry, entries.get(key)):
            return Violation(
                "entries", known.block_of(entry), f"chunk {entry.chunk}", "not what was put there"
            )
    for key in entries if keys is None else keys:
        wanted = entries.get(key)
        if wanted is None:
            continue
        there = known.by_name.get(stored_key(key))
        if there is None or (there not in fresh and not has_value(there, wanted)):
            return Violation("entries", 0, "leaves", "an entry is not what was put there")
    return wrong_total(known.total, entries)


def wrong_differentiator(known: Known, fresh: Sequence[LeafEntry], keys: Iterable[Key]) -> Violation | None:
    """What has moved without an op that worked on it has the differentiator that it had: cursors stand by
    it. Splits keep it, and so does a micro ZAP that becomes fat."""
    gone = known.gone
    for entry in fresh:
        if gone.get(entry.name, entry.cd) != entry.cd and entry.name not in map(stored_key, keys):
            found = f"{entry.cd}, was {gone[entry.name]}"
            return Violation("moved", known.block_of(entry), "le_cd", found, entry.chunk)
    return None


_GROWTH = L.HEADER.span("zt_shift", "zt_blks_copied")
"""The header's fields that tell how far a table has grown."""


class Step(NamedTuple):
    """What one op wrote, all that has changed since the last look: its entry, whether that was not there
    before, and the header then (no bytes: it was not looked at yet)."""

    entry: LeafEntry
    is_new: bool
    before: bytes


def step_of(known: Known, key: Key, before: bytes, fresh: Sequence[LeafEntry]) -> Step | None:
    """The step of an op on `key`; None if it wrote no entry. Asked before what is fresh is noted."""
    name = stored_key(key)
    for entry in fresh:
        if entry.name == name:
            return Step(entry, name not in known.by_name and name not in known.gone, before)
    return None


def wrong_step(known: Known, step: Step) -> Violation | None:
    """What an op did too early, too late or not as it should. An op that was refused since the last look may
    have made the table grow too, but has changed no leaf."""
    if not step.is_new:
        return _ungrown(known, step)
    return _ungrown(known, step) or _unasked_growth(known, step) or _not_lowest(known, step.entry)


def _ungrown(known: Known, step: Step) -> Violation | None:
    """If the leaf that was written is as deep as the table and nearly full, the table has begun to grow; if
    it grew before, it went on (zap.c, zap_put_leaf_maybe_grow_ptrtbl)."""
    q = known.q
    if q[L.Q_TBL_NEXTBLK]:
        if step.before[_GROWTH] != known.header[_GROWTH]:
            return None
        return Violation("grown", 0, "zt_blks_copied", f"{q[L.Q_TBL_COPIED]}, as it was")
    shift = q[L.Q_TBL_SHIFT]
    blkid = known.table[L.hash_index(step.entry.hash, shift)]
    if _will_grow(known, blkid, shift):
        return Violation("grown", blkid, "lh_nfree", "few chunks are left, and the table does not grow")
    return None


def _unasked_growth(known: Known, step: Step) -> Violation | None:
    """The table grows only if a leaf needs it or soon will."""
    if not step.before:
        return None
    q = known.q
    old = memoryview(step.before).cast("Q")
    shift = old[L.Q_TBL_SHIFT]
    if old[L.Q_BLOCK_TYPE] != L.ZBT_HEADER or old[L.Q_TBL_NEXTBLK]:
        return None
    if q[L.Q_TBL_SHIFT] <= shift and not q[L.Q_TBL_NEXTBLK]:
        return None
    if any(
        leaf.prefix_len > shift or _will_grow(known, blkid, shift) for blkid, leaf in known.leaves.items()
    ):
        return None
    return Violation("grown", 0, "zt_shift", "the table grows, and no leaf asks for it")


def _not_lowest(known: Known, entry: LeafEntry) -> Violation | None:
    """A new entry has the lowest differentiator that no other of its hash has (zap_leaf.c,
    zap_entry_create)."""
    if not entry.cd:
        return None
    blkid = known.table[L.hash_index(entry.hash, known.q[L.Q_TBL_SHIFT])]
    others = {each.cd for each in known.leaves[blkid].entries if each.hash == entry.hash and each != entry}
    free = next(cd for cd in range(entry.cd + 1) if cd not in others)
    if free == entry.cd:
        return None
    return Violation("lowest", blkid, "le_cd", f"{entry.cd}, and no other has {free}", entry.chunk)


def _will_grow(known: Known, blkid: int, shift: int) -> bool:
    """Whether the next split of a leaf needs a larger table than one of 2^shift, which there can be, and is
    near."""
    if known.leaves[blkid].prefix_len != shift:
        return False
    return (
        shift < L.hash_bits(known.q[L.Q_FLAGS]) - 2
        and memoryview(known.raw[blkid]).cast("H")[L.H_NFREE] < L.LOW_WATER
    )


def unshrunk(known: Known, emptied: Sequence[LeafReport]) -> Violation | None:
    """Of a leaf that has become empty, or is empty and has changed, the sibling is not empty: the op that
    made it so would have collapsed them. What threads have left behind is not looked at."""
    shift = known.q[L.Q_TBL_SHIFT]
    for leaf in emptied:
        length = leaf.prefix_len
        if length:
            blkid = known.table[(leaf.prefix ^ 1) << (shift - length)]
            sibling = known.leaves[blkid]
            if not sibling.entries and sibling.prefix_len == length:
                return Violation("shrunk", blkid, "lh_nentries", "0, and its sibling is empty, too")
    return None
