"""Verbs on the entries of a ZAP, as calls of the library: one that modifies is a transaction of its own."""

from __future__ import annotations

import array
import ctypes
import errno
from collections.abc import Callable

from fuzz.execution.result import Found
from fuzz.language.program import value_bytes
from fuzz.language.verbs import NAME_ROOM
from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.world import FUNCTIONS, Object, World

STATS_NUMBERS = 63
"""Of 64 bits each: zap_stats_t."""
DNODE_FIND_HOLE = 1
_COUNTING = bytes(range(256)) * 33
_ARRAY_CODES = {2: "H", 4: "I", 8: "Q"}


def quick_value(size: int, length: int, fill: int) -> bytes:
    """`value_bytes`, by slicing or through an array where no integer wraps."""
    if size == 1:
        return _COUNTING[fill & 255 : (fill & 255) + length]
    fill &= (1 << (8 * size)) - 1
    if fill + length <= 1 << (8 * size):
        return array.array(_ARRAY_CODES[size], range(fill, fill + length)).tobytes()
    return value_bytes(size, length, fill)


def words_of(zap: Object, op: Call) -> int:
    """How many words the key of an op has; 0 for a name."""
    return len(op.key) // 8 if zap.shape.words else 0


@FUNCTIONS.of("create")
def do_create(world: World, op: Call) -> Answer:
    """zap_create_norm() or zap_create_flags(), as the header line says."""
    zap = world.zaps[op.subject]
    if zap.number:
        return errno.EEXIST
    world.create(zap)
    return 0


@FUNCTIONS.of("claim")
def do_claim(world: World, op: Call) -> Answer:
    """zap_create_claim_norm()."""
    zap = world.zaps[op.subject]
    if world.has_shape_of_its_own(zap.shape) or world.full:
        return errno.ENOTSUP
    return world.create_claimed(zap)


@FUNCTIONS.of("create_link")
def do_create_link(world: World, op: Call) -> Answer:
    """zap_create_link(), but for the number of the new object, which no program could know: what it does with
    it is the same. It asserts that the name can be added."""
    zap, parent = world.zaps[op.subject], world.named(op.other)
    if world.has_shape_of_its_own(zap.shape):
        return errno.ENOTSUP
    if isinstance(parent, int):
        return parent
    if zap.number:
        return errno.EEXIST
    name, place = b"%x" % op.fill, op.subject.to_bytes(8, "little")
    error: int = world.lib.zap_contains(world.os, parent.number, name)
    if error != errno.ENOENT:
        return error or errno.EEXIST
    world.create(zap)
    world.tune_for(parent)
    tx = world.begin_tx(parent.number, 1)
    error = world.lib.zap_add(world.os, parent.number, name, 8, 1, place, tx)
    world.lib.dmu_tx_commit(tx)
    return error


@FUNCTIONS.of("destroy")
def do_destroy(world: World, op: Call) -> Answer:
    """zap_destroy()."""
    zap = world.live(op.subject)
    return errno.ENOENT if zap is None else world.destroy(zap)


@FUNCTIONS.of("add")
def do_add(world: World, op: Call) -> Answer:
    """zap_add()."""
    return _store(world, op, world.lib.zap_add, world.lib.zap_add_uint64, "zap_add")


@FUNCTIONS.of("update")
def do_update(world: World, op: Call) -> Answer:
    """zap_update()."""
    return _store(world, op, world.lib.zap_update, world.lib.zap_update_uint64, "zap_update")


def _of_dnode(world: World, zap: Object, op: Call, name: str) -> Callable[..., int] | None:
    """The function of a dnode that does what another one of an object does, as a function of the rest of its
    arguments; None if callers of this ZAP do not hold its dnode, or the release has no such function."""
    name += "_uint64_by_dnode" if zap.shape.words and name != "zap_count" else "_by_dnode"
    if not (zap.shape.by_dnode and world.lib.has(name)):
        return None
    lib, tag, dnode = world.lib, world.pool.tag, ctypes.c_void_p()
    function: Callable[..., int] = getattr(lib, name)

    def held(*arguments: object) -> int:
        error: int = lib.dnode_hold(world.os, zap.number, tag, ctypes.byref(dnode))
        if not error:
            error = function(dnode, *arguments)
            lib.dnode_rele(dnode, tag)
        return error

    return held


