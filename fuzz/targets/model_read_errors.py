"""Reads from disk that fail, on the model: which blocks of which ZAPs, and during which ops."""

from __future__ import annotations

import errno
from collections.abc import Callable

from fuzz.execution.result import DONE, Result
from fuzz.language.program import Op, Zap
from fuzz.language.verbs import DEFERRED, READ_ERRORS, UNFAILING
from fuzz.targets.model_world import HANDLERS, ModelWorld
from zapcore.errors import ZapErrno

NOT_THIS_ONE = Result(errno.ENOTSUP)
"""Of `fail` for a ZAP that changes while a txg syncs, and for blocks that are no data."""

Handler = Callable[[Op], Result]


def _refused(header: Zap, level: int) -> bool:
    return bool(header.usage or header.mos or level)


@HANDLERS.of("fail")
def fail(world: ModelWorld, op: Op) -> Result:
    """zio_inject_fault()."""
    if _refused(world.headers[op.subject], op.level):
        return NOT_THIS_ONE
    world.auditor.reads_fail = True
    failing = world.failing.setdefault(op.subject, {})
    for blkid in op.blocks:  # EIO is met before the checksum is looked at
        failing[blkid] = min(op.read_error, failing.get(blkid, op.read_error))
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
            return usual(op)
        except ZapErrno as error:
            # dmu_tx_hold_zap() reads the header, which nobody has after it has failed
            if objset.release.unread_is_eio and op.verb in DEFERRED and error.code in READ_ERRORS:
                header = objset.dnode(numbers[op.subject]).dbufs.get(0)
                raise ZapErrno(errno.EIO if header is None else error.code) from None
            raise
        finally:
            objset.failing = {}

    return handler
