"""Verbs on the entries of a ZAP, as calls of the library: one that modifies is a transaction of its own."""

from __future__ import annotations

import array
import ctypes
import errno
from collections.abc import Callable

from fuzz.language.program import value_bytes
from fuzz.targets.base import Found
from fuzz.targets.libzpool.wire import WireOp, pack_result
from fuzz.targets.libzpool.world import BUFFER_BYTES, PLAIN, Object, World

STATS_NUMBERS = 63
"""Of 64 bits each: zap_stats_t."""
_NAME_BYTES = 2048
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


class Entries(World):
    """The verbs that have a ZAP for a target, but for those of directories."""

    def _store(self, op: WireOp, named: Callable[..., int], binary: Callable[..., int]) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return PLAIN[errno.ENOENT]
        number, words = zap.number, zap.shape.words
        value = quick_value(op.size, op.length, op.fill)
        tx = self._begin_tx(number, 1)
        if words:
            error = binary(self.os, number, op.key, words, op.size, op.length, value, tx)
        else:
            error = named(self.os, number, op.key, op.size, op.length, value, tx)
        self.lib.dmu_tx_commit(tx)
        return PLAIN[error]

    def _add(self, op: WireOp) -> bytes:
        return self._store(op, self.lib.zap_add, self.lib.zap_add_uint64)

    def _update(self, op: WireOp) -> bytes:
        return self._store(op, self.lib.zap_update, self.lib.zap_update_uint64)

    def _remove(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return PLAIN[errno.ENOENT]
        tx = self._begin_tx(zap.number, 0)
        if words := zap.shape.words:
            error: int = self.lib.zap_remove_uint64(self.os, zap.number, op.key, words, tx)
        else:
            error = self.lib.zap_remove(self.os, zap.number, op.key, tx)
        self.lib.dmu_tx_commit(tx)
        return PLAIN[error]

    def _lookup(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return PLAIN[errno.ENOENT]
        count, at = op.size * op.length, self._at
        ctypes.memset(at, 0, count)
        if words := zap.shape.words:
            error: int = self.lib.zap_lookup_uint64(
                self.os, zap.number, op.key, words, op.size, op.length, at
            )
        else:
            error = self.lib.zap_lookup(self.os, zap.number, op.key, op.size, op.length, at)
        if error not in (0, errno.EOVERFLOW):
            return PLAIN[error]
        return pack_result(error, ctypes.string_at(at, count).rstrip(b"\0"))

    def _length(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return PLAIN[errno.ENOENT]
        size = ctypes.addressof(self._two)
        if words := zap.shape.words:
            error: int = self.lib.zap_length_uint64(self.os, zap.number, op.key, words, size, size + 8)
        else:
            error = self.lib.zap_length(self.os, zap.number, op.key, size, size + 8)
        return PLAIN[error] if error else pack_result(0, (self._two[0], self._two[1]))

    def _count(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return PLAIN[errno.ENOENT]
        error: int = self.lib.zap_count(self.os, zap.number, ctypes.addressof(self._two))
        return PLAIN[error] if error else pack_result(0, self._two[0])

    def _destroy(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        return PLAIN[errno.ENOENT if zap is None else self._unmake(zap)]

    def _create(self, op: WireOp) -> bytes:
        zap = self._zaps[op.target]
        if zap.number:
            return PLAIN[errno.EEXIST]
        self._make(zap)
        return PLAIN[0]

    def _contains(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return PLAIN[errno.ENOENT]
        if words := zap.shape.words:
            error: int = self.lib.zap_lookup_uint64(self.os, zap.number, op.key, words, 0, 0, None)
            return PLAIN[0 if error in (errno.EINVAL, errno.EOVERFLOW) else error]
        error = self.lib.zap_contains(self.os, zap.number, op.key)
        return PLAIN[error]

    def _increment(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return PLAIN[errno.ENOENT]
        tx = self._begin_tx(zap.number, 1)
        if zap.shape.words:
            error = self._increment_words(zap, op, tx)
        else:
            error = self.lib.zap_increment(self.os, zap.number, op.key, op.fill, tx)
        self.lib.dmu_tx_commit(tx)
        return PLAIN[error]

    def _increment_words(self, zap: Object, op: WireOp, tx: int) -> int:
        """What zap_increment() does, with the calls for keys of words: OpenZFS has none for these."""
        lib, words, at = self.lib, zap.shape.words, self._at
        if not op.fill:
            return 0
        ctypes.memset(at, 0, 8)
        error: int = lib.zap_lookup_uint64(self.os, zap.number, op.key, words, 8, 1, at)
        if error not in (0, errno.ENOENT):
            return error
        value = (int.from_bytes(ctypes.string_at(at, 8), "little") + op.fill) & ((1 << 64) - 1)
        if not value:
            error = lib.zap_remove_uint64(self.os, zap.number, op.key, words, tx)
        else:
            data = value.to_bytes(8, "little")
            error = lib.zap_update_uint64(self.os, zap.number, op.key, words, 8, 1, data, tx)
        return error

    def _search(self, op: WireOp) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return PLAIN[zap]
        # 2.1 does not have the last argument, and does not look at it
        error: int = self.lib.zap_value_search(self.os, zap.number, op.fill, op.extra, self._at, BUFFER_BYTES)
        return PLAIN[error] if error else pack_result(0, ctypes.string_at(self._at))

    def _stats(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return PLAIN[errno.ENOENT]
        numbers = (ctypes.c_uint64 * STATS_NUMBERS)()
        error: int = self.lib.zap_get_stats(self.os, zap.number, ctypes.addressof(numbers))
        return PLAIN[error] if error else pack_result(0, tuple(numbers))

    def _lookup_norm(self, op: WireOp) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return PLAIN[zap]
        count, at = op.size * op.length, self._at
        ctypes.memset(at, 0, count)
        name, conflict = ctypes.create_string_buffer(_NAME_BYTES), ctypes.c_int(0)
        error: int = self.lib.zap_lookup_norm(
            self.os,
            zap.number,
            op.key,
            op.size,
            op.length,
            at,
            op.extra,
            ctypes.addressof(name),
            _NAME_BYTES,
            ctypes.addressof(conflict),
        )
        if error not in (0, errno.EOVERFLOW):
            return PLAIN[error]
        value = ctypes.string_at(at, count).rstrip(b"\0")
        return pack_result(error, Found(value, name.value, bool(conflict.value)))

    def _remove_norm(self, op: WireOp) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return PLAIN[zap]
        tx = self._begin_tx(zap.number, 0)
        error: int = self.lib.zap_remove_norm(self.os, zap.number, op.key, op.extra, tx)
        self.lib.dmu_tx_commit(tx)
        return PLAIN[error]
