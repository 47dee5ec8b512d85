"""Reads from disk that fail: which blocks do, and how an op runs meanwhile.

The faults are there while an op runs, and nobody else reads then: what looks at blocks and dbufs between ops
finds all of them. It leaves them in memory, where an op that comes next would find them. So each op begins
with nothing in memory that nobody holds, neither as a dbuf nor in the ARC.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Callable, Iterator, Sequence

from fuzz.language.verb_sets import SYNCING, UNFAILING
from fuzz.language.verbs import VERBS
from fuzz.targets.libzpool.abi import ZINJECT_DATA_FAULT, InjectRecord
from fuzz.targets.libzpool.blocks_and_dbufs import pointers_to_blocks, wait_for_prefetches
from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.pool import PoolProblem
from fuzz.targets.libzpool.world import FUNCTIONS, Fault, Refused, World

_UNFAILING = frozenset(number for number, verb in enumerate(VERBS) if verb in UNFAILING)
_SYNCING = frozenset(number for number, verb in enumerate(VERBS) if verb in SYNCING)


@FUNCTIONS.of("fail")
def do_fail(world: World, op: Call) -> Answer:
    """Say which reads fail; zio_inject_fault() comes with each op."""
    shape = world.zaps[op.subject].shape
    if op.size and not shape.indirect_shift:
        return errno.ENOTSUP
    fault = Fault(op.size, range(op.fill, op.fill + op.length), op.extra)
    world.failing.setdefault(op.subject, []).append(fault)
    return 0


@FUNCTIONS.of("heal")
def do_heal(world: World, op: Call) -> Answer:
    """zio_clear_fault()."""
    world.failing.pop(op.subject, None)
    return 0


def while_reads_fail(world: World, op: Call, function: Callable[[World, Call], Answer]) -> Answer:
    """An op while some blocks cannot be read; while a txg syncs, of ZAPs that it changes."""
    failing = list(world.failing)
    if op.verb in _UNFAILING:
        shapes = [world.zaps[index].shape for index in failing]
        changing = [shape.usage or shape.mos for shape in shapes] if op.verb in _SYNCING else ()
        failing = [index for index, changes in zip(failing, changing, strict=False) if changes]
        if not failing:
            return function(world, op)
    _forget(world)
    try:
        with _injected(world, failing):
            return function(world, op)
    except Refused as failed:
        return failed.error


def _forget(world: World) -> None:
    """Keep nothing in memory that nobody holds. arc_flush() leaves what is being read, and for a second
    (zfs_arc_min_prefetch_ms) what a prefetch has read and indirect blocks, which arc_freed() does not."""
    pointers: list[bytes] = []
    for index in world.failing:
        if world.zaps[index].number:
            wait_for_prefetches(world, index)
            pointers += pointers_to_blocks(world, index)
    for objset in {world.objset_of(world.zaps[index]) for index in world.failing} | {world.os}:
        world.lib.dmu_objset_evict_dbufs(objset)
    world.lib.arc_flush(world.pool.spa, 0)
    for pointer in pointers:
        world.lib.arc_freed(world.pool.spa, pointer)


@contextlib.contextmanager
def _injected(world: World, failing: Sequence[int]) -> Iterator[None]:
    lib = world.lib
    number = ctypes.c_int()
    numbers: list[int] = []
    try:
        for index in failing:
            zap = world.zaps[index]
            for level, blocks, error in world.failing[index] if zap.number else ():
                record = InjectRecord(
                    objset=lib.dmu_objset_id(world.objset_of(zap)),
                    object=zap.number,
                    start=blocks.start,
                    end=blocks.stop - 1,
                    level=level,
                    error=error,
                    command=ZINJECT_DATA_FAULT,
                )
                if failed := lib.zio_inject_fault(
                    world.pool.name, 0, ctypes.byref(number), ctypes.byref(record)
                ):
                    raise PoolProblem(f"zio_inject_fault: {os.strerror(failed)}")
                numbers.append(number.value)
        yield
        for index in failing:  # what the op has begun to read fails, too
            wait_for_prefetches(world, index)
    finally:
        for each in numbers:
            lib.zio_clear_fault(each)
