"""@story@"""

# Needs Python 3.9 or later on Linux, and a libzpool:
#     python3 reproducer.py /usr/lib/x86_64-linux-gnu/libzpool.so.6
# Ends with status 0 if everything was as it should be, 1 if not; a failed assertion of the library aborts it.

from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

# @declarations@
ZAPS: dict[str, tuple[bool, int, int, int, int, int]] = {}
PROGRAM: list[tuple[str, tuple[Any, ...], int | None, tuple[bytes, str] | None, str]] = []
# @end@

_I, _U, _Q, _P, _S = ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_char_p
FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "kernel_init": (None, _I),
    "nvlist_alloc": (_I, _P, _U, _I),
    "nvlist_add_string": (_I, _P, _S, _S),
    "nvlist_add_uint64": (_I, _P, _S, _Q),
    "nvlist_add_nvlist_array": (_I, _P, _S, _P, _U),
    "spa_create": (_I, _S, _P, _P, _P, _P),
    "spa_config_enter": (None, _P, _I, _P, _I),
    "spa_config_tryenter": (_I, _P, _I, _P, _I),
    "spa_config_exit": (None, _P, _I, _P),
    "spa_last_synced_txg": (_Q, _P),
    "spa_syncing_txg": (_Q, _P),
    "dmu_objset_create": (_I, _S, _I, _Q, _P, _P, _P),
    "dmu_objset_own": (_I, _S, _I, _I, _I, _P, _P),
    "dmu_objset_pool": (_P, _P),
    "dmu_objset_spa": (_P, _P),
    "dmu_objset_evict_dbufs": (None, _P),
    "dmu_buf_hold": (_I, _P, _Q, _Q, _P, _P, _I),
    "dmu_buf_rele": (None, _P, _P),
    "dmu_buf_will_dirty": (None, _P, _P),
    "dmu_buf_get_user": (_P, _P),
    "dmu_tx_create": (_P, _P),
    "dmu_tx_hold_zap": (None, _P, _Q, _I, _S),
    "dmu_tx_hold_free": (None, _P, _Q, _Q, _Q),
    "dmu_tx_assign": (_I, _P, _Q),
    "dmu_tx_commit": (None, _P),
    "txg_wait_synced": (None, _P, _Q),
    "txg_wait_open": (None, _P, _Q, _I),
    "zap_create_norm": (_Q, _P, _I, _I, _I, _I, _P),
    "zap_create_flags": (_Q, _P, _I, _I, _I, _I, _I, _I, _I, _P),
    "zap_destroy": (_I, _P, _Q, _P),
    "zap_add": (_I, _P, _Q, _S, _I, _Q, _S, _P),
    "zap_add_uint64": (_I, _P, _Q, _P, _I, _I, _Q, _S, _P),
    "zap_update": (_I, _P, _Q, _S, _I, _Q, _S, _P),
    "zap_update_uint64": (_I, _P, _Q, _P, _I, _I, _Q, _S, _P),
    "zap_remove": (_I, _P, _Q, _S, _P),
    "zap_remove_uint64": (_I, _P, _Q, _P, _I, _P),
    "zap_lookup": (_I, _P, _Q, _S, _Q, _Q, _P),
    "zap_lookup_uint64": (_I, _P, _Q, _P, _I, _Q, _Q, _P),
    "zap_length": (_I, _P, _Q, _S, _P, _P),
    "zap_length_uint64": (_I, _P, _Q, _P, _I, _P, _P),
    "zap_count": (_I, _P, _Q, _P),
    "zap_contains": (_I, _P, _Q, _S),
    "zap_increment": (_I, _P, _Q, _S, _Q, _P),
    "zap_value_search": (_I, _P, _Q, _Q, _Q, _P, _Q),
    "zap_get_stats": (_I, _P, _Q, _P),
    "zap_lookup_norm": (_I, _P, _Q, _S, _Q, _Q, _P, _I, _P, _I, _P),
    "zap_remove_norm": (_I, _P, _Q, _S, _I, _P),
    "zap_cursor_serialize": (_Q, _P),
    "zap_cursor_init_serialized": (None, _P, _P, _Q, _Q),
    "zap_cursor_fini": (None, _P),
    "zap_cursor_retrieve": (_I, _P, _P),
    "zap_cursor_advance": (None, _P),
}
SCL_CONFIG, SCL_STATE, READER, WRITER = 1, 2, 0, 1
NEW = END = (1 << 64) - 1


