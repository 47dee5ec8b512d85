"""Verbs on whole objects, on txgs, caches and the pool, on the model."""

from __future__ import annotations

import errno

from fuzz.execution.result import DONE, Result
from fuzz.language.program import Op, cannot_move, has_tree
from fuzz.language.verbs import MOVES
from fuzz.targets.model.world import HANDLERS, ModelWorld
from zapcore import zap
from zapcore.audit.auditor import Auditor
from zapcore.audit.holes import check_seek
from zapcore.errors import ZapErrno
from zapcore.release import RELEASES
from zapcore.zap import helpers


@HANDLERS.of("destroy")
def destroy(world: ModelWorld, op: Op) -> Result:
    """zap_destroy()."""
    number = world.live(op)
    world.objset.check_room()
    zap.destroy(world.objset, number, world.objset.open_tx)
    return DONE


@HANDLERS.of("create")
def create(world: ModelWorld, op: Op) -> Result:
    """zap_create() and its kin, under the number that the ZAP had."""
    dnode = world.objset.dnodes.get(world.numbers[op.subject])
    if dnode is not None and not dnode.free_txg:
        return Result(errno.EEXIST)
    world.objset.check_room()
    world.create_zap(world.headers[op.subject])
    return DONE


@HANDLERS.of("claim")
def claim(world: ModelWorld, op: Op) -> Result:
    """zap_create_claim_norm()."""
    header, number = world.headers[op.subject], world.numbers[op.subject]
    if header.fat or header.indirect_shift or world.objset.full:
        return Result(errno.ENOTSUP)
    if number in world.objset.dnodes or not world.objset.is_free(number):
        return Result(errno.ENOSPC)
    world.create_zap(header)
    return DONE


@HANDLERS.of("create_link")
def create_link(world: ModelWorld, op: Op) -> Result:
    """zap_create_link(). It asserts that the name can be added."""
    header = world.headers[op.subject]
    if header.fat or header.indirect_shift:
        return Result(errno.ENOTSUP)
    parent = world.named(op, op.other)
    dnode = world.objset.dnodes.get(world.numbers[op.subject])
    if dnode is not None and not dnode.free_txg:
        return Result(errno.EEXIST)
    name = b"%x" % op.id
    try:
        helpers.contains(world.objset, parent, name)
    except ZapErrno as error:
        if error.code != errno.ENOENT:
            raise
    else:
        return Result(errno.EEXIST)
    world.objset.check_room()
    world.create_zap(header)
    place = list(world.headers).index(op.subject)
    zap.add(world.objset, parent, name, 8, 1, place.to_bytes(8, "little"), world.objset.open_tx)
    return DONE


@HANDLERS.of("seek")
def seek(world: ModelWorld, op: Op) -> Result:
    """dnode_next_offset()."""
    dnode = world.objset.dnode(world.numbers[op.subject])
    hole = bool(op.extra)
    try:
        found = dnode.next_offset(op.fill, hole)
    except ZapErrno as error:
        if error.code == errno.ESRCH and not hole:
            check_seek(dnode, op.fill, None, hole)
        raise
    check_seek(dnode, op.fill, found, hole)
    return Result(0, found)


@HANDLERS.of("txg")
def txg(world: ModelWorld, op: Op) -> Result:
    """txg_quiesce(): another txg is open."""
    world.objset.open_next_txg()
    return DONE


@HANDLERS.of("finish")
def finish(world: ModelWorld, op: Op) -> Result:
    """spa_sync() of the oldest txg, in one step."""
    world.objset.finish_oldest_txg()
    return DONE


@HANDLERS.of("spa_sync")
def spa_sync(world: ModelWorld, op: Op) -> Result:
    """spa_sync() of the oldest txg, step by step where a schedule says how far it goes."""
    stepped = world.objset.stepped_sync
    if stepped is None:
        world.objset.finish_oldest_txg()
    else:
        stepped.sync_oldest_txg()
    return DONE


@HANDLERS.of("sync")
def sync(world: ModelWorld, op: Op) -> Result:
    """txg_wait_synced()."""
    world.objset.finish_all_txgs()
    return DONE


@HANDLERS.of("reopen")
def reopen(world: ModelWorld, op: Op) -> Result:
    """spa_export() and spa_import(), which end all cursors."""
    for opened in world.cursors.values():
        opened.cursor.close()
    world.cursors.clear()
    world.objset.reopen()
    world.auditor.destroyed.clear()  # who imports knows nothing of what was freed
    return DONE


@HANDLERS.of("crash")
def crash(world: ModelWorld, op: Op) -> Result:
    """Memory is lost, and the pool imported as its last synced txg left it."""
    if world.changes_in_sync or has_tree(world.program):
        return Result(errno.ENOTSUP)
    world.cursors.clear()
    world.objset.crash()
    world.numbers |= {world.names[number]: number for number in world.objset.dnodes}
    reads_fail, world.auditor = world.auditor.reads_fail, Auditor(world.objset)
    world.auditor.reads_fail = reads_fail
    return DONE


@HANDLERS.of("move")
def move(world: ModelWorld, op: Op) -> Result:
    """Another release imports the pool."""
    if cannot_move(world.program, op.fill):
        return Result(errno.ENOTSUP)
    reopen(world, op)
    world.objset.release = RELEASES[MOVES[op.fill]]
    world.auditor = Auditor(world.objset)
    return DONE


@HANDLERS.of("evict")
def evict(world: ModelWorld, op: Op) -> Result:
    """dbuf_evict_one(), until nothing is left that nobody holds."""
    world.objset.evict_dbufs()
    return DONE
