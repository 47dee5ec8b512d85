"""Objects that somebody owns, and the object sets in which OpenZFS keeps the usage of each owner.

Accounting is a matter of a whole object set, and its ZAPs are as old as that, so each program that asks for
them gets an object set of its own. They are made in syncing context, in the txg that makes the object set,
as by dmu_objset_do_userquota_updates_prep(), which then finds them there: so they can have the program's
salts.
"""

from __future__ import annotations

import ctypes
import errno
import os
import random
from collections.abc import Callable, Sequence

from fuzz.language.program import U64, Zap
from fuzz.targets.libzpool.abi import DMU_NEW_OBJECT, DMU_OBJECT_END
from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.pool import DATASET, Pool, PoolProblem
from fuzz.targets.libzpool.salt import SaltWriter
from fuzz.targets.libzpool.world import FUNCTIONS, World
from zapcore.user_accounting import KINDS, LONG, special_number

DMU_OST_ZFS = 2
"""The type of object sets with accounting; those without are of another."""
DMU_OT_USERGROUP_USED = 39
DMU_OT_ZNODE = 17
"""The type of the bonus of objects that have an owner: its three ids, 64 bits each."""
DMU_OT_PLAIN_FILE_CONTENTS = 19
BONUS_BYTES = 24
BLOCK, BLOCKS = 512, 3
NOISE = random.Random(1).randbytes(BLOCK * BLOCKS)
"""What is written to objects: no compression makes it smaller."""
EVERYBODY = 7

_Info = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
"""file_info_cb_t."""
_Make = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
"""dmu_objset_create_sync_func_t."""


def _owner(kind: int, bonus: int | None, info: int) -> int:
    """Who owns an object, as zpl_get_file_info() says it: ENOENT for nobody, EEXIST for who did before."""
    if kind != DMU_OT_ZNODE:
        return errno.ENOENT
    if not bonus:
        return errno.EEXIST
    ctypes.memmove(info, bonus, BONUS_BYTES)
    return 0


class Accounts:
    """Makes object sets with accounting on a pool, and lets the pool work on them."""

    def __init__(self, pool: Pool, salts: SaltWriter) -> None:
        self._pool, self._salts = pool, salts
        self._made = 0
        self._info = _Info(_owner)  # the library keeps its address

    def enter(self, zaps: Sequence[Zap]) -> None:
        """Let the pool's object set be a new one with accounting. Nothing may be in flight. Raises
        PoolProblem."""
        pool, lib = self._pool, self._pool.lib
        if not self._made:
            # one list of dirty objects, and so one order in which they are accounted for
            lib.tune("zfs_multilist_num_sublists", 1, ctypes.c_int)
            lib.dmu_objset_register_type(DMU_OST_ZFS, self._info)
        self._made += 1
        name = b"%s/%d" % (pool.name, self._made)
        kept = {zap.usage: zap for zap in zaps if zap.usage}
        shift = ctypes.c_int.in_dll(lib.handle, "fzap_default_block_shift")
        shift.value = next(iter(kept.values())).leaf_shift
        wrong: list[Exception] = []

        def make(objset: int, _: int, __: int, tx: int) -> None:
            try:
                for kind in KINDS:
                    self._claim(objset, kind, kept.get(kind, Zap("", fat=False)), tx)
            except Exception as problem:
                wrong.append(problem)

        if error := lib.dmu_objset_create(name, DMU_OST_ZFS, 0, None, _Make(make), None):
            raise PoolProblem(f"dmu_objset_create: {os.strerror(error)}")
        if wrong:
            raise PoolProblem(str(wrong[0])) from wrong[0]
        pool.use(name, DMU_OST_ZFS, self._info)
        lib.dmu_objset_evict_dbufs(pool.os)

    def leave(self) -> None:
        """Let the pool's object set be the usual one again. Nothing may be in flight."""
        if self._pool.dataset != DATASET:
            self._pool.use(DATASET)

    def _claim(self, objset: int, kind: int, shape: Zap, tx: int) -> None:
        lib, number = self._pool.lib, special_number(kind)
        if error := lib.zap_create_claim(objset, number, DMU_OT_USERGROUP_USED, 0, 0, tx):
            raise PoolProblem(f"zap_create_claim: {os.strerror(error)}")
        self._salts.write(objset, number, shape.salt, False, tx)
        if shape.fat:
            lib.zap_add(objset, number, LONG, 8, 1, bytes(8), tx)
            lib.zap_remove(objset, number, LONG, tx)