def _store(
    world: World, op: Call, named: Callable[..., int], binary: Callable[..., int], name: str
) -> Answer:
    zap = world.live(op.subject)
    if zap is None:
        return errno.ENOENT
    number, words = zap.number, words_of(zap, op)
    value = quick_value(op.size, op.length, op.fill)
    tx = world.begin_tx(number, 1)
    if (held := _of_dnode(world, zap, op, name)) is not None:
        error = held(op.key, *((words,) if words else ()), op.size, op.length, value, tx)
    elif words:
        error = binary(world.os, number, op.key, words, op.size, op.length, value, tx)
    else:
        error = named(world.os, number, op.key, op.size, op.length, value, tx)
    world.lib.dmu_tx_commit(tx)
    return error


@FUNCTIONS.of("remove")
def do_remove(world: World, op: Call) -> Answer:
    """zap_remove()."""
    zap = world.live(op.subject)
    if zap is None:
        return errno.ENOENT
    tx = world.begin_tx(zap.number, 0)
    words = words_of(zap, op)
    error: int
    if (held := _of_dnode(world, zap, op, "zap_remove")) is not None:
        error = held(op.key, *((words,) if words else ()), tx)
    elif words:
        error = world.lib.zap_remove_uint64(world.os, zap.number, op.key, words, tx)
    else:
        error = world.lib.zap_remove(world.os, zap.number, op.key, tx)
    world.lib.dmu_tx_commit(tx)
    return error


@FUNCTIONS.of("lookup")
def do_lookup(world: World, op: Call) -> Answer:
    """zap_lookup(); the value's zeros at the end are left out."""
    zap = world.looked_at(op.subject)
    if zap is None:
        return errno.ENOENT
    count = op.size * op.length
    at = world.values.empty(count)
    words = words_of(zap, op)
    error: int
    if (held := _of_dnode(world, zap, op, "zap_lookup")) is not None:
        error = held(op.key, *((words,) if words else ()), op.size, op.length, at)
    elif words:
        error = world.lib.zap_lookup_uint64(world.os, zap.number, op.key, words, op.size, op.length, at)
    else:
        error = world.lib.zap_lookup(world.os, zap.number, op.key, op.size, op.length, at)
    if error not in (0, errno.EOVERFLOW):
        return error
    return error, world.values.content(count)


@FUNCTIONS.of("length")
def do_length(world: World, op: Call) -> Answer:
    """zap_length(): integer size and number of integers."""
    zap = world.looked_at(op.subject)
    if zap is None:
        return errno.ENOENT
    size = world.two_at
    if words := words_of(zap, op):
        error: int = world.lib.zap_length_uint64(world.os, zap.number, op.key, words, size, size + 8)
    else:
        error = world.lib.zap_length(world.os, zap.number, op.key, size, size + 8)
    return error or (0, (world.two[0], world.two[1]))


@FUNCTIONS.of("count")
def do_count(world: World, op: Call) -> Answer:
    """zap_count()."""
    zap = world.looked_at(op.subject)
    if zap is None:
        return errno.ENOENT
    held = _of_dnode(world, zap, op, "zap_count")
    error: int = held(world.two_at) if held else world.lib.zap_count(world.os, zap.number, world.two_at)
    return error or (0, world.two[0])


@FUNCTIONS.of("contains")
def do_contains(world: World, op: Call) -> Answer:
    """zap_contains(), and for keys of words, which have no such call, a lookup that reads no value."""
    zap = world.looked_at(op.subject)
    if zap is None:
        return errno.ENOENT
    if words := words_of(zap, op):
        error: int = world.lib.zap_lookup_uint64(world.os, zap.number, op.key, words, 0, 0, None)
        return 0 if error in (errno.EINVAL, errno.EOVERFLOW) else error
    error = world.lib.zap_contains(world.os, zap.number, op.key)
    return error


