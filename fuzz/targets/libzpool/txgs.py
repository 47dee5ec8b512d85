"""Verbs on time and on the whole pool: transaction groups, eviction, export and import."""

from __future__ import annotations

import errno

from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.world import FUNCTIONS, World


@FUNCTIONS.of("txg")
def do_txg(world: World, op: Call) -> Answer:
    """Open the next txg; the one that was open stays in flight."""
    world.leave_to_openzfs()
    world.pool.txg()
    return 0


@FUNCTIONS.of("finish")
def do_finish(world: World, op: Call) -> Answer:
    """Let the oldest txg in flight sync to its end."""
    world.leave_to_openzfs()
    world.pool.finish()
    return 0


@FUNCTIONS.of("spa_sync")
def do_spa_sync(world: World, op: Call) -> Answer:
    """The same: nobody runs beside."""
    world.leave_to_openzfs()
    world.pool.finish()
    return 0


@FUNCTIONS.of("sync")
def do_sync(world: World, op: Call) -> Answer:
    """Let every txg sync to its end, the open one too."""
    world.leave_to_openzfs()
    world.pool.sync()
    return 0


@FUNCTIONS.of("evict")
def do_evict(world: World, op: Call) -> Answer:
    """dmu_objset_evict_dbufs()."""
    world.lib.dmu_objset_evict_dbufs(world.os)
    return 0


@FUNCTIONS.of("crash")
def do_crash(world: World, op: Call) -> Answer:
    """Go on with the pool as it is on disk now. The library has to let go of the one in memory."""
    if any(zap.shape.usage or zap.shape.mos or zap.shape.inode for zap in world.zaps):
        return errno.ENOTSUP
    world.close_cursors()
    world.leave_to_openzfs()
    world.pool.crash()
    world.os = world.pool.os
    for zap in world.zaps:
        world.find_again(zap)
    return 0


@FUNCTIONS.of("move")
def do_move(world: World, op: Call) -> Answer:
    """Only those come here that no library could do: others are of two workers (`moves`)."""
    return errno.ENOTSUP


@FUNCTIONS.of("reopen")
def do_reopen(world: World, op: Call) -> Answer:
    """Close all cursors, export the pool and import it again."""
    world.close_cursors()
    world.leave_to_openzfs()
    world.pool.reopen()
    world.os = world.pool.os
    for zap in world.zaps:
        if zap.number:
            world.tell_hash_bits(zap)
    return 0
