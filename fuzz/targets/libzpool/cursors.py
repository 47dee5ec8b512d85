"""Verbs on cursors."""

from __future__ import annotations

import ctypes
import errno

from fuzz.targets.base import Entry
from fuzz.targets.libzpool.abi import Attribute
from fuzz.targets.libzpool.entries import Entries
from fuzz.targets.libzpool.pool import Pool
from fuzz.targets.libzpool.salt import SaltWriter
from fuzz.targets.libzpool.wire import WireOp, pack_result
from fuzz.targets.libzpool.world import PLAIN

CURSOR_BYTES = 4096


class Cursor:
    """A zap_cursor_t in place, and whether something was retrieved through it."""

    __slots__ = ("address", "memory", "moved", "words")

    def __init__(self) -> None:
        self.memory = ctypes.create_string_buffer(CURSOR_BYTES)
        self.address = ctypes.addressof(self.memory)
        self.moved = False
        self.words = 0


class Cursors(Entries):
    """The program's cursors, by number; closed ones are used again."""

    def __init__(self, pool: Pool, salts: SaltWriter) -> None:
        super().__init__(pool, salts)
        self._cursors: dict[int, Cursor] = {}
        self._spare: list[Cursor] = []

    def _drop(self, index: int) -> None:
        cursor = self._cursors.pop(index, None)
        if cursor is not None:
            self.lib.zap_cursor_fini(cursor.address)
            self._spare.append(cursor)

    def _cursor(self, op: WireOp) -> bytes:
        self._drop(op.target)
        zap = self._live(op.other)
        if zap is None:
            return PLAIN[errno.ENOENT]
        cursor = self._spare.pop() if self._spare else Cursor()
        cursor.moved, cursor.words = False, zap.shape.words
        error: int = self.lib.zap_cursor_init_serialized(cursor.address, self.os, zap.number, op.fill)
        if error and self.lib.cursors_hold:
            self._spare.append(cursor)
            return PLAIN[error]
        self._cursors[op.target] = cursor
        return PLAIN[0]

    def _entry(self, cursor: Cursor) -> bytes:
        error: int = self.lib.zap_cursor_retrieve(cursor.address, self._attribute)
        if error:
            return PLAIN[error]
        cursor.moved = True
        found = Attribute.from_address(self._attribute)
        name = self._attribute + self.lib.named_at
        key = ctypes.string_at(name, 8 * cursor.words) if cursor.words else ctypes.string_at(name)
        entry = Entry(
            key, found.integer_length, found.num_integers, found.first_integer, bool(found.conflict)
        )
        return pack_result(0, entry)

    def _next(self, op: WireOp) -> bytes:
        cursor = self._cursors.get(op.target)
        if cursor is None:
            return PLAIN[errno.EBADF]
        if cursor.moved:
            self.lib.zap_cursor_advance(cursor.address)
        return self._entry(cursor)

    def _retrieve(self, op: WireOp) -> bytes:
        cursor = self._cursors.get(op.target)
        return PLAIN[errno.EBADF] if cursor is None else self._entry(cursor)

    def _close(self, op: WireOp) -> bytes:
        if op.target not in self._cursors:
            return PLAIN[errno.EBADF]
        self._drop(op.target)
        return PLAIN[0]

    def _advance(self, op: WireOp) -> bytes:
        cursor = self._cursors.get(op.target)
        if cursor is None:
            return PLAIN[errno.EBADF]
        self.lib.zap_cursor_advance(cursor.address)
        return PLAIN[0]

    def _serialize(self, op: WireOp) -> bytes:
        cursor = self._cursors.get(op.target)
        if cursor is None:
            return PLAIN[errno.EBADF]
        return pack_result(0, self.lib.zap_cursor_serialize(cursor.address))
