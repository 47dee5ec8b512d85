"""Operations that OpenZFS composes of the ZAP's other operations (the end of module/zfs/zap.c)."""

from __future__ import annotations

import errno

from zapcore import zap
from zapcore.dmu.objset import Objset, Tx
from zapcore.errors import ZapErrno, openzfs
from zapcore.zap.cursor import Cursor
from zapcore.zap.name import Key

U64 = (1 << 64) - 1


@openzfs("zap_micro.c", "zap_contains", words=("zap_lookup_uint64",))
def contains(objset: Objset, number: int, key: Key) -> None:
    """Look whether an entry is there, without reading its value. Raises ENOENT, ENAMETOOLONG."""
    try:
        zap.lookup_norm(objset, number, key, 0, 0, 0)
    except ZapErrno as error:
        if error.code not in (errno.EOVERFLOW, errno.EINVAL):
            raise


@openzfs("zap.c", "zap_increment", words=())
def increment(objset: Objset, number: int, key: Key, delta: int, tx: Tx) -> None:
    """Add to the 64-bit integer of an entry, modulo 2^64. The entry is made if it is not there, and removed
    if the sum is zero. OpenZFS has this for names only; for words the same operations are called.

    Raises EOVERFLOW if the value has more integers, and what lookup, update and remove raise.
    """
    if delta == 0:
        return
    value = 0
    try:
        data, more = zap.lookup(objset, number, key, 8, 1)
        if more:
            raise ZapErrno(errno.EOVERFLOW)
        value = int.from_bytes(data, "little")
    except ZapErrno as error:
        if error.code != errno.ENOENT:
            raise
    value = (value + delta) & U64
    if value == 0:
        zap.remove(objset, number, key, tx)
    else:
        zap.update(objset, number, key, 8, 1, value.to_bytes(8, "little"), tx)


@openzfs("zap.c", "zap_value_search")
def value_search(objset: Objset, number: int, value: int, mask: int) -> Key:
    """The first key, in the order of hashes, of an entry whose first integer has the bits of `value`. Only
    bits of `mask` are compared, or all bits if it is 0. Raises ENOENT."""
    mask = mask or U64
    cursor = Cursor(objset, number)
    try:
        found = cursor.retrieve()
        while found.first & mask != value & mask:
            cursor.advance()
            found = cursor.retrieve()
    except ZapErrno:
        cursor.close()
        raise
    cursor.close()
    return found.key
