"""Verbs on the entries of a ZAP, on the model."""

from __future__ import annotations

import errno

from fuzz.execution.result import DONE, Found, Result
from fuzz.language.program import Op, value_bytes
from fuzz.targets.model.world import HANDLERS, ModelWorld
from zapcore import zap
from zapcore.errors import ZapErrno
from zapcore.zap import helpers
from zapcore.zap import stats as zap_stats


@HANDLERS.of("add")
def add(world: ModelWorld, op: Op) -> Result:
    """zap_add(), zap_add_uint64()."""
    value = value_bytes(op.size, op.length, op.fill)
    assert op.key is not None
    number = world.number_of(op)
    zap.add(world.objset, number, op.key, op.size, op.length, value, world.tx(number))
    return DONE


@HANDLERS.of("update")
def update(world: ModelWorld, op: Op) -> Result:
    """zap_update(), zap_update_uint64()."""
    value = value_bytes(op.size, op.length, op.fill)
    assert op.key is not None
    number = world.number_of(op)
    zap.update(world.objset, number, op.key, op.size, op.length, value, world.tx(number))
    return DONE


@HANDLERS.of("remove")
def remove(world: ModelWorld, op: Op) -> Result:
    """zap_remove(), zap_remove_uint64()."""
    assert op.key is not None
    number = world.number_of(op)
    zap.remove(world.objset, number, op.key, world.tx(number))
    return DONE


@HANDLERS.of("lookup")
def lookup(world: ModelWorld, op: Op) -> Result:
    """zap_lookup(), zap_lookup_uint64(): what there was room for."""
    assert op.key is not None
    try:
        value, more = zap.lookup(world.objset, world.number_of(op), op.key, op.size, op.length)
    except ZapErrno as error:
        if error.code != errno.EOVERFLOW:
            raise
        value, more = b"", True  # a micro ZAP gives nothing
    return Result(errno.EOVERFLOW if more else 0, value.rstrip(b"\0"))


@HANDLERS.of("length")
def length(world: ModelWorld, op: Op) -> Result:
    """zap_length(), zap_length_uint64()."""
    assert op.key is not None
    return Result(0, zap.length(world.objset, world.number_of(op), op.key))


@HANDLERS.of("count")
def count(world: ModelWorld, op: Op) -> Result:
    """zap_count()."""
    return Result(0, zap.count(world.objset, world.number_of(op)))


@HANDLERS.of("contains")
def contains(world: ModelWorld, op: Op) -> Result:
    """zap_contains()."""
    assert op.key is not None
    helpers.contains(world.objset, world.number_of(op), op.key)
    return DONE


@HANDLERS.of("increment")
def increment(world: ModelWorld, op: Op) -> Result:
    """zap_increment()."""
    number = world.live(op)
    assert op.key is not None
    tx = world.tx(number)
    if not op.delta:
        world.look_for_tx(number)
    helpers.increment(world.objset, number, op.key, op.delta, tx)
    return DONE


@HANDLERS.of("search")
def search(world: ModelWorld, op: Op) -> Result:
    """zap_value_search()."""
    name = helpers.value_search(world.objset, world.named(op), op.wanted, op.mask, op.name_room)
    assert isinstance(name, bytes)
    return Result(0, name)


@HANDLERS.of("stats")
def stats(world: ModelWorld, op: Op) -> Result:
    """zap_get_stats(): all its numbers in one tuple."""
    numbers: list[int] = []
    for field in zap_stats.stats(world.objset, world.number_of(op)):
        numbers += [field] if isinstance(field, int) else field
    return Result(0, tuple(numbers))


@HANDLERS.of("lookup_norm")
def lookup_norm(world: ModelWorld, op: Op) -> Result:
    """zap_lookup_norm()."""
    number = world.named(op)
    assert isinstance(op.key, bytes)
    try:
        found = zap.lookup_norm(world.objset, number, op.key, op.size, op.length, op.match, op.name_room)
    except ZapErrno as error:
        if error.code != errno.EOVERFLOW:
            raise
        return Result(errno.EOVERFLOW, Found(b"", b"", False))
    assert isinstance(found.key, bytes)
    value = Found(found.value.rstrip(b"\0"), found.key, found.conflict)
    return Result(errno.EOVERFLOW if found.more else 0, value)


@HANDLERS.of("remove_norm")
def remove_norm(world: ModelWorld, op: Op) -> Result:
    """zap_remove_norm()."""
    assert op.key is not None
    number = world.named(op)
    zap.remove_norm(world.objset, number, op.key, op.match, world.tx(number))
    return DONE
