"""Verbs that OpenZFS composes of other calls, or that read ahead, as calls of the library."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable

from fuzz.targets.libzpool.abi import Library
from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.verbs.entries import words_of
from fuzz.targets.libzpool.world import FUNCTIONS, World
from zapcore.layout import ZBT_MICRO


def is_micro(world: World, number: int) -> bool:
    """Whether a ZAP is micro, by its first word; one that cannot be read is taken for a fat one."""
    word = ctypes.c_uint64()
    error = world.lib.dmu_read(world.os, number, 0, 8, ctypes.addressof(word), 0)
    return not error and word.value == ZBT_MICRO


@FUNCTIONS.of("prefetch")
def do_prefetch(world: World, op: Call) -> Answer:
    """zap_prefetch()."""
    zap = world.live(op.subject)
    if zap is None:
        return errno.ENOENT
    if not (op.extra or zap.shape.fat) and is_micro(world, zap.number):
        return errno.ENOTSUP
    if words := words_of(zap, op):
        error: int = world.lib.zap_prefetch_uint64(world.os, zap.number, op.key, words)
    else:
        error = world.lib.zap_prefetch(world.os, zap.number, op.key)
    return error


@FUNCTIONS.of("prefetch_object")
def do_prefetch_object(world: World, op: Call) -> Answer:
    """zap_prefetch_object(), where the library has it."""
    zap = world.live(op.subject)
    if zap is None:
        return errno.ENOENT
    if not world.lib.has("zap_prefetch_object"):
        return errno.ENOTSUP
    error: int = world.lib.zap_prefetch_object(world.os, zap.number)
    return error


def _join(world: World, op: Call, name: str, *more: int) -> Answer:
    source, target = world.named(op.subject), world.named(op.other)
    if isinstance(source, int):
        return source
    if isinstance(target, int):
        return target
    if not world.lib.has(name):
        return errno.ENOTSUP
    tx = world.begin_tx(target.number, 1)
    error: int = getattr(world.lib, name)(world.os, source.number, target.number, *more, tx)
    world.lib.dmu_tx_commit(tx)
    return error


@FUNCTIONS.of("join")
def do_join(world: World, op: Call) -> Answer:
    """zap_join()."""
    return _join(world, op, "zap_join")


@FUNCTIONS.of("join_key")
def do_join_key(world: World, op: Call) -> Answer:
    """zap_join_key()."""
    return _join(world, op, "zap_join_key", op.fill)


@FUNCTIONS.of("join_increment")
def do_join_increment(world: World, op: Call) -> Answer:
    """zap_join_increment()."""
    return _join(world, op, "zap_join_increment")


INT_FUNCTIONS: dict[str, Callable[[Library], Callable[..., int]]] = {
    "add_int": lambda lib: lib.zap_add_int,
    "add_int_key": lambda lib: lib.zap_add_int_key,
    "update_int_key": lambda lib: lib.zap_update_int_key,
    "remove_int": lambda lib: lib.zap_remove_int,
    "increment_int": lambda lib: lib.zap_increment_int,
}
"""The functions behind the verbs that change an entry whose key is a number: mentioned and not found by name,
so that an exported script gets their prototypes."""


def int_call(world: World, op: Call, verb: str) -> Callable[[int, int], int] | None:
    """The call behind a verb that changes an entry whose key is a number, of an object and a transaction;
    None where the library has no such function. Two of them take no value."""
    if verb == "increment_int" and not world.lib.has("zap_increment_int"):
        return None
    call = INT_FUNCTIONS[verb](world.lib)
    more = () if verb in ("add_int", "remove_int") else (op.extra,)
    return lambda number, tx: call(world.os, number, op.fill, *more, tx)


def _change_int(world: World, op: Call, verb: str) -> Answer:
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    call = int_call(world, op, verb)
    if call is None:
        return errno.ENOTSUP
    tx = world.begin_tx(zap.number, verb != "remove_int")
    error = call(zap.number, tx)
    world.lib.dmu_tx_commit(tx)
    return error


@FUNCTIONS.of("add_int")
def do_add_int(world: World, op: Call) -> Answer:
    """zap_add_int()."""
    return _change_int(world, op, "add_int")


@FUNCTIONS.of("add_int_key")
def do_add_int_key(world: World, op: Call) -> Answer:
    """zap_add_int_key()."""
    return _change_int(world, op, "add_int_key")


@FUNCTIONS.of("update_int_key")
def do_update_int_key(world: World, op: Call) -> Answer:
    """zap_update_int_key()."""
    return _change_int(world, op, "update_int_key")


@FUNCTIONS.of("remove_int")
def do_remove_int(world: World, op: Call) -> Answer:
    """zap_remove_int()."""
    return _change_int(world, op, "remove_int")


@FUNCTIONS.of("increment_int")
def do_increment_int(world: World, op: Call) -> Answer:
    """zap_increment_int(), where the library has it."""
    return _change_int(world, op, "increment_int")


@FUNCTIONS.of("lookup_int")
def do_lookup_int(world: World, op: Call) -> Answer:
    """zap_lookup_int()."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    error: int = world.lib.zap_lookup_int(world.os, zap.number, op.fill)
    return error


@FUNCTIONS.of("lookup_int_key")
def do_lookup_int_key(world: World, op: Call) -> Answer:
    """zap_lookup_int_key(): the value."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    world.two[0] = 0
    error: int = world.lib.zap_lookup_int_key(world.os, zap.number, op.fill, world.two_at)
    return error or (0, world.two[0])