def _each(world: World, op: Call, there: bool, change: Callable[[World, Call, int], None]) -> Answer:
    """Change the objects of an op that are there, or those that are not; how many these are, or an errno."""
    if not world.keeps_usage:
        return errno.ENOTSUP
    numbers = range(op.length, op.length + op.size)
    chosen = [number for number in numbers if (number in world.owned) is there]
    for number in chosen:
        change(world, op, number)
    return (0, len(chosen)) if chosen else errno.ENOENT if there else errno.EEXIST


def _assign(world: World, tx: int) -> int:
    if error := world.lib.dmu_tx_assign(tx, world.assign):
        world.no_room(tx, error)
    return tx


def _write_owner(world: World, op: Call, number: int, tx: int) -> None:
    """Put the ids of an op into an object's bonus."""
    bonus = ctypes.c_void_p()
    world.lib.dmu_bonus_hold(world.os, world.owned[number], world.pool.tag, ctypes.byref(bonus))
    dbuf = bonus.value
    assert dbuf is not None
    world.lib.dmu_buf_will_dirty(dbuf, tx)
    ids = (ctypes.c_uint64 * 3).from_address(world.salts.data_of(dbuf))
    for place in range(3):
        if (op.extra or EVERYBODY) >> place & 1:
            ids[place] = (op.fill + number - op.length) & U64
    world.lib.dmu_buf_rele(dbuf, world.pool.tag)


def _allocate(world: World, op: Call, number: int) -> None:
    lib = world.lib
    tx = lib.dmu_tx_create(world.os)
    lib.dmu_tx_hold_bonus(tx, DMU_NEW_OBJECT)
    _assign(world, tx)
    chosen = world.pool.fresh_object()
    if lib.dmu_object_claim(
        *(world.os, chosen, DMU_OT_PLAIN_FILE_CONTENTS, BLOCK, DMU_OT_ZNODE, BONUS_BYTES, tx)
    ):
        raise PoolProblem(f"object {chosen} is not free")
    world.owned[number] = chosen
    _write_owner(world, op, number, tx)
    lib.dmu_tx_commit(tx)


def _chown(world: World, op: Call, number: int) -> None:
    lib = world.lib
    tx = lib.dmu_tx_create(world.os)
    lib.dmu_tx_hold_bonus(tx, world.owned[number])
    _write_owner(world, op, number, _assign(world, tx))
    lib.dmu_tx_commit(tx)


def _free(world: World, op: Call, number: int) -> None:
    lib, gone = world.lib, world.owned.pop(number)
    tx = lib.dmu_tx_create(world.os)
    lib.dmu_tx_hold_free(tx, gone, 0, DMU_OBJECT_END)
    lib.dmu_object_free(world.os, gone, _assign(world, tx))
    lib.dmu_tx_commit(tx)


def _resize(world: World, op: Call, number: int) -> None:
    lib, chosen, size = world.lib, world.owned[number], BLOCK * op.fill
    tx = lib.dmu_tx_create(world.os)
    if size:
        lib.dmu_tx_hold_write(tx, chosen, 0, size)
    lib.dmu_tx_hold_free(tx, chosen, size, DMU_OBJECT_END)
    _assign(world, tx)
    if size:
        lib.dmu_write(world.os, chosen, 0, size, NOISE, tx, 0)
    if op.fill < BLOCKS:
        lib.dmu_free_range(world.os, chosen, size, BLOCK * BLOCKS - size, tx)
    lib.dmu_tx_commit(tx)


@FUNCTIONS.of("allocate")
def do_allocate(world: World, op: Call) -> Answer:
    """dmu_object_alloc(), with the owner in the bonus."""
    return _each(world, op, False, _allocate)


@FUNCTIONS.of("chown")
def do_chown(world: World, op: Call) -> Answer:
    """What zfs_setattr() does for accounting: other ids in the bonus."""
    return _each(world, op, True, _chown)


@FUNCTIONS.of("free")
def do_free(world: World, op: Call) -> Answer:
    """dmu_object_free()."""
    return _each(world, op, True, _free)


@FUNCTIONS.of("resize")
def do_resize(world: World, op: Call) -> Answer:
    """dmu_write() and dmu_free_range()."""
    return _each(world, op, True, _resize)
