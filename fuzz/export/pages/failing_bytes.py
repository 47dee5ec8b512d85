"""The bytes that a failure speaks of: of the block that an invariant names, or that the innermost function of
a panic had in its hands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

from fuzz.judge.signature import Failure
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore.dmu.dbuf import Dbuf
from zapcore.dmu.dnode import Dnode
from zapcore.verify.invariants import INVARIANTS
from zapcore.verify.leaf import is_leaf
from zapcore.zap.leaf import Leaf
from zapcore.zap.zap import Zap

BYTES_SHOWN = 128
_NAMED = re.compile(r"block (\d+): (?:chunk (-?\d+) )?(\w+)(?:\[(\d+))?")


class FailingBytes(NamedTuple):
    """A piece of a block: of which ZAP, from which byte on, 16 bytes a line in hexadecimal, and how long what
    is meant is, from byte `at` of the block. `why` says how this block was found."""

    zap: str
    block: int
    start: int
    lines: list[str]
    at: int
    length: int
    field: str
    why: str


def invariant_of(failure: Failure) -> tuple[str, str] | None:
    """The name and the meaning of the invariant that a failure is about, if it is about one."""
    kind, place, expression, _ = failure.signature
    name = place.partition(":")[2]
    return (name, INVARIANTS.get(name, expression)) if kind == "invariant" else None


def failing_bytes(failure: Failure, error: BaseException | None, target: ModelTarget) -> FailingBytes | None:
    """The bytes of a failure of a world that stands as it fell; `error` is what was raised. None where no
    block is known."""
    named = _NAMED.search(failure.text) if failure.signature.kind == "invariant" else None
    if named is not None:
        block, chunk, field = int(named[1]), int(named[2] or -1), named[3]
        for name, number in target.numbers.items():
            dnode = target.objset.dnodes.get(number)
            if (
                dnode is not None
                and block <= dnode.max_blkid
                and (len(target.numbers) == 1 or name in failure.text)
            ):
                return _piece(name, dnode, block, chunk, field, int(named[4] or 0), "the invariant names it")
    for frame in _frames(error):
        for what, dnode, block in _held(frame):
            called = {number: name for name, number in target.numbers.items()}
            name = called.get(dnode.number, f"object {dnode.number}")
            return _piece(name, dnode, block, -1, "", 0, f"what fails has it in its hands, as {what}")
    return None


def _frames(error: BaseException | None) -> Iterator[FrameType]:
    """The frames through which an error came and those of what caused it, innermost first."""
    while error is not None and error.__cause__ is not None:
        error = error.__cause__
    trace = error.__traceback__ if error is not None else None
    frames = []
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    yield from reversed(frames)


def _held(frame: FrameType) -> Iterator[tuple[str, Dnode, int]]:
    """The blocks that the variables of a function stand for: dbufs, leaves and ZAPs."""
    if not frame.f_globals.get("__name__", "").startswith("zapcore."):
        return
    found: list[tuple[int, str, Any]] = []
    for name, value in frame.f_locals.items():
        dbuf = value.dbuf if isinstance(value, Leaf | Zap) else value
        if isinstance(dbuf, Dbuf):
            found.append((not isinstance(value, Leaf), name, dbuf))
    yield from ((name, dbuf.dnode, dbuf.blkid) for _, name, dbuf in sorted(found, key=lambda each: each[0]))


def _piece(
    name: str, dnode: Dnode, block: int, chunk: int, field: str, element: int, why: str
) -> FailingBytes:
    raw = dnode.peek(block)
    at, length = _place(raw, chunk, field, element)
    start = max(0, min(at - BYTES_SHOWN // 4, len(raw) - BYTES_SHOWN)) & ~15
    piece = raw[start : start + BYTES_SHOWN]
    lines = [piece[row : row + 16].hex(" ") for row in range(0, len(piece), 16)]
    return FailingBytes(name, block, start, lines, at, length, field, why)


def _place(raw: bytes, chunk: int, field: str, element: int) -> tuple[int, int]:
    """Where a field is in a block, and how long; the start of the block where nobody knows."""
    if not is_leaf(raw):
        known = {each.name: each for each in L.HEADER.fields}
        if field in known:
            return known[field].at, known[field].size
        return 0, 8
    if field == "l_hash":
        return L.LEAF_HEADER_SIZE + 2 * element, 2
    if chunk >= 0:
        base = L.geometry(len(raw).bit_length() - 1).first_chunk + L.CHUNK_SIZE * chunk
        for structure in (L.ENTRY_CHUNK, L.ARRAY_CHUNK, L.FREE_CHUNK):
            for each in structure.fields:
                if each.name == field:
                    return base + each.at, each.size
        return base, L.CHUNK_SIZE
    for each in L.LEAF_HEADER.fields:
        if each.name == field:
            return each.at, each.size
    return 0, L.LEAF_HEADER_SIZE
