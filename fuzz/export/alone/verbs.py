"""The verbs on entries and cursors, as methods of the exported script's World."""

from __future__ import annotations

import ctypes
import errno
from typing import Any

from fuzz.export.alone.world import ZAPS, World


class Verbs(World):
    # @part@
    def call(self, function: str, name: str, key: Any, *arguments: Any) -> int:
        """A ZAP function, or its _uint64 form, on a live ZAP."""
        if name not in self.numbers:
            return errno.ENOENT
        fat, _, _, shift, words, _ = ZAPS[name]
        if not fat:
            ctypes.c_int.in_dll(self.lib, "fzap_default_block_shift").value = shift
        if words:
            key = (ctypes.c_uint64 * words)(*key)
            error = getattr(self.lib, function + "_uint64")(
                self.os, self.numbers[name], key, words, *arguments
            )
        else:
            error = getattr(self.lib, function)(self.os, self.numbers[name], key, *arguments)
        return int(error)

    def write(self, function: str, name: str, key: Any, size: int, length: int, fill: int) -> int:
        """Integer k of the value is fill + k."""
        mask = (1 << 8 * size) - 1
        value = b"".join((fill + k & mask).to_bytes(size, "little") for k in range(length))
        return self.change(function, name, key, 1, size, length, value)

    def change(self, function: str, name: str, key: Any, add: int, *arguments: Any) -> int:
        if name not in self.numbers:
            return errno.ENOENT
        tx = self.begin(self.numbers[name], add)
        error = self.call(function, name, key, *arguments, tx)
        self.lib.dmu_tx_commit(tx)
        return error

    def add(self, name: str, key: Any, size: int, length: int, fill: int) -> int:
        return self.write("zap_add", name, key, size, length, fill)

    def update(self, name: str, key: Any, size: int, length: int, fill: int) -> int:
        return self.write("zap_update", name, key, size, length, fill)

    def remove(self, name: str, key: Any) -> int:
        return self.change("zap_remove", name, key, 0)

    def lookup(self, name: str, key: Any, size: int, length: int) -> int:
        buffer = ctypes.create_string_buffer(max(size * length, 1))
        error = self.call("zap_lookup", name, key, size, length, buffer)
        self.value = buffer.raw[: size * length].rstrip(b"\0")
        return error

    def length(self, name: str, key: Any) -> int:
        two = (ctypes.c_uint64 * 2)()
        return self.call("zap_length", name, key, ctypes.byref(two), ctypes.byref(two, 8))

    def count(self, name: str) -> int:
        if name not in self.numbers:
            return errno.ENOENT
        found = ctypes.c_uint64()
        return int(self.lib.zap_count(self.os, self.numbers[name], ctypes.byref(found)))

    def contains(self, name: str, key: Any) -> int:
        if name not in self.numbers:
            return errno.ENOENT
        if not ZAPS[name][4]:
            return self.call("zap_contains", name, key)
        error = self.call("zap_lookup", name, key, 0, 0, None)
        return 0 if error in (errno.EINVAL, errno.EOVERFLOW) else error

    def increment(self, name: str, key: Any, fill: int) -> int:
        """Keys of words have no zap_increment(): what it does, with their calls."""
        if name not in self.numbers or not ZAPS[name][4]:
            return self.change("zap_increment", name, key, 1, fill)
        number = ctypes.c_uint64(0)
        error = self.call("zap_lookup", name, key, 8, 1, ctypes.byref(number)) if fill else 0
        if not fill or error not in (0, errno.ENOENT):
            return error
        number.value += fill
        return self.update(name, key, 8, 1, number.value) if number.value else self.remove(name, key)

    def named(self, name: str) -> int:
        """Keys of words have not every call."""
        return errno.ENOENT if name not in self.numbers else errno.ENOTSUP if ZAPS[name][4] else 0

    def search(self, name: str, fill: int, mask: int) -> int:
        buffer = ctypes.create_string_buffer(2048)
        return self.named(name) or int(
            self.lib.zap_value_search(self.os, self.numbers[name], fill, mask, buffer, 1024)
        )

    def stats(self, name: str) -> int:
        if name not in self.numbers:
            return errno.ENOENT
        room = ctypes.create_string_buffer(4096)
        return int(self.lib.zap_get_stats(self.os, self.numbers[name], room))

    def lookup_norm(self, name: str, key: Any, size: int, length: int, match: int) -> int:
        buffer = ctypes.create_string_buffer(max(size * length, 1))
        real, conflict = ctypes.create_string_buffer(2048), ctypes.c_int()
        rest = (buffer, match, real, 2048, ctypes.byref(conflict))
        error = self.named(name) or self.call("zap_lookup_norm", name, key, size, length, *rest)
        self.value = buffer.raw[: size * length].rstrip(b"\0")
        return error

    def remove_norm(self, name: str, key: Any, match: int) -> int:
        return self.named(name) or self.change("zap_remove_norm", name, key, 0, match)

    def cursor(self, cursor: str, name: str, start: int) -> int:
        self.close(cursor)
        if name not in self.numbers:
            return errno.ENOENT
        memory = ctypes.create_string_buffer(4096)
        self.lib.zap_cursor_init_serialized(memory, self.os, self.numbers[name], start)
        self.cursors[cursor] = [memory, False]
        return 0

    def retrieve(self, cursor: str) -> int:
        if cursor not in self.cursors:
            return errno.EBADF
        error, _, _ = self.entry(self.cursors[cursor][0])
        self.cursors[cursor][1] |= not error
        return error

    def entry(self, cursor: Any) -> tuple[int, int, int]:
        """zap_cursor_retrieve(): errno, and the entry's integer size and number of integers."""
        room = ctypes.create_string_buffer(4096)
        at = ctypes.addressof(room)
        if hasattr(self.lib, "zap_attribute_long_alloc"):  # 2.3 and later
            self.lib.zap_attribute_long_alloc.restype = ctypes.c_void_p
            at = self.lib.zap_attribute_long_alloc()
        error = self.lib.zap_cursor_retrieve(cursor, at)
        size, count = ctypes.c_int.from_address(at).value, ctypes.c_uint64.from_address(at + 8).value
        if hasattr(self.lib, "zap_attribute_long_alloc"):
            self.lib.zap_attribute_free(ctypes.c_void_p(at))
        return error, size, count

    def advance(self, cursor: str) -> int:
        if cursor not in self.cursors:
            return errno.EBADF
        self.lib.zap_cursor_advance(self.cursors[cursor][0])
        return 0

    def serialize(self, cursor: str) -> int:
        if cursor not in self.cursors:
            return errno.EBADF
        self.lib.zap_cursor_serialize(self.cursors[cursor][0])
        return 0

    def next(self, cursor: str) -> int:
        if cursor in self.cursors and self.cursors[cursor][1]:
            self.advance(cursor)
        return self.retrieve(cursor)
