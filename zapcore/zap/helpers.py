"""What the kernel builds from the ZAP's own operations (the end of module/zfs/zap.c)."""

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
    """Look an entry up and leave its value alone. Raises ENOENT, ENAMETOOLONG."""
    try:
        zap.lookup_norm(objset, number, key, 0, 0, 0)
    except ZapErrno as error:
        if error.code not in (errno.EOVERFLOW, errno.EINVAL):
            raise


@openzfs("zap.c", "zap_increment", words=())
def increment(objset: Objset, number: int, key: Key, delta: int, tx: Tx) -> None:
    """Add to an entry's one 64-bit integer, made if it is not there, removed at zero (modulo 2^64). OpenZFS
    has this for names only; with words it is the same calls.

    Raises EOVERFLOW for a value of more integers, and what lookup, update and remove raise.
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
    """The first name, in the order of hashes, whose first integer agrees with `value` under `mask` (0: all
    bits). Raises ENOENT."""
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
