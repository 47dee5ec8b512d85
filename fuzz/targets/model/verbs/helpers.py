"""Verbs that OpenZFS composes of other calls, or that read ahead, on the model."""

from __future__ import annotations

import errno

from fuzz.execution.result import DONE, Result
from fuzz.language.program import Op
from fuzz.targets.model.world import HANDLERS, ModelWorld
from zapcore import zap
from zapcore.dmu.objset import Tx
from zapcore.errors import ZapErrno
from zapcore.zap import helpers


@HANDLERS.of("prefetch")
def prefetch(world: ModelWorld, op: Op) -> Result:
    """zap_prefetch(), zap_prefetch_uint64()."""
    assert op.key is not None
    number = world.live(op)
    if not op.extra and world.is_micro(op.subject):
        return Result(errno.ENOTSUP)
    zap.prefetch(world.objset, number, op.key)
    return DONE


@HANDLERS.of("prefetch_object")
def prefetch_object(world: ModelWorld, op: Op) -> Result:
    """zap_prefetch_object()."""
    zap.prefetch_object(world.objset, world.live(op))
    return DONE


@HANDLERS.of("join")
def join(world: ModelWorld, op: Op) -> Result:
    """zap_join()."""
    source, target, tx = _begin(world, op)
    helpers.join(world.objset, source, target, tx)
    return DONE


@HANDLERS.of("join_key")
def join_key(world: ModelWorld, op: Op) -> Result:
    """zap_join_key()."""
    source, target, tx = _begin(world, op)
    helpers.join_key(world.objset, source, target, op.fill, tx)
    return DONE


@HANDLERS.of("join_increment")
def join_increment(world: ModelWorld, op: Op) -> Result:
    """zap_join_increment()."""
    source, target, tx = _begin(world, op)
    helpers.join_increment(world.objset, source, target, tx)
    return DONE


def _begin(world: ModelWorld, op: Op) -> tuple[int, int, Tx]:
    """Both ZAPs of a join, and its transaction, which reads the second one's header even where nothing is
    joined."""
    source, target = world.named(op), world.named(op, op.other)
    _has_joins(world)
    tx = world.tx(target)
    world.look_for_tx(target)
    return source, target, tx


def _has_joins(world: ModelWorld) -> None:
    """Raises ENOTSUP in releases that have neither zap_join() nor zap_increment_int()."""
    if not world.objset.release.joins:
        raise ZapErrno(errno.ENOTSUP)


@HANDLERS.of("add_int")
def add_int(world: ModelWorld, op: Op) -> Result:
    """zap_add_int()."""
    number = world.named(op)
    helpers.add_int(world.objset, number, op.id, world.tx(number))
    return DONE


@HANDLERS.of("add_int_key")
def add_int_key(world: ModelWorld, op: Op) -> Result:
    """zap_add_int_key()."""
    number = world.named(op)
    helpers.add_int_key(world.objset, number, op.id, op.extra, world.tx(number))
    return DONE


@HANDLERS.of("update_int_key")
def update_int_key(world: ModelWorld, op: Op) -> Result:
    """zap_update_int_key()."""
    number = world.named(op)
    helpers.update_int_key(world.objset, number, op.id, op.extra, world.tx(number))
    return DONE


@HANDLERS.of("remove_int")
def remove_int(world: ModelWorld, op: Op) -> Result:
    """zap_remove_int()."""
    number = world.named(op)
    helpers.remove_int(world.objset, number, op.id, world.tx(number))
    return DONE


@HANDLERS.of("lookup_int")
def lookup_int(world: ModelWorld, op: Op) -> Result:
    """zap_lookup_int()."""
    helpers.lookup_int(world.objset, world.named(op), op.id)
    return DONE


@HANDLERS.of("lookup_int_key")
def lookup_int_key(world: ModelWorld, op: Op) -> Result:
    """zap_lookup_int_key()."""
    return Result(0, helpers.lookup_int_key(world.objset, world.named(op), op.id))


@HANDLERS.of("increment_int")
def increment_int(world: ModelWorld, op: Op) -> Result:
    """zap_increment_int()."""
    number = world.named(op)
    _has_joins(world)
    tx = world.tx(number)
    if not op.extra:
        world.look_for_tx(number)
    helpers.increment_int(world.objset, number, op.id, op.extra, tx)
    return DONE
