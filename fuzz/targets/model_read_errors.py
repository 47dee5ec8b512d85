"""Reads from disk that fail, on the model: which blocks of which ZAPs, and during which ops."""

from __future__ import annotations

import errno
from collections.abc import Callable

from fuzz.execution.result import DONE, Result
from fuzz.language.program import Op, Zap
from fuzz.language.verbs import DEFERRED, READ_ERRORS, UNFAILING
from fuzz.targets.model_world import HANDLERS, ModelWorld
from zapcore.errors import UnreadAbove, ZapErrno
from zapcore.release import Release

NOT_THIS_ONE = Result(errno.ENOTSUP)
"""Of `fail` for a ZAP that changes while a txg syncs, and for indirect blocks that have no dbufs."""

Handler = Callable[[Op], Result]


def _refused(header: Zap, level: int) -> bool:
    return bool(header.usage or header.mos or (level and not header.indirect_shift))


@HANDLERS.of("fail")
def fail(world: ModelWorld, op: Op) -> Result:
    """zio_inject_fault()."""
    if _refused(world.headers[op.subject], op.level):
        return NOT_THIS_ONE
    world.auditor.reads_fail = True
    failing = world.failing.setdefault(op.subject, {})
    for blkid in op.blocks:  # EIO is met before the checksum is looked at
        key = (op.level, blkid) if op.level else blkid
        failing[key] = min(op.read_error, failing.get(key, op.read_error))
    if world.whole_handlers is None:
        world.whole_handlers = world.handlers
        failing_too = {verb: _with_failing_reads(world, each) for verb, each in world.handlers.items()}
        world.handlers = failing_too | {verb: world.handlers[verb] for verb in UNFAILING}
    return DONE


@HANDLERS.of("heal")
def heal(world: ModelWorld, op: Op) -> Result:
    """zio_clear_fault()."""
    world.failing.pop(op.subject, None)
    if world.whole_handlers is not None and not world.failing:
        world.handlers, world.whole_handlers = world.whole_handlers, None
    return DONE


def _with_failing_reads(world: ModelWorld, usual: Handler) -> Handler:
    """A verb's handler while reads fail: it begins with nothing in memory that nobody holds."""

    def handler(op: Op) -> Result:
        objset, numbers = world.objset, world.numbers
        objset.evict_dbufs()
        objset.failing = {numbers[name]: blocks for name, blocks in world.failing.items()}
        try:
            if op.verb == "destroy":
                objset.dnode(numbers[op.subject]).check_free()
            return usual(op)
        except ZapErrno as error:
            if error.code in READ_ERRORS and _refuses_transaction(world, op):
                raise ZapErrno(_of_transaction(error, objset.release)) from None
            raise
        finally:
            objset.failing = {}

    return handler


def _refuses_transaction(world: ModelWorld, op: Op) -> bool:
    """Whether it was the op's transaction that could not be assigned, because a block was not read. If that
    is the header (dmu_tx_hold_zap), nobody has it afterwards."""
    if op.verb == "destroy":
        return True
    return op.verb in DEFERRED and 0 not in world.objset.dnode(world.numbers[op.subject]).dbufs


def _of_transaction(error: ZapErrno, release: Release) -> int:
    """What dmu_tx_assign() says then."""
    if release.unread_is_eio:
        return errno.EIO
    return error.why if isinstance(error, UnreadAbove) and release.tells_unread_above else error.code