@FUNCTIONS.of("increment")
def do_increment(world: World, op: Call) -> Answer:
    """zap_increment()."""
    zap = world.live(op.subject)
    if zap is None:
        return errno.ENOENT
    tx = world.begin_tx(zap.number, 1)
    if zap.shape.words:
        error = increment_words(world, zap, op, tx)
    else:
        error = world.lib.zap_increment(world.os, zap.number, op.key, op.fill, tx)
    world.lib.dmu_tx_commit(tx)
    return error


def increment_words(world: World, zap: Object, op: Call, tx: int) -> int:
    """What zap_increment() does, with the calls for keys of words: OpenZFS has none for these."""
    lib, words, at = world.lib, words_of(zap, op), world.values.empty(8)
    if not op.fill:
        return 0
    error: int = lib.zap_lookup_uint64(world.os, zap.number, op.key, words, 8, 1, at)
    if error not in (0, errno.ENOENT):
        return error
    value = (int.from_bytes(world.values.content(8), "little") + op.fill) & ((1 << 64) - 1)
    if not value:
        error = lib.zap_remove_uint64(world.os, zap.number, op.key, words, tx)
    else:
        data = value.to_bytes(8, "little")
        error = lib.zap_update_uint64(world.os, zap.number, op.key, words, 8, 1, data, tx)
    return error


@FUNCTIONS.of("search")
def do_search(world: World, op: Call) -> Answer:
    """zap_value_search(): the name that it finds."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    # 2.1 does not have the last argument, and does not look at it
    room = op.length if op.length and world.lib.has_attribute_alloc else NAME_ROOM
    at = world.names.empty(room)
    error: int = world.lib.zap_value_search(world.os, zap.number, op.fill, op.extra, at, room)
    return error or (0, world.names.text(room))


@FUNCTIONS.of("stats")
def do_stats(world: World, op: Call) -> Answer:
    """zap_get_stats(): its numbers."""
    zap = world.looked_at(op.subject)
    if zap is None:
        return errno.ENOENT
    numbers = (ctypes.c_uint64 * STATS_NUMBERS)()
    error: int = world.lib.zap_get_stats(world.os, zap.number, ctypes.addressof(numbers))
    return error or (0, tuple(numbers))


@FUNCTIONS.of("seek")
def do_seek(world: World, op: Call) -> Answer:
    """dmu_offset_next() without zfs_dmu_offset_next_sync, which later releases keep to themselves: its
    dnode_is_dirty() and dnode_next_offset()."""
    zap, lib, tag = world.live(op.subject), world.lib, world.pool.tag
    if zap is None:
        return errno.ENOENT
    dnode, offset = ctypes.c_void_p(), ctypes.c_uint64(op.fill)
    error: int = lib.dnode_hold(world.objset_of(zap), zap.number, tag, ctypes.byref(dnode))
    if error:
        return error
    if lib.dnode_is_dirty(dnode):
        error = errno.EBUSY
    else:
        error = lib.dnode_next_offset(dnode, DNODE_FIND_HOLE * op.extra, ctypes.byref(offset), 1, 1, 0)
    lib.dnode_rele(dnode, tag)
    return error or (0, offset.value)


@FUNCTIONS.of("lookup_norm")
def do_lookup_norm(world: World, op: Call) -> Answer:
    """zap_lookup_norm(): the value, the name as it is stored, and whether another entry matches too."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    count, room = op.size * op.length, op.fill or NAME_ROOM
    at, name, conflict = world.values.empty(count), world.names.empty(room), ctypes.c_int(0)
    error: int = world.lib.zap_lookup_norm(
        *(world.os, zap.number, op.key, op.size, op.length, at, op.extra),
        *(name, room, ctypes.addressof(conflict)),
    )
    if error not in (0, errno.EOVERFLOW):
        return error
    return error, Found(world.values.content(count), world.names.text(room), bool(conflict.value))


@FUNCTIONS.of("remove_norm")
def do_remove_norm(world: World, op: Call) -> Answer:
    """zap_remove_norm()."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    tx = world.begin_tx(zap.number, 0)
    error: int = world.lib.zap_remove_norm(world.os, zap.number, op.key, op.extra, tx)
    world.lib.dmu_tx_commit(tx)
    return error
