"""What one operation, or a few, may have changed in a fat ZAP: in the entries that have changed, and in the
leaves that were written or became empty.

What the bytes alone show is checked by `verify/leaf.py` and `verify/fat.py`; a micro ZAP by `micro_slots.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from zapcore import layout as L
from zapcore.audit.expected_entries import Value, has_value, wrong_total
from zapcore.audit.known_object import Known
from zapcore.verify.invariants import Violation
from zapcore.verify.leaf_report import LeafEntry, LeafReport
from zapcore.verify.name_hash import hash_of_key
from zapcore.zap.name import Key, stored_key
from zapcore.zap.norm import forms_of


def misplaced(
    known: Known, fresh: Sequence[LeafEntry], keys: Sequence[Key], lower_case: bool
) -> Violation | None:
    """The violation of the first new or changed entry whose hash is not that of its name. `keys` are the
    names of the entries in `fresh`, and `lower_case` is the release's. Notes the entries in
    `known.by_name`."""
    q = known.q
    salt, flags, norm = q[L.Q_SALT], q[L.Q_FLAGS], forms_of(q[L.Q_NORMFLAGS], lower_case)
    for entry, key in zip(fresh, keys, strict=True):
        known.by_name[entry.name] = entry
        hashed = hash_of_key(key, salt, flags, norm, known.hash_bits)
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
    """The violation if the entries are not those that the oracle says. Looked at are the entries that are new
    or changed, those of `keys` (of all keys if it is None), and how many all leaves together hold."""
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
    """The violation if an entry has moved and got another differentiator, and no op has worked on it.

    A cursor remembers its place as hash and differentiator, so an entry must keep both while it is there. A
    split keeps them, and so does a micro ZAP that becomes fat.
    """
    gone = known.gone
    for entry in fresh:
        if gone.get(entry.name, entry.cd) != entry.cd and entry.name not in map(stored_key, keys):
            found = f"{entry.cd}, was {gone[entry.name]}"
            return Violation("moved", known.block_of(entry), "le_cd", found, entry.chunk)
    return None


_GROWTH = L.HEADER.span("zt_shift", "zt_blks_copied")
"""The fields of the header that tell how far the table has grown."""


class Step(NamedTuple):
    """What one op has written, if this op is all that has changed the object since the last look: its entry,
    whether the entry is a new one, and the header's bytes before the op (empty if there was no look
    before)."""

    entry: LeafEntry
    is_new: bool
    before: bytes


def step_of(known: Known, key: Key, before: bytes, fresh: Sequence[LeafEntry]) -> Step | None:
    """The step of an op on `key`, or None if it wrote no entry. Must be called before the fresh entries are
    noted in `known.by_name`."""
    name = stored_key(key)
    for entry in fresh:
        if entry.name == name:
            return Step(entry, name not in known.by_name and name not in known.gone, before)
    return None


def wrong_step(known: Known, step: Step) -> Violation | None:
    """The violation if the table grows too early or too late, or if a new entry has not the lowest
    differentiator that is free.

    An op that was refused since the last look may have made the table grow, too; but it has changed no leaf.
    """
    if not step.is_new:
        return _ungrown(known, step)
    return _ungrown(known, step) or _unasked_growth(known, step) or _not_lowest(known, step.entry)


def _ungrown(known: Known, step: Step) -> Violation | None:
    """The violation if the table should have grown and did not. A table that is already growing takes one
    step with each op. Growth begins when the leaf that was written needs every bit of the table and is nearly
    full (zap.c, zap_put_leaf_maybe_grow_ptrtbl)."""
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
    """The violation if the table grows though no leaf needs a larger one, now or soon."""
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
    """The violation if a new entry has not the lowest differentiator that is free for its hash (zap_leaf.c,
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
    """Whether a leaf will soon be split and then needs a table of more than 2^shift entries, and the table
    may become that large."""
    if known.leaves[blkid].prefix_len != shift:
        return False
    return (
        shift < (known.hash_bits or L.hash_bits(known.q[L.Q_FLAGS])) - 2
        and memoryview(known.raw[blkid]).cast("H")[L.H_NFREE] < L.LOW_WATER
    )


def unshrunk(known: Known, emptied: Sequence[LeafReport]) -> Violation | None:
    """The violation if a leaf that has become empty, or that is empty and has changed, has an empty sibling:
    the op that emptied the second one would have joined them.

    Other pairs of empty siblings are not looked at, because threads may leave some behind.
    """
    shift = known.q[L.Q_TBL_SHIFT]
    for leaf in emptied:
        length = leaf.prefix_len
        if length:
            blkid = known.table[(leaf.prefix ^ 1) << (shift - length)]
            sibling = known.leaves[blkid]
            if not sibling.entries and sibling.prefix_len == length:
                return Violation("shrunk", blkid, "lh_nentries", "0, and its sibling is empty, too")
    return None
