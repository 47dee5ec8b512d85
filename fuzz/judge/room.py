"""Whether there is room for an entry: when a micro ZAP becomes fat, and when E2BIG, ENOSPC, or a table that
could not grow is right.

An entry that no leaf holds is refused with E2BIG. Else a leaf is split until it has room. Splitting ends
where the pointer table does, two bits before the hash (zap_grow_ptrtbl): ENOSPC, which is right only if the
entries whose hashes agree up to there, together with the new one, take more chunks than a leaf has.
"""

from __future__ import annotations

import errno

from fuzz.judge.keys import chunks, hash_bits, hash_of, hashing
from fuzz.judge.order import Order
from fuzz.judge.state import State, Value
from fuzz.judge.wrong_answers import NO_ROOM, TABLE_GROWS, Wrong, expect
from fuzz.language.program import OLD_MAX_BLOCK, Key, Op
from fuzz.language.verb_sets import key_of
from zapcore.layout import embedded_shift, geometry

MICRO_NAME = 50
"""MZAP_NAME_LEN: the bytes of a micro entry's name and its NUL."""
SLOT = 64
SECTOR = 512
"""Bytes of a slot of a micro ZAP (the header takes the place of one), and by how much its block grows."""
LARGEST = 1 << 20
"""Bytes of the largest micro ZAP since 2.3, whatever the tunable says."""
_MICRO_CHUNKS = chunks(b"." * (MICRO_NAME - 1), 8)


def make_room(state: State, zap: str) -> None:
    """What an op that may add an entry does before it looks at its key (zap_lockdir): a micro ZAP whose slots
    are all taken gets a larger block, or becomes fat at the limit."""
    entries = state.entries[zap]
    if state.fat[zap] or entries is None or len(entries) < state.slots[zap]:
        return
    size = (state.slots[zap] + 1) * SLOT + SECTOR
    if size <= _largest_micro(state, zap):
        state.slots[zap] += SECTOR // SLOT
    else:
        state.fat[zap] = True


def _largest_micro(state: State, zap: str) -> int:
    """Bytes that the block of a micro ZAP may have: what its header line says, from 2.2 on, and since 2.3 in
    whole sectors and with a bound."""
    told = state.headers[zap].micro_max
    if not (told and state.release.tunes_micro):
        return OLD_MAX_BLOCK
    return min(LARGEST, (told + SECTOR - 1) // SECTOR * SECTOR) if state.release.bounds_micro else told


def needs_fat(state: State, op: Op, key: Key, leaf_shift: int) -> bool:
    """Whether an add or update makes a micro ZAP fat: for what no slot holds, or (an add only) because a leaf
    of so many bits could not hold all entries of its hash (mze_canfit_fzap_leaf)."""
    if op.size != 8 or op.length != 1 or len(key) >= MICRO_NAME:
        return True
    if op.verb != "add":
        return False
    bucket = state.orders[op.subject].bucket(key)
    # they are looked for from the differentiator 0 on, and not found if that is free
    together = len(bucket) if bucket and bucket[0][0] == 0 else 0
    return geometry(leaf_shift).chunks <= (together + 1) * _MICRO_CHUNKS


def no_space(state: State, op: Op, key: Key, code: int) -> Wrong | None:
    """Judge whether a fat ZAP refuses an op that writes `key` with ENOSPC, as it must where there is no
    room."""
    zap = state.headers[op.subject]
    shift = state.shifts[op.subject]
    there = geometry(shift).chunks
    bits = max(hash_bits(zap) - 2, embedded_shift(shift))
    others, needed = _together(state, op.subject, key, bits)
    needed += chunks(key, op.size * op.length)
    wanted = errno.ENOSPC if needed > there else 0
    why = (
        f"in {bits} bits {others} other entries agree, and with this one they take {needed} of {there} chunks"
    )
    return expect(code, wanted, why)


def needless_growth(state: State, op: Op, bits: int) -> Wrong | None:
    """What is wrong with a table that could not grow because the leaf that `op` writes to, whose hashes agree
    in `bits` bits, was said to have no room; None if it had none. It need not grow for what no leaf holds."""
    name, key = (op.subject, key_of(op)) if op.to is None else (op.other, op.to)
    if key is None:
        return None
    size = op.size * op.length if op.verb in ("add", "update") else 8
    there = geometry(state.shifts[name]).chunks
    alone = chunks(key, size)
    known = key in (state.entries[name] or ())
    if alone > there and not (known and op.verb == "update"):  # an update of what is there does go on
        return Wrong(TABLE_GROWS, f"{TABLE_GROWS}: the entry takes {alone} of {there} chunks")
    others, needed = _together(state, name, key, bits)
    needed += alone
    if needed > there:
        return None
    text = f"no room, but its {others} other entries and this one take {needed} of {there} chunks"
    return Wrong(NO_ROOM, text)


def _together(state: State, zap: str, key: Key, bits: int) -> tuple[int, int]:
    """Of the other entries whose hashes agree with the key's in `bits` bits: how many, and their chunks."""
    entries = state.entries[zap] or {}
    hashed = hash_of(key, hashing(state.headers[zap]))
    order: Order = state.orders[zap]
    near = [
        other
        for there, bucket in order.buckets.items()
        if (there ^ hashed) >> (64 - bits) == 0
        for _, other in bucket
        if other != key
    ]
    return len(near), sum(_chunks(other, entries[other]) for other in near)


def _chunks(key: Key, value: Value) -> int:
    return chunks(key, value.size * value.length)
