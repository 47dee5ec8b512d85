"""Verbs on directories: the calls that zfs_vnops_os.c and zfs_dir.c make of the ZAP.

An entry's value has its kind in the top four bits (ZFS_DIRENT_MAKE). There are no znodes: whether a directory
is empty is not asked.
"""

from __future__ import annotations

import ctypes
import errno

from fuzz.targets.libzpool.abi import Attribute
from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.world import FUNCTIONS, Cursor, Object, World
from zapcore.zap.name import LONG_NAME, MAX_NAME

KIND_SHIFT = 60
DIRECTORY, FILE = 4 << KIND_SHIFT, 8 << KIND_SHIFT
"""ZFS_DIRENT_MAKE (include/sys/zfs_znode.h): DT_DIR and DT_REG in the top bits of an entry."""


def _too_long(world: World, name: bytes) -> bool:
    """Whether zpl_lookup() refuses a name (with longname=on where the library knows of that)."""
    return len(name) >= (LONG_NAME if world.lib.has_attribute_alloc else MAX_NAME)


def _look(world: World, zap: Object, name: bytes) -> tuple[int, int]:
    """errno and first integer of a directory's entry, as zfs_match_find() has them."""
    if _too_long(world, name):
        return errno.ENAMETOOLONG, 0
    world.two[0] = 0
    error: int = world.lib.zap_lookup(world.os, zap.number, name, 8, 1, world.two_at)
    return 0 if error == errno.EOVERFLOW else error, world.two[0]


def _link(world: World, zap: Object, name: bytes, value: int, tx: int) -> int:
    data = value.to_bytes(8, "little")
    error: int = world.lib.zap_add(world.os, zap.number, name, 8, 1, data, tx)
    return error


def _make_entry(world: World, op: Call, kind: int) -> Answer:
    """zfs_create(), zfs_mkdir()."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    error, _ = _look(world, zap, op.key)
    if error != errno.ENOENT:
        return error or errno.EEXIST
    tx = world.begin_tx(zap.number, 1)
    error = _link(world, zap, op.key, kind | op.fill, tx)
    world.lib.dmu_tx_commit(tx)
    return error


@FUNCTIONS.of("touch")
def do_touch(world: World, op: Call) -> Answer:
    """zfs_create()."""
    return _make_entry(world, op, FILE)


@FUNCTIONS.of("mkdir")
def do_mkdir(world: World, op: Call) -> Answer:
    """zfs_mkdir()."""
    return _make_entry(world, op, DIRECTORY)


def _drop_entry(world: World, op: Call, directory: bool, otherwise: int) -> Answer:
    """zfs_remove(), zfs_rmdir()."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    error, value = _look(world, zap, op.key)
    if error:
        return error
    if (value >> KIND_SHIFT == DIRECTORY >> KIND_SHIFT) is not directory:
        return otherwise
    tx = world.begin_tx(zap.number, 0)
    failed: int = world.lib.zap_remove(world.os, zap.number, op.key, tx)
    world.lib.dmu_tx_commit(tx)
    return failed


@FUNCTIONS.of("unlink")
def do_unlink(world: World, op: Call) -> Answer:
    """zfs_remove()."""
    return _drop_entry(world, op, False, errno.EPERM)


@FUNCTIONS.of("rmdir")
def do_rmdir(world: World, op: Call) -> Answer:
    """zfs_rmdir()."""
    return _drop_entry(world, op, True, errno.ENOTDIR)


@FUNCTIONS.of("rename")
def do_rename(world: World, op: Call) -> Answer:
    """zfs_rename()."""
    source, target = world.named(op.subject), world.named(op.other)
    if isinstance(source, int):
        return source
    if isinstance(target, int):
        return target
    missing, value = _look(world, source, op.key)
    if missing not in (0, errno.ENOENT):
        return missing
    error, there = _look(world, target, op.to)
    if error not in (0, errno.ENOENT):
        return error
    if missing:
        return missing
    if source is target and op.key == op.to:
        return 0
    moving, hit = (each >> KIND_SHIFT == DIRECTORY >> KIND_SHIFT for each in (value, there))
    if not error and moving is not hit:
        return errno.ENOTDIR if moving else errno.EISDIR
    return _move(world, source, target, op, value, replace=not error)


def _move(world: World, source: Object, target: Object, op: Call, value: int, *, replace: bool) -> int:
    """What has the new name goes, the new entry comes, the old one goes, in one transaction; since 2.2 the
    old one goes first."""
    lib = world.lib
    tx: int = lib.dmu_tx_create(world.os)
    lib.dmu_tx_hold_zap(tx, source.number, 0, None)
    lib.dmu_tx_hold_zap(tx, target.number, 1, None)
    if error := lib.dmu_tx_assign(tx, world.assign):
        world.no_room(tx, error)
    # zfs_rename() is not in the library; block cloning came with the same release as its order, 2.2
    first = lib.has_block_cloning
    failed: int = _unlink_name(world, source, op.key, tx) if first else 0
    if replace:
        failed = failed or _unlink_name(world, target, op.to, tx)
    if not failed:
        world.tune_for(target)
        failed = _link(world, target, op.to, value, tx)
        if failed and first:  # as the target is tuned: whoever renames sets no tunable in between
            _link(world, source, op.key, value, tx)
    if not first:
        failed = failed or _unlink_name(world, source, op.key, tx)
    lib.dmu_tx_commit(tx)
    return failed


def _unlink_name(world: World, zap: Object, name: bytes, tx: int) -> int:
    world.tune_for(zap)
    error: int = world.lib.zap_remove(world.os, zap.number, name, tx)
    return error


@FUNCTIONS.of("readdir")
def do_readdir(world: World, op: Call) -> Answer:
    """zfs_readdir(): all names, each with a NUL behind it."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    cursor = world.spare.pop() if world.spare else Cursor()
    lib, names, bad = world.lib, [], False
    error: int = lib.zap_cursor_init(cursor.address, world.os, zap.number)
    if error and lib.cursors_hold:
        world.spare.append(cursor)
        return 0 if error == errno.ENOENT else error
    found = Attribute.from_address(world.attribute)
    while not bad and not (error := lib.zap_cursor_retrieve(cursor.address, world.attribute)):
        bad = found.integer_length != 8 or found.num_integers == 0
        names.append(ctypes.string_at(world.attribute + lib.named_at) + b"\0")
        lib.zap_cursor_advance(cursor.address)
    lib.zap_cursor_fini(cursor.address)
    world.spare.append(cursor)
    if bad:
        return errno.ENXIO
    return (0, b"".join(names)) if error == errno.ENOENT else error
