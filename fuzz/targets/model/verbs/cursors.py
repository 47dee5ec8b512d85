"""Verbs on cursors, on the model."""

from __future__ import annotations

import errno

from fuzz.execution.result import DONE, Entry, Result
from fuzz.language.program import Op
from fuzz.targets.model.world import HANDLERS, ModelWorld, OpenCursor
from zapcore import zap

NOT_OPEN = Result(errno.EBADF)


@HANDLERS.of("cursor")
def open_cursor(world: ModelWorld, op: Op) -> Result:
    """zap_cursor_init(), zap_cursor_init_serialized()."""
    close(world, op)
    world.objset.dnode(world.numbers[op.other])
    if world.headers[op.other].shorter:
        return Result(errno.ENOTSUP)
    world.tune_for(op.other)
    cursor = zap.Cursor(world.objset, world.numbers[op.other], op.start)
    world.cursors[op.subject] = OpenCursor(cursor, op.other)
    return DONE


@HANDLERS.of("next")
def next_entry(world: ModelWorld, op: Op) -> Result:
    """zap_cursor_advance(), but for the first time, and zap_cursor_retrieve()."""
    opened = world.cursors.get(op.subject)
    if opened is None:
        return NOT_OPEN
    if not opened.fresh:
        opened.cursor.advance()
    return retrieve(world, op)


@HANDLERS.of("retrieve")
def retrieve(world: ModelWorld, op: Op) -> Result:
    """zap_cursor_retrieve()."""
    opened = world.cursors.get(op.subject)
    if opened is None:
        return NOT_OPEN
    found = opened.cursor.retrieve()
    opened.fresh = False
    return Result(0, Entry(*found))


@HANDLERS.of("advance")
def advance(world: ModelWorld, op: Op) -> Result:
    """zap_cursor_advance()."""
    opened = world.cursors.get(op.subject)
    if opened is None:
        return NOT_OPEN
    opened.cursor.advance()
    return DONE


@HANDLERS.of("serialize")
def serialize(world: ModelWorld, op: Op) -> Result:
    """zap_cursor_serialize()."""
    opened = world.cursors.get(op.subject)
    if opened is None:
        return NOT_OPEN
    return Result(0, opened.cursor.serialize())


@HANDLERS.of("close")
def close(world: ModelWorld, op: Op) -> Result:
    """zap_cursor_fini()."""
    opened = world.cursors.pop(op.subject, None)
    if opened is None:
        return NOT_OPEN
    opened.cursor.close()
    return DONE
