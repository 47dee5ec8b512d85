"""Reads from disk that fail, on the model: which blocks of which ZAPs, and during which ops."""

from __future__ import annotations

import errno
from collections.abc import Callable

from fuzz.execution.result import DONE, Result
from fuzz.language.program import Op
from fuzz.language.verb_sets import DEFERRED, SYNCING, UNFAILING
from fuzz.language.verbs import READ_ERRORS
from fuzz.targets.model.world import HANDLERS, ModelWorld
from zapcore.errors import UnreadAbove, ZapErrno
from zapcore.release import Release

NOT_THIS_ONE = Result(errno.ENOTSUP)
"""Of `fail` for indirect blocks that have no dbufs."""

Handler = Callable[[Op], Result]


@HANDLERS.of("fail")
def fail(world: ModelWorld, op: Op) -> Result:
    """zio_inject_fault()."""
    if op.level and not world.headers[op.subject].indirect_shift:
        return NOT_THIS_ONE
    world.auditor.reads_fail = True
    failing = world.failing.setdefault(op.subject, {})
    for blkid in op.blocks:  # EIO is met before the checksum is looked at
        key = (op.level, blkid) if op.level else blkid
        failing[key] = min(op.read_error, failing.get(key, op.read_error))
    if world.whole_handlers is None:
        world.whole_handlers = world.handlers
        failing_too = {verb: _with_failing_reads(world, each) for verb, each in world.handlers.items()}
        whole = {verb: world.handlers[verb] for verb in UNFAILING}
        syncing = {verb: _while_it_syncs(world, world.handlers[verb]) for verb in SYNCING}
        world.handlers = failing_too | whole | syncing
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
        _forget(world)
        try:
            with objset.reads_fail({numbers[name]: blocks for name, blocks in world.failing.items()}):
                if op.verb == "destroy":
                    objset.dnode(numbers[op.subject]).check_free()
                return usual(op)
        except ZapErrno as error:
            if error.code in READ_ERRORS and _refuses_transaction(world, op):
                raise ZapErrno(_of_transaction(error, objset.release)) from None
            raise

    return handler


def _while_it_syncs(world: ModelWorld, usual: Handler) -> Handler:
    """The handler of a verb during which a txg may sync: what fails then are reads of ZAPs that it
    changes."""

    def handler(op: Op) -> Result:
        failing = {
            world.numbers[name]: blocks
            for name, blocks in world.failing.items()
            if world.headers[name].usage or world.headers[name].mos
        }
        if not failing:
            return usual(op)
        _forget(world)
        with world.objset.reads_fail(failing):
            return usual(op)

    return handler


def _forget(world: ModelWorld) -> None:
    """Keep nothing in memory that nobody holds; of the MOS only where reads of it fail."""
    world.objset.evict_dbufs(any(world.headers[name].mos for name in world.failing))


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