class Gate:
    """A thread that holds locks of the pool: the DMU asserts that its callers do not."""

    def __init__(self) -> None:
        self.asked, self.done = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            self.asked.acquire()
            self.order()
            self.done.release()

    def ask(self, order: Callable[[], None]) -> None:
        self.order = order
        self.asked.release()

    def do(self, order: Callable[[], None]) -> None:
        self.ask(order)
        self.done.acquire()


class World:
    """A pool in memory whose transaction groups move only as the program says, and the program's ZAPs.

    While a thread holds SCL_STATE as writer, spa_sync() stops before it writes: that txg stays in flight.
    """

    def __init__(self, path: str) -> None:
        folder = os.path.dirname(os.path.realpath(path))
        for needed in ("libnvpair.so.3", "libuutil.so.3", "libzfs_core.so.3"):
            beside = os.path.join(folder, needed)
            if os.path.exists(beside):
                ctypes.CDLL(beside, mode=ctypes.RTLD_GLOBAL)
        self.lib: Any = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
        lib = self.lib
        for name, types in FUNCTIONS.items():
            function = getattr(lib, name)
            function.restype, function.argtypes = types[0], types[1:]
        for name, number in (
            ("zfs_txg_timeout", 10_000_000),
            ("zfs_dirty_data_sync_percent", 90),
            ("zfs_prefetch_disable", 1),
        ):
            if hasattr(lib, name):  # not every release exports every one
                ctypes.c_int.in_dll(lib, name).value = number
        self.tag = ctypes.create_string_buffer(b"reproducer")
        image, cache = (os.memfd_create(name) for name in ("pool", "cache"))
        os.truncate(image, 256 << 20)
        self.cache = ctypes.create_string_buffer(b"/proc/self/fd/%d" % cache)
        ctypes.c_void_p.in_dll(lib, "spa_config_path").value = ctypes.addressof(self.cache)
        lib.kernel_init(3)
        root, child, found = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        for made in (root, child):
            lib.nvlist_alloc(ctypes.byref(made), 1, 0)
        lib.nvlist_add_string(child, b"type", b"file")
        lib.nvlist_add_string(child, b"path", b"/proc/self/fd/%d" % image)
        lib.nvlist_add_uint64(child, b"ashift", 9)
        lib.nvlist_add_uint64(child, b"is_log", 0)
        lib.nvlist_add_string(root, b"type", b"root")
        children = (ctypes.c_void_p * 1)(child)
        lib.nvlist_add_nvlist_array(root, b"children", ctypes.addressof(children), 1)
        self.check(lib.spa_create(b"tank", root, None, None, None), "spa_create")
        self.check(lib.dmu_objset_create(b"tank/ds", 4, 0, None, None, None), "dmu_objset_create")
        self.check(lib.dmu_objset_own(b"tank/ds", 4, 0, 1, self.tag, ctypes.byref(found)), "dmu_objset_own")
        self.os = found.value
        self.pool, self.spa = lib.dmu_objset_pool(self.os), lib.dmu_objset_spa(self.os)
        lib.txg_wait_synced(self.pool, 0)
        self.synced, self.in_flight = lib.spa_last_synced_txg(self.spa), 0
        self.gate, self.other_gate = Gate(), Gate()
        self.numbers: dict[str, int] = {}
        self.cursors: dict[str, list[Any]] = {}
        self.attribute: Any = ctypes.create_string_buffer(4096)
        if hasattr(lib, "zap_attribute_alloc"):
            lib.zap_attribute_alloc.restype = ctypes.c_void_p
            self.attribute = lib.zap_attribute_alloc()
        self.value = b""

    def check(self, error: int, what: str) -> None:
        if error:
            sys.exit(f"{what}: {os.strerror(error)}")

    def shut(self) -> None:
        self.lib.spa_config_enter(self.spa, SCL_STATE, self.tag, WRITER)

    def open(self) -> None:
        self.lib.spa_config_exit(self.spa, SCL_STATE, self.tag)

    def shut_behind(self) -> None:
        self.lib.spa_config_enter(self.spa, SCL_CONFIG, self.tag, WRITER)
        self.shut()
        self.lib.spa_config_exit(self.spa, SCL_CONFIG, self.tag)

    def await_syncing(self) -> None:
        while self.in_flight and self.lib.spa_syncing_txg(self.spa) != self.synced + 1:
            time.sleep(0)

    def txg(self) -> int:
        """Open the next txg; this one stays in flight."""
        if self.in_flight == 2:
            self.finish()
        if self.in_flight == 0:
            self.gate.do(self.shut)
        self.lib.txg_wait_open(self.pool, self.synced + self.in_flight + 2, 1)
        self.in_flight += 1
        self.await_syncing()
        return 0

    def finish(self) -> int:
        """Let the oldest txg in flight sync."""
        if self.in_flight == 1:
            self.gate.do(self.open)
        elif self.in_flight == 2:
            # The sync thread cannot take SCL_CONFIG again before the other gate is shut.
            self.other_gate.ask(self.shut_behind)
            while self.lib.spa_config_tryenter(self.spa, SCL_CONFIG, self.tag, READER):
                self.lib.spa_config_exit(self.spa, SCL_CONFIG, self.tag)
                time.sleep(0)
            self.gate.do(self.open)
            self.other_gate.done.acquire()
            self.gate, self.other_gate = self.other_gate, self.gate
        if self.in_flight:
            self.in_flight -= 1
            self.synced += 1
            self.lib.txg_wait_synced(self.pool, self.synced)
            self.await_syncing()
        return 0

    def sync(self) -> int:
        """Let every txg sync, the open one too."""
        last = self.synced + self.in_flight + 1
        if self.in_flight:
            self.gate.do(self.open)
        self.lib.txg_wait_synced(self.pool, last)
        self.in_flight, self.synced = 0, last
        return 0

    def evict(self) -> int:
        self.lib.dmu_objset_evict_dbufs(self.os)
        return 0

    def begin(self, number: int, add: int) -> int:
        tx = self.lib.dmu_tx_create(self.os)
        self.lib.dmu_tx_hold_zap(tx, number, add, None)
        self.check(self.lib.dmu_tx_assign(tx, 0), "dmu_tx_assign")
        return int(tx)

    def create(self, name: str) -> int:
        if self.numbers.get(name):
            return errno.EEXIST
        fat, norm, flags, shift, _, salt = ZAPS[name]
        tx = self.begin(NEW, 1)
        if fat:
            number = self.lib.zap_create_flags(self.os, norm, flags, 1, shift, 17, 0, 0, tx)
        else:
            number = self.lib.zap_create_norm(self.os, norm, 1, 0, 0, tx)
        self.set_salt(number, 80 if flags else 8, salt, tx)
        self.lib.dmu_tx_commit(tx)
        self.numbers[name] = number
        return 0

    def set_salt(self, number: int, at: int, salt: int, tx: int) -> None:
        """The salt is made of addresses; names hash as in the model only with the program's. With creation
        flags zap_t, the user data of block 0, has it too."""
        lib, dbuf = self.lib, ctypes.c_void_p()
        self.check(lib.dmu_buf_hold(self.os, number, 0, self.tag, ctypes.byref(dbuf), 1), "dmu_buf_hold")
        lib.dmu_buf_will_dirty(dbuf, tx)
        stored = ctypes.c_uint64.from_address(ctypes.c_uint64.from_address((dbuf.value or 0) + 24).value + at)
        user = lib.dmu_buf_get_user(dbuf)
        for offset in range(0, 256, 8) if user else ():
            word = ctypes.c_uint64.from_address(user + offset)
            if word.value == stored.value:
                word.value = salt
        stored.value = salt
        lib.dmu_buf_rele(dbuf, self.tag)

    def destroy(self, name: str) -> int:
        number = self.numbers.get(name)
        if not number:
            return errno.ENOENT
        tx = self.lib.dmu_tx_create(self.os)
        self.lib.dmu_tx_hold_free(tx, number, 0, END)
        self.check(self.lib.dmu_tx_assign(tx, 0), "dmu_tx_assign")
        error = self.lib.zap_destroy(self.os, number, tx)
        self.lib.dmu_tx_commit(tx)
        if not error:
            del self.numbers[name]
        return int(error)

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
        error = self.lib.zap_cursor_retrieve(self.cursors[cursor][0], self.attribute)
        self.cursors[cursor][1] |= not error
        return int(error)

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

    def close(self, cursor: str) -> int:
        if cursor not in self.cursors:
            return errno.EBADF
        self.lib.zap_cursor_fini(self.cursors.pop(cursor)[0])
        return 0


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} LIBZPOOL")
    world = World(sys.argv[1])
    for name in ZAPS:
        world.create(name)
    as_expected = True
    for verb, arguments, wanted, wrong, text in PROGRAM:
        print(text, flush=True)
        got = getattr(world, verb)(*arguments)
        if wanted is not None and got != wanted:
            as_expected = False
            print(f"  expected errno {wanted}, got {got}")
        if wrong is not None and world.value == wrong[0]:
            as_expected = False
            print(f"  {wrong[1]}")
    print("as it should be" if as_expected else "not as it should be", flush=True)
    os._exit(0 if as_expected else 1)  # a pool in memory needs no goodbye


if __name__ == "__main__":
    main()
