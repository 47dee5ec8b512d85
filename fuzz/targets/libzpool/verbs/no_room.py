"""A pool without room, or a file system over its quota, during each op that changes something.

OpenZFS itself decides, by what the pool or the file system has used, which is never nothing. So it is told
that there is less than that: the share of the pool that is kept back (spa_slop_shift) is all of it, of which
who frees may have half; or the quota, in memory alone, is one byte. Where frees that are put off for some
txgs may make room (dsl_pool_deferred_space), dmu_tx_assign() answers ERESTART: who waits is then refused.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
from collections.abc import Callable, Iterator

from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.pool import PoolProblem
from fuzz.targets.libzpool.salt import DATA_AT
from fuzz.targets.libzpool.world import FUNCTIONS, Refused, World

QUOTA_AT = 64
"""Offset of dd_quota in dsl_dir_phys_t; that of ds_dir_obj in dsl_dataset_phys_t is 0."""
Function = Callable[[World, Call], Answer]


@FUNCTIONS.of("full")
def do_full(world: World, op: Call) -> Answer:
    """Say whether there is room; where there is not, OpenZFS learns that with each op."""
    if any(zap.shape.usage or zap.shape.mos for zap in world.zaps):
        return errno.ENOTSUP
    world.full = op.extra if op.fill else 0
    return 0


def while_full(function: Function) -> Function:
    """An op that changes something, where there may be no room."""

    def refused(world: World, op: Call) -> Answer:
        if not world.full:
            return function(world, op)
        try:
            with _all_kept_back(world) if world.full == errno.ENOSPC else _quota_of_a_byte(world):
                return function(world, op)
        except Refused as failed:
            return failed.error

    return refused


@contextlib.contextmanager
def _all_kept_back(world: World) -> Iterator[None]:
    share = ctypes.c_int.in_dll(world.lib.handle, "spa_slop_shift")
    usual, share.value = share.value, 0
    try:
        yield
    finally:
        share.value = usual


@contextlib.contextmanager
def _quota_of_a_byte(world: World) -> Iterator[None]:
    with _bonus(world, world.lib.dmu_objset_id(world.os)) as dataset:
        directory = ctypes.c_uint64.from_address(dataset).value
    with _bonus(world, directory) as at:
        quota = ctypes.c_uint64.from_address(at + QUOTA_AT)
        quota.value = 1
        try:
            yield
        finally:
            quota.value = 0


@contextlib.contextmanager
def _bonus(world: World, number: int) -> Iterator[int]:
    """Where the bonus of an object of the MOS is in memory."""
    lib, pool, dbuf = world.lib, world.pool, ctypes.c_void_p()
    if error := lib.dmu_bonus_hold(pool.mos, number, pool.tag, ctypes.byref(dbuf)):
        raise PoolProblem(f"dmu_bonus_hold: {error}")
    try:
        yield ctypes.c_uint64.from_address((dbuf.value or 0) + DATA_AT).value
    finally:
        lib.dmu_buf_rele(dbuf, pool.tag)
