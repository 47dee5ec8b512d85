"""Verbs on cursors, as calls of the library."""

from __future__ import annotations

import errno

from fuzz.execution.result import Entry
from fuzz.targets.libzpool.abi import Attribute
from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.world import FUNCTIONS, Cursor, World


@FUNCTIONS.of("cursor")
def do_cursor(world: World, op: Call) -> Answer:
    """zap_cursor_init_serialized(); a cursor that is open under this number is closed first."""
    world.close_cursor(op.subject)
    zap = world.live(op.other)
    if zap is None:
        return errno.ENOENT
    if zap.shape.shorter:
        return errno.ENOTSUP
    cursor = world.spare.pop() if world.spare else Cursor()
    cursor.moved, cursor.words = False, zap.shape.words
    error: int = world.lib.zap_cursor_init_serialized(cursor.address, world.os, zap.number, op.fill)
    if error and world.lib.cursors_hold:
        world.spare.append(cursor)
        return error
    world.cursors[op.subject] = cursor
    return 0


@FUNCTIONS.of("next")
def do_next(world: World, op: Call) -> Answer:
    """zap_cursor_advance(), unless nothing was retrieved yet, and zap_cursor_retrieve()."""
    cursor = world.cursors.get(op.subject)
    if cursor is None:
        return errno.EBADF
    if cursor.moved:
        world.lib.zap_cursor_advance(cursor.address)
    return _entry(world, cursor)


@FUNCTIONS.of("retrieve")
def do_retrieve(world: World, op: Call) -> Answer:
    """zap_cursor_retrieve()."""
    cursor = world.cursors.get(op.subject)
    return errno.EBADF if cursor is None else _entry(world, cursor)


def _entry(world: World, cursor: Cursor) -> Answer:
    error: int = world.lib.zap_cursor_retrieve(cursor.address, world.attribute)
    if error:
        return error
    cursor.moved = True
    found = Attribute.from_address(world.attribute)
    key = world.entry_name(cursor.words)
    return 0, Entry(key, found.integer_length, found.num_integers, found.first_integer, bool(found.conflict))


@FUNCTIONS.of("advance")
def do_advance(world: World, op: Call) -> Answer:
    """zap_cursor_advance()."""
    cursor = world.cursors.get(op.subject)
    if cursor is None:
        return errno.EBADF
    world.lib.zap_cursor_advance(cursor.address)
    return 0


@FUNCTIONS.of("serialize")
def do_serialize(world: World, op: Call) -> Answer:
    """zap_cursor_serialize(): the place."""
    cursor = world.cursors.get(op.subject)
    if cursor is None:
        return errno.EBADF
    return 0, world.lib.zap_cursor_serialize(cursor.address)


@FUNCTIONS.of("close")
def do_close(world: World, op: Call) -> Answer:
    """zap_cursor_fini()."""
    if op.subject not in world.cursors:
        return errno.EBADF
    world.close_cursor(op.subject)
    return 0
