"""The ZAP's public operations, as the kernel calls them (include/sys/zap.h).

Each takes an object set and an object's number, raises `ZapErrno` for an ordinary error and `Panic` when the
world ends. Values are passed and returned as C has them in memory: little-endian integers of `size` bytes.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from zapcore import layout as L
from zapcore.dmu.objset import Objset, Tx
from zapcore.errors import ZapErrno, file_in_model, openzfs
from zapcore.zap import fat, micro
from zapcore.zap.cursor import Attribute, Cursor
from zapcore.zap.name import MATCH_CASE, MATCH_NORMALIZE, Found, Key, Name
from zapcore.zap.zap import FTAG, Zap, lock, lock_dbuf, unlock

__all__ = [
    "MATCH_CASE",
    "MATCH_NORMALIZE",
    "Attribute",
    "Cursor",
    "Found",
    "Key",
    "add",
    "count",
    "create",
    "create_in",
    "destroy",
    "file_in_model",
    "length",
    "lookup",
    "lookup_norm",
    "prefetch",
    "prefetch_object",
    "remove",
    "remove_norm",
    "update",
]

Write = Callable[[Name, int, int, bytes, object, Tx], int]


@openzfs("zap_micro.c", "zap_create_flags")
def create(
    objset: Objset,
    tx: Tx,
    *,
    salt: int,
    flags: int = 0,
    norm: int = 0,
    block_shift: int = 0,
    number: int = 0,
    hash_bits: int = 0,
    indirect_shift: int = 0,
) -> int:
    """Create a ZAP. Returns its object number, which is `number` if that is free.

    With flags, the ZAP is fat from the start, with blocks of 2^block_shift bytes. Without flags it is a micro
    ZAP, of the type that directories have. OpenZFS makes the salt from addresses in memory; here the caller
    gives it. `hash_bits` is how many bits of a hash count, or 0 for what the flags say (see `Objset`).
    `indirect_shift` is log2 of the size of indirect blocks, or 0 for the default.
    """
    dnode = objset.allocate(max(1 << block_shift, 512), tx, number, indirect_shift)
    if hash_bits:
        objset.hash_bits[dnode.number] = hash_bits
    dnode.directory = not flags
    _init(objset, dnode.number, tx, salt, flags, norm)
    return dnode.number


def create_in(objset: Objset, number: int, tx: Tx, *, salt: int) -> None:
    """Make a micro ZAP in an object that is there and empty (zap_create_claim)."""
    _init(objset, number, tx, salt, 0, 0)


@openzfs("zap_micro.c", "mzap_create_impl")
def _init(objset: Objset, number: int, tx: Tx, salt: int, flags: int, norm: int) -> None:
    dnode = objset.dnode(number)
    dbuf = dnode.hold(0, FTAG)
    dbuf.will_dirty(tx)
    q = dbuf.buf.q
    q[L.Q_BLOCK_TYPE] = L.ZBT_MICRO
    q[L.Q_MZ_SALT] = salt
    q[L.Q_MZ_NORMFLAGS] = norm
    if not flags:
        dbuf.rele(FTAG)
        return
    zap = lock_dbuf(dnode, dbuf, FTAG, tx, True, False, False)
    unlock(micro.upgrade(zap, FTAG, tx, flags), FTAG)


@openzfs("zap_micro.c", "zap_destroy")
def destroy(objset: Objset, number: int, tx: Tx) -> None:
    """Free the object. Raises ENOENT."""
    objset.dnode(number).free(tx)


def _name(zap: Zap, key: Key, match: int = 0) -> Name:
    """The key as a name of a ZAP that is locked. If the name has no normal form, unlocks the ZAP and raises
    ENOTSUP."""
    try:
        return Name(zap, key, match)
    except ZapErrno:
        unlock(zap, FTAG)
        raise


def _write(
    objset: Objset,
    number: int,
    key: Key,
    size: int,
    length: int,
    value: bytes,
    tx: Tx,
    to_fat: Write,
    to_micro: Write,
) -> None:
    zap = lock(objset, number, FTAG, tx, True, True, True)
    name = _name(zap, key)
    try:
        code = (to_fat if zap.micro is None else to_micro)(name, size, length, value, FTAG, tx)
    except ZapErrno:
        if name.zap is not None:
            unlock(name.zap, FTAG)
        raise
    if name.zap is not None:
        unlock(name.zap, FTAG)
    if code:
        raise ZapErrno(code)


@openzfs("zap_micro.c", "zap_add", words=("zap_add_uint64",))
def add(objset: Objset, number: int, key: Key, size: int, length: int, value: bytes, tx: Tx) -> None:
    """Add an entry. Raises EEXIST, ENOENT, EINVAL, E2BIG, ENAMETOOLONG, ENOSPC."""
    _add_impl(objset, number, key, size, length, value, tx)


@openzfs("zap_micro.c", "zap_add_impl", words=("zap_add_uint64_impl",))
def _add_impl(objset: Objset, number: int, key: Key, size: int, length: int, value: bytes, tx: Tx) -> None:
    _write(objset, number, key, size, length, value, tx, fat.add, micro.add)


@openzfs("zap_micro.c", "zap_update", words=("zap_update_uint64_impl", "zap_update_uint64"))
def update(objset: Objset, number: int, key: Key, size: int, length: int, value: bytes, tx: Tx) -> None:
    """Add an entry or replace its value. Raises ENOENT, EINVAL, E2BIG, ENAMETOOLONG, ENOSPC."""
    _write(objset, number, key, size, length, value, tx, fat.update, micro.update)


@openzfs("zap_micro.c", "zap_remove", words=("zap_remove_uint64",))
def remove(objset: Objset, number: int, key: Key, tx: Tx) -> None:
    """Remove an entry. Raises ENOENT."""
    remove_norm(objset, number, key, 0, tx)


@openzfs("zap_micro.c", "zap_remove_impl", "zap_remove_norm", words=("zap_remove_uint64_impl",))
def remove_norm(objset: Objset, number: int, key: Key, match: int, tx: Tx) -> None:
    """Remove the first entry that the name matches. Raises ENOENT, ENOTSUP."""
    zap = lock(objset, number, FTAG, tx, True, True, False)
    name = _name(zap, key, match)
    try:
        code = fat.remove(name, tx) if zap.micro is None else micro.remove(name)
    except ZapErrno:
        unlock(zap, FTAG)
        raise
    unlock(zap, FTAG)
    if code:
        raise ZapErrno(code)


@openzfs("zap_micro.c", "zap_lookup", words=("zap_lookup_uint64",))
def lookup(objset: Objset, number: int, key: Key, size: int, length: int) -> tuple[bytes, bool]:
    """The first integers of a value, up to `length` integers of `size` bytes, and whether the value has more
    of them (EOVERFLOW).

    Raises ENOENT, EINVAL, E2BIG, ENAMETOOLONG; and EOVERFLOW if nothing was read, which only a micro ZAP
    does.
    """
    found = lookup_norm(objset, number, key, size, length, 0)
    return found.value, found.more


@openzfs("zap_micro.c", "zap_lookup_impl", "zap_lookup_norm", words=("zap_lookup_uint64_impl",))
def lookup_norm(
    objset: Objset, number: int, key: Key, size: int, length: int, match: int, room: int = 0
) -> Found:
    """The first entry that the name matches. `match` is a sum of the MATCH_ flags. The name that is found is
    cut off where it does not fit into `room` bytes (0: any fits): in a fat ZAP it has no NUL then. Raises
    what `lookup` raises, and ENOTSUP."""
    zap = lock(objset, number, FTAG, None, False, True, False)
    name = _name(zap, key, match)
    find = fat.lookup if zap.micro is None else micro.lookup
    try:
        found = find(name, size, length)
    except ZapErrno:
        unlock(zap, FTAG)
        raise
    unlock(zap, FTAG)
    if found is None:
        raise ZapErrno(errno.ENOENT)
    return found._replace(key=found.key[: room - (find is micro.lookup)]) if room else found


@openzfs("zap_micro.c", "zap_length", words=("zap_length_uint64",))
def length(objset: Objset, number: int, key: Key) -> tuple[int, int]:
    """The size of the value's integers, and how many there are. Raises ENOENT."""
    zap = lock(objset, number, FTAG, None, False, True, False)
    name = _name(zap, key)
    try:
        if zap.micro is None:
            found = fat.length_of(name)
        elif micro.find(name) is None:
            found = None
        else:
            found = (8, 1)
    except ZapErrno:
        unlock(zap, FTAG)
        raise
    unlock(zap, FTAG)
    if found is None:
        raise ZapErrno(errno.ENOENT)
    return found


@openzfs("zap_micro.c", "zap_count")
def count(objset: Objset, number: int) -> int:
    """The number of entries. Raises ENOENT."""
    zap = lock(objset, number, FTAG, None, False, True, False)
    entries = fat.count(zap) if zap.micro is None else len(zap.micro.entries)
    unlock(zap, FTAG)
    return entries


@openzfs("zap_micro.c", "zap_prefetch", words=("zap_prefetch_uint64",))
def prefetch(objset: Objset, number: int, key: Key) -> None:
    """Begin to read the leaf of a key. Whether it can be read is not told. OpenZFS does not ask whether the
    ZAP is fat, and takes a micro one for that. Raises ENOENT, ENOTSUP."""
    zap = lock(objset, number, FTAG, None, False, True, False)
    fat.prefetch(_name(zap, key))
    unlock(zap, FTAG)


@openzfs("zap_micro.c", "zap_prefetch_object")
def prefetch_object(objset: Objset, number: int) -> None:
    """Read every block of an object into the ARC; dbufs stay as they are. Raises ENOENT, and ENOTSUP in
    releases without it."""
    objset.dnode(number)
    if not objset.release.prefetches_objects:
        raise ZapErrno(errno.ENOTSUP)
