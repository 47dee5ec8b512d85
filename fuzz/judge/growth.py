"""Whether a pointer table had to grow to the limit: a loop that never ends is else told as a program that
asks for too much, and that is nobody's failure."""

from __future__ import annotations

from collections.abc import Mapping

from fuzz.judge.state import Value, stored_bytes, stored_hash
from fuzz.judge.wrong import NO_ROOM, TABLE_GROWS, Wrong
from fuzz.language.program import Key, Op, Zap
from zapcore import layout as L


def needless_growth(op: Op, zap: Zap, entries: Mapping[Key, Value], bits: int) -> Wrong | None:
    """What is wrong with a table that could not grow because the leaf that `op` writes to, whose hashes agree
    in `bits` bits, was said to have no room; None if it had none. It need not grow for what no leaf holds."""
    key = op.key if op.to is None else op.to
    if key is None:
        return None
    written = Value(op.size, op.length, b"") if op.verb in ("add", "update") else Value(8, 1, b"")
    hashed = stored_hash(zap, key)
    together = {
        other: value
        for other, value in entries.items()
        if other != key and (stored_hash(zap, other) ^ hashed) >> (64 - bits) == 0
    }
    there = L.geometry(zap.leaf_shift).chunks
    alone = _chunks(key, written)
    if alone > there and (key not in entries or op.verb != "update"):  # an update of what is there does go on
        return Wrong(TABLE_GROWS, f"{TABLE_GROWS}: the entry takes {alone} of {there} chunks")
    needed = alone + sum(_chunks(*entry) for entry in together.items())
    if needed > there:
        return None
    text = f"no room, but its {len(together)} other entries and this one take {needed} of {there} chunks"
    return Wrong(NO_ROOM, text)


def _chunks(key: Key, value: Value) -> int:
    return 1 + L.array_chunks(stored_bytes(key)) + L.array_chunks(value.size * value.length)
