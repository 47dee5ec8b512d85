"""~story~"""

# Needs Python 3.9 or later on Linux, and a libzpool:
#     python3 reproducer.py /usr/lib/x86_64-linux-gnu/libzpool.so.6
# Ends with status 0 if everything was as it should be, 1 if not, 3 if an operation asked for more time or
# memory than its bounds allow; a failed assertion of the library aborts it.

from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

ZAPS: dict[str, tuple[bool, int, int, int, int, int]] = {}
# @part@

_I, _U, _Q, _P, _S = ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_char_p
FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "kernel_init": (None, _I),
    "nvlist_alloc": (_I, _P, _U, _I),
    "nvlist_add_string": (_I, _P, _S, _S),
    "nvlist_add_uint64": (_I, _P, _S, _Q),
    "nvlist_add_nvlist_array": (_I, _P, _S, _P, _U),
    "spa_create": (_I, _S, _P, _P, _P, _P, _P),  # before 2026 without the last, and it is not looked at
    "spa_export": (_I, _S, _P, _I, _I),
    "spa_import": (_I, _S, _P, _P, _Q),
    "spa_async_suspend": (None, _P),
    "spa_config_enter": (None, _P, _I, _P, _I),
    "spa_config_tryenter": (_I, _P, _I, _P, _I),
    "spa_config_exit": (None, _P, _I, _P),
    "spa_last_synced_txg": (_Q, _P),
    "spa_syncing_txg": (_Q, _P),
    "dmu_objset_create": (_I, _S, _I, _Q, _P, _P, _P),
    "dmu_objset_own": (_I, _S, _I, _I, _I, _P, _P),
    "dmu_objset_disown": (None, _P, _I, _P),
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
    "dmu_object_claim": (_I, _P, _Q, _I, _I, _I, _I, _P),
    "dnode_hold": (_I, _P, _Q, _P, _P),
    "dnode_rele": (None, _P, _P),
    "mzap_create_impl": (None, _P, _I, _I, _P),
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
    "zap_cursor_init": (None, _P, _P, _Q),
    "zap_cursor_init_serialized": (None, _P, _P, _Q, _Q),
    "zap_cursor_fini": (None, _P),
    "zap_cursor_retrieve": (_I, _P, _P),
    "zap_cursor_advance": (None, _P),
}
SCL_CONFIG, SCL_STATE, READER, WRITER = 1, 2, 0, 1
NEW = END = (1 << 64) - 1
MAX_BYTES, MAX_SECONDS = 512 << 20, 20


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
    `may_wait` lets a transaction wait for room, which can move txgs.
    """

    def __init__(self, path: str, may_wait: bool = False) -> None:
        self.may_wait = may_wait
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
            ("zap_iterate_prefetch", 0),
            ("spa_asize_inflation", 1),
        ):
            if hasattr(lib, name):  # not every release exports every one
                ctypes.c_int.in_dll(lib, name).value = number
        self.tag = ctypes.create_string_buffer(b"reproducer")
        image, cache = (os.memfd_create(name) for name in ("pool", "cache"))
        os.truncate(image, 4 << 30)
        self.cache = ctypes.create_string_buffer(b"/proc/self/fd/%d" % cache)
        ctypes.c_void_p.in_dll(lib, "spa_config_path").value = ctypes.addressof(self.cache)
        lib.kernel_init(3)
        ctypes.c_uint64.in_dll(lib, "zfs_dirty_data_max").value = 4 << 30
        root, child = ctypes.c_void_p(), ctypes.c_void_p()
        for made in (root, child):
            lib.nvlist_alloc(ctypes.byref(made), 1, 0)
        lib.nvlist_add_string(child, b"type", b"file")
        lib.nvlist_add_string(child, b"path", b"/proc/self/fd/%d" % image)
        lib.nvlist_add_uint64(child, b"ashift", 9)
        lib.nvlist_add_uint64(child, b"is_log", 0)
        lib.nvlist_add_string(root, b"type", b"root")
        children = (ctypes.c_void_p * 1)(child)
        lib.nvlist_add_nvlist_array(root, b"children", ctypes.addressof(children), 1)
        self.check(lib.spa_create(b"tank", root, None, None, None, None), "spa_create")
        self.check(lib.dmu_objset_create(b"tank/ds", 4, 0, None, None, None), "dmu_objset_create")
        self.open_dataset()
        self.numbers: dict[str, int] = {}
        self.cursors: dict[str, list[Any]] = {}
        self.freed: dict[str, tuple[int, int]] = {}
        self.objects = 1024
        self.value = b""
        self.steps = 0
        threading.Thread(target=self.watch, daemon=True).start()

    def open_dataset(self) -> None:
        lib, found = self.lib, ctypes.c_void_p()
        self.check(lib.dmu_objset_own(b"tank/ds", 4, 0, 1, self.tag, ctypes.byref(found)), "dmu_objset_own")
        self.os = found.value
        self.pool, self.spa = lib.dmu_objset_pool(self.os), lib.dmu_objset_spa(self.os)
        lib.spa_async_suspend(self.spa)
        lib.txg_wait_synced(self.pool, 0)
        self.synced, self.in_flight = lib.spa_last_synced_txg(self.spa), 0

    def watch(self) -> None:
        """An operation that never ends shows by its time or by its memory."""
        before, since = -1, 0.0
        while True:
            with open("/proc/self/statm") as file:
                pages = int(file.read().split()[1])
            if pages * os.sysconf("SC_PAGESIZE") > MAX_BYTES:
                self.limit(f"more than {MAX_BYTES >> 20} MiB of memory")
            if self.steps != before:
                before, since = self.steps, time.monotonic()
            if time.monotonic() - since > MAX_SECONDS:
                self.limit(f"no end of this operation within {MAX_SECONDS} s")
            time.sleep(0.25)

    def limit(self, what: str) -> None:
        """The end of a program that asks for more than there is."""
        print(f"  stopped: {what}", flush=True)
        os._exit(3)

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
            if not hasattr(self, "gate"):
                self.gate, self.other_gate = Gate(), Gate()
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

    def reopen(self) -> int:
        """Close all cursors, export the pool, import it again."""
        for cursor in list(self.cursors):
            self.close(cursor)
        self.sync()
        config = ctypes.c_void_p()
        self.lib.dmu_objset_disown(self.os, 1, self.tag)
        self.check(self.lib.spa_export(b"tank", ctypes.byref(config), 0, 0), "spa_export")
        self.check(self.lib.spa_import(b"tank", config, None, 0), "spa_import")
        self.open_dataset()
        return 0

    def close(self, cursor: str) -> int:
        if cursor not in self.cursors:
            return errno.EBADF
        self.lib.zap_cursor_fini(self.cursors.pop(cursor)[0])
        return 0

    def evict(self) -> int:
        self.lib.dmu_objset_evict_dbufs(self.os)
        return 0

    def begin(self, number: int, add: int) -> int:
        tx = self.lib.dmu_tx_create(self.os)
        self.lib.dmu_tx_hold_zap(tx, number, add, None)
        self.assign(tx)
        return int(tx)

    def assign(self, tx: int) -> None:
        error = self.lib.dmu_tx_assign(tx, int(self.may_wait))
        if error:
            self.limit(os.strerror(error))

    def create(self, name: str) -> int:
        if self.numbers.get(name):
            return errno.EEXIST
        fat, norm, flags, shift, _, salt = ZAPS[name]
        tx = self.begin(NEW, 1)
        # DMU_OT_OBJECT_DIRECTORY; without flags DMU_OT_DIRECTORY_CONTENTS, where 2.3 takes longer names
        number = self.claim(name, 1 if flags else 20, 1 << shift if fat else 0, tx)
        dnode = ctypes.c_void_p()
        self.check(self.lib.dnode_hold(self.os, number, self.tag, ctypes.byref(dnode)), "dnode_hold")
        self.lib.mzap_create_impl(dnode, norm, flags, tx)
        self.lib.dnode_rele(dnode, self.tag)
        self.set_salt(number, 80 if flags else 8, salt, tx)
        self.lib.dmu_tx_commit(tx)
        self.numbers[name] = number
        return 0

    def claim(self, name: str, kind: int, block_size: int, tx: int) -> int:
        """An object with a number that does not hang on which processor runs this: the one that the ZAP had
        before if that is free again, else one that was never used."""
        number, freed = self.freed.get(name, (0, 0))
        if freed >= self.synced:
            number = 0
        while True:
            if not number:
                number = self.objects = self.objects + 1
            if not self.lib.dmu_object_claim(self.os, number, kind, block_size, 0, 0, tx):
                return number
            number = 0

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
        self.assign(tx)
        error = self.lib.zap_destroy(self.os, number, tx)
        self.lib.dmu_tx_commit(tx)
        if not error:
            self.freed[name] = (self.numbers.pop(name), self.synced + self.in_flight + 1)
        return int(error)
