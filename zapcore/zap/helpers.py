"""Operations that OpenZFS composes of the ZAP's other operations (the end of module/zfs/zap.c)."""

from __future__ import annotations

import errno
from collections.abc import Callable

from zapcore import zap
from zapcore.dmu.objset import Objset, Tx
from zapcore.errors import ZapErrno, openzfs
from zapcore.zap.cursor import Attribute, Cursor
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
def value_search(objset: Objset, number: int, value: int, mask: int, room: int = 0) -> Key:
    """The first key, in the order of hashes, of an entry whose first integer has the bits of `value`. Only
    bits of `mask` are compared, or all bits if it is 0. Raises ENOENT; ENAMETOOLONG if it does not fit into
    `room` bytes (0: any fits), of which releases without long names are not told; and what a read gives.
    Where a cursor finds its ZAP when it is started, nobody looks at the errno of that, and the cursor says
    EIO whatever it was."""
    mask = mask or U64
    try:
        cursor = Cursor(objset, number)
    except ZapErrno:
        raise ZapErrno(errno.EIO) from None
    try:
        found = cursor.retrieve()
        while found.first & mask != value & mask:
            cursor.advance()
            found = cursor.retrieve()
    except ZapErrno:
        cursor.close()
        raise
    cursor.close()
    if room and objset.release.long_names and len(found.key) >= room:
        raise ZapErrno(errno.ENAMETOOLONG)
    return found.key


def digits(number: int) -> bytes:
    """The name of an integer that is a key (zap_add_int and its kin)."""
    return b"%x" % number


def _integer(number: int) -> bytes:
    return number.to_bytes(8, "little")


@openzfs("zap.c", "zap_add_int")
def add_int(objset: Objset, number: int, value: int, tx: Tx) -> None:
    """Add an integer, which is its own value. Raises what `zap.add` raises."""
    zap.add(objset, number, digits(value), 8, 1, _integer(value), tx)


@openzfs("zap.c", "zap_add_int_key")
def add_int_key(objset: Objset, number: int, key: int, value: int, tx: Tx) -> None:
    """Add an integer with a value. Raises what `zap.add` raises."""
    zap.add(objset, number, digits(key), 8, 1, _integer(value), tx)


@openzfs("zap.c", "zap_update_int_key")
def update_int_key(objset: Objset, number: int, key: int, value: int, tx: Tx) -> None:
    """Give an integer a value. Raises what `zap.update` raises."""
    zap.update(objset, number, digits(key), 8, 1, _integer(value), tx)


@openzfs("zap.c", "zap_remove_int")
def remove_int(objset: Objset, number: int, value: int, tx: Tx) -> None:
    """Remove an integer. Raises ENOENT."""
    zap.remove(objset, number, digits(value), tx)


@openzfs("zap.c", "zap_lookup_int")
def lookup_int(objset: Objset, number: int, value: int) -> None:
    """Whether an integer is there. Raises what `zap.lookup` raises, and EOVERFLOW for a longer value."""
    lookup_int_key(objset, number, value)


@openzfs("zap.c", "zap_lookup_int_key")
def lookup_int_key(objset: Objset, number: int, key: int) -> int:
    """The value of an integer. Raises what `zap.lookup` raises, and EOVERFLOW for a longer value."""
    value, more = zap.lookup(objset, number, digits(key), 8, 1)
    if more:
        raise ZapErrno(errno.EOVERFLOW)
    return int.from_bytes(value, "little")


@openzfs("zap.c", "zap_increment_int")
def increment_int(objset: Objset, number: int, key: int, delta: int, tx: Tx) -> None:
    """`increment` of an integer's value."""
    increment(objset, number, digits(key), delta, tx)


def _join(objset: Objset, source: int, put: Callable[[Attribute], None]) -> None:
    """Give `put` each entry of a ZAP. Raises EINVAL at one that is not a single integer of 64 bits. An errno
    of the cursor is taken for the end of the entries."""
    cursor = Cursor(objset, source)
    try:
        while True:
            try:
                entry = cursor.retrieve()
            except ZapErrno:
                return
            if entry.size != 8 or entry.length != 1:
                raise ZapErrno(errno.EINVAL)
            put(entry)
            cursor.advance()
    finally:
        cursor.close()


@openzfs("zap.c", "zap_join")
def join(objset: Objset, source: int, target: int, tx: Tx) -> None:
    """Add the entries of a ZAP to another. Raises EINVAL, and what `zap.add` raises."""
    _join(objset, source, lambda entry: zap.add(objset, target, entry.key, 8, 1, _integer(entry.first), tx))


@openzfs("zap.c", "zap_join_key")
def join_key(objset: Objset, source: int, target: int, value: int, tx: Tx) -> None:
    """Add the keys of a ZAP to another, with this value. Raises EINVAL, and what `zap.add` raises."""
    _join(objset, source, lambda entry: zap.add(objset, target, entry.key, 8, 1, _integer(value), tx))


@openzfs("zap.c", "zap_join_increment")
def join_increment(objset: Objset, source: int, target: int, tx: Tx) -> None:
    """Add the integers of a ZAP to those that another has of the same keys, modulo 2^64; a sum of zero stays.
    Raises EINVAL, and what `zap.lookup` and `zap.update` raise."""

    def put(entry: Attribute) -> None:
        value = 0
        try:
            data, more = zap.lookup(objset, target, entry.key, 8, 1)
            if more:
                raise ZapErrno(errno.EOVERFLOW)
            value = int.from_bytes(data, "little")
        except ZapErrno as error:
            if error.code != errno.ENOENT:
                raise
        total = (value + entry.first) & U64
        zap.update(objset, target, entry.key, 8, 1, _integer(total), tx)

    _join(objset, source, put)
