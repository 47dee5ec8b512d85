"""Whether a pointer table had to grow to the limit: a loop that never ends is else told as a program that
asks for too much, and that is nobody's failure."""

from __future__ import annotations

from collections.abc import Mapping

from fuzz.oracle.state import Value, stored_bytes
from fuzz.program import Key, Op, Zap
from zapcore import layout as L
from zapcore.namehash import hash_of_key


def needless_growth(op: Op, zap: Zap, entries: Mapping[Key, Value], bits: int) -> str | None:
    """What is wrong with a table that could not grow because the leaf that `op` writes to, whose hashes agree
    in `bits` bits, was said to have no room; None if it had none."""
    key = op.key if op.to is None else op.to
    if key is None:
        return None
    written = Value(op.size, op.length, b"") if op.verb in ("add", "update") else Value(8, 1, b"")
    together = {other: value for other, value in entries.items() if _agree(zap, key, other, bits)}
    needed = sum(_chunks(*entry) for entry in ({**together, key: written}).items())
    there = L.geometry(zap.leaf_shift).chunks
    if needed > there:
        return None
    return f"no room, but its {len(together)} entries and this one take {needed} of {there} chunks"


def _agree(zap: Zap, key: Key, other: Key, bits: int) -> bool:
    """Whether two keys' hashes do, or one of them is not known."""
    flags = L.FLAG_UINT64_KEY * bool(zap.words) | L.FLAG_PRE_HASHED_KEY * zap.prehashed
    hashes = [
        hash_of_key(each, zap.salt, flags | L.FLAG_HASH64 * zap.hash64, zap.norm) for each in (key, other)
    ]
    return None in hashes or len({value >> (64 - bits) for value in hashes if value is not None}) == 1


def _chunks(key: Key, value: Value) -> int:
    return 1 + L.array_chunks(stored_bytes(key)) + L.array_chunks(value.size * value.length)
