"""A running pool in memory, and its transaction groups moved by hand.

The pool's image and its cache file are anonymous memory (memfd), so a process that dies leaves nothing. A
txg stays in flight because SCL_STATE is held as writer: spa_sync (spa.c) takes it as reader before it writes
anything. The DMU asserts that its callers hold no such lock as writer, so a thread of its own does.

SCL_CONFIG alone would not do: the sync thread takes that one three times for each txg (around spa_sync for
its statistics, too), SCL_STATE at the start and once more near the end. Both together let exactly one
through: see `Pool._one_through`.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import threading
import time
from collections.abc import Callable

from fuzz.targets.libzpool.abi import (
    DMU_OST_OTHER,
    RW_READER,
    RW_WRITER,
    SCL_CONFIG,
    SCL_STATE,
    TXG_NOWAIT,
    Library,
)
from fuzz.targets.libzpool.pool_config import Problem, pool_config

IMAGE_BYTES = 4 << 30
"""Size of the image. It is sparse: only what has been written takes memory."""

FIRST_OBJECT = 1 << 10
"""Numbers from here on are given out in turn; smaller ones are OpenZFS's own choice."""
POOL, DATASET = b"zapfuzz", b"zapfuzz/ds"
FEATURES = (b"userobj_accounting", b"project_quota", b"large_blocks")
"""Of the pool, beside large_microzap in releases that have it; all others are not enabled."""
FAILMODE_PANIC = 2
"""ZIO_FAILURE_MODE_PANIC: a pool that would be suspended is a panic, so that nobody waits for it."""
COPIED_AT_ONCE = 1 << 22
_NEVER_SECONDS = 10_000_000


class PoolProblem(Exception):
    """The pool could not be made, or its transaction groups moved by themselves."""


class PoolLost(PoolProblem):
    """What is on disk is no longer a pool, or has not what was put there: the library is wrong."""


def copy_of_image(image: int) -> int:
    """A file in memory with the same bytes, and the same holes."""
    size = os.fstat(image).st_size
    made = os.memfd_create("zapfuzz-pool", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(made, size)
    end = 0
    while True:
        try:
            start = os.lseek(image, end, os.SEEK_DATA)
        except OSError:  # no more data
            return made
        end = os.lseek(image, start, os.SEEK_HOLE)
        while start < end:
            part = os.pread(image, min(end - start, COPIED_AT_ONCE), start)
            os.pwrite(made, part, start)
            start += len(part)


class _Gate:
    """A thread that holds locks of the pool. One order at a time, each answered before the next."""

    def __init__(self) -> None:
        self._order: Callable[[], None] | None = None
        self._given, self._done = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._serve, daemon=True, name="gate").start()

    def _serve(self) -> None:
        while True:
            self._given.acquire()
            assert self._order is not None
            self._order()
            self._done.release()

    def start(self, order: Callable[[], None]) -> None:
        """Let the thread do something; `wait` must follow."""
        self._order = order
        self._given.release()

    def wait(self) -> None:
        """Until the order has been carried out."""
        self._done.acquire()

    def do(self, order: Callable[[], None]) -> None:
        """Both."""
        self.start(order)
        self.wait()


class Pool:
    """One pool with one object set. `in_flight` txgs are closed and have not synced (0 to 2). `image` is the
    descriptor of its only device, `objects` the last number that was given to an object."""

    def __init__(self, library: Library, image_bytes: int = IMAGE_BYTES) -> None:
        self.lib = library
        self.tag = ctypes.create_string_buffer(b"zapfuzz")
        self.in_flight = 0
        self.name, self.dataset, self._kind = POOL, DATASET, DMU_OST_OTHER
        self.file_info: object = None
        self.objects = FIRST_OBJECT
        self._given = -1
        self._gate, self._next_gate = _Gate(), _Gate()
        self._opener: _Gate | None = None
        self._opening = False
        self._settle_tunables()
        self.image = os.memfd_create("zapfuzz-pool", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.truncate(self.image, image_bytes)
        self._cache = os.memfd_create("zapfuzz-cachefile")
        self._cache_path = ctypes.create_string_buffer(f"/proc/self/fd/{self._cache}".encode())
        address = ctypes.addressof(self._cache_path)
        ctypes.c_void_p.in_dll(library.handle, "spa_config_path").value = address
        library.kernel_init(3)
        library.tune("zfs_dirty_data_max", IMAGE_BYTES, ctypes.c_uint64)
        self._begin()

    def _begin(self) -> None:
        """A pool on the image, with nothing in it."""
        self._create(f"/proc/self/fd/{self.image}".encode())
        if error := self.lib.dmu_objset_create(DATASET, DMU_OST_OTHER, 0, None, None, None):
            raise PoolProblem(f"dmu_objset_create: {os.strerror(error)}")
        self._open_dataset()

    def use(self, dataset: bytes, kind: int = DMU_OST_OTHER, file_info: object = None) -> None:
        """Work on another object set, of that type, from now on, whose file_info_cb_t is given if it has
        accounting. Nothing may be in flight."""
        self.lib.dmu_objset_disown(self.os, 1, self.tag)
        self.dataset, self._kind, self.file_info = dataset, kind, file_info
        self._open_dataset()

    def _open_dataset(self) -> None:
        self.os = self._own(self.dataset)
        self.pool = self.lib.dmu_objset_pool(self.os)
        self.spa = self.lib.dmu_objset_spa(self.os)
        self.lib.spa_async_suspend(self.spa)  # an import asks for tasks that move txgs
        self.lib.txg_wait_synced(self.pool, 0)
        self._synced = self.last_synced

    def _settle_tunables(self) -> None:
        """Nothing may move a txg or read ahead by itself: no timer, no early sync, no prefetch. Room in a
        txg is what it really needs (OpenZFS reserves 24 times that, for pools with redundancy)."""
        tune = self.lib.tune
        tune("zfs_txg_timeout", _NEVER_SECONDS, ctypes.c_int)
        tune("zfs_dirty_data_sync_percent", 90, ctypes.c_int)
        tune("zfs_prefetch_disable", 1, ctypes.c_int)
        tune("zfs_deadman_enabled", 0, ctypes.c_int)
        tune("spa_asize_inflation", 1, ctypes.c_int)
        tune("zap_iterate_prefetch", 0, ctypes.c_int)

    def _create(self, image: bytes) -> None:
        lib = self.lib
        root, child = ctypes.c_void_p(), ctypes.c_void_p()
        for made in (root, child):
            lib.nvlist_alloc(ctypes.byref(made), 1, 0)
        lib.nvlist_add_string(child, b"type", b"file")
        lib.nvlist_add_string(child, b"path", image)
        lib.nvlist_add_uint64(child, b"ashift", 9)
        lib.nvlist_add_uint64(child, b"is_log", 0)
        children = (ctypes.c_void_p * 1)(child)
        lib.nvlist_add_string(root, b"type", b"root")
        lib.nvlist_add_nvlist_array(root, b"children", ctypes.addressof(children), 1)
        features = ctypes.c_void_p()
        lib.nvlist_alloc(ctypes.byref(features), 1, 0)
        large_micro = (b"large_microzap",) if hasattr(lib.handle, "zap_get_micro_max_size") else ()
        for feature in (*FEATURES, *large_micro):
            lib.nvlist_add_uint64(features, b"feature@" + feature, 0)
        lib.nvlist_add_uint64(features, b"failmode", FAILMODE_PANIC)
        if error := lib.spa_create(POOL, root, features, None, None, None):
            raise PoolProblem(f"spa_create: {os.strerror(error)}")
        lib.nvlist_free(features)
        lib.nvlist_free(root)
        lib.nvlist_free(child)

    def _own(self, name: bytes) -> int:
        found = ctypes.c_void_p()
        if self.file_info is not None:
            # Who owns an object set with accounting starts a task that brings old ones up to date. There is
            # nothing for it to do, and it may still hold what disowning frees: taskq_cancel_id() of libzpool
            # does not wait, and dmu_objset_upgrade_task_cb() lets go after it has said that it is done.
            self.lib.dmu_objset_register_type(self._kind, None)
        error = self.lib.dmu_objset_own(name, self._kind, 0, 1, self.tag, ctypes.byref(found))
        if self.file_info is not None:
            self.lib.dmu_objset_register_type(self._kind, self.file_info)
        if error:
            raise PoolProblem(f"dmu_objset_own: {os.strerror(error)}")
        assert found.value is not None
        return found.value

    @property
    def last_synced(self) -> int:
        """The youngest txg that has been written (spa_last_synced_txg)."""
        return int(self.lib.spa_last_synced_txg(self.spa))

    @property
    def synced(self) -> int:
        """The youngest txg that was let through and has been written."""
        return self._synced

    @property
    def open_txg(self) -> int:
        """The txg that a transaction would go to now; counts, asks nothing."""
        return self._synced + self.in_flight + 1

    @property
    def mos(self) -> int:
        """The meta object set."""
        return int(self.lib.spa_meta_objset(self.spa))

    def check(self) -> None:
        """Raise PoolProblem if a txg has synced that nobody let go."""
        if (now := self.last_synced) != self._synced:
            raise PoolProblem(f"txg {now} has synced, {self._synced} was the last that should have")

    def forbid_writes(self) -> None:
        """Make every write to the image fail from now on, as a broken disk does."""
        fcntl.fcntl(self.image, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)

    def wipe(self) -> None:
        """Forget all that was written, as a broken disk may."""
        size = os.fstat(self.image).st_size
        os.ftruncate(self.image, 0)
        os.ftruncate(self.image, size)

    def fresh_object(self) -> int:
        """The number of an object that this pool has never had."""
        self.objects += 1
        return self.objects

    def probe_open_txg(self) -> int:
        """The open txg as a real transaction sees it."""
        tx = self.lib.dmu_tx_create(self.os)
        if error := self.lib.dmu_tx_assign(tx, TXG_NOWAIT):
            raise PoolProblem(f"dmu_tx_assign: {os.strerror(error)}")
        txg = int(self.lib.dmu_tx_get_txg(tx))
        self.lib.dmu_tx_commit(tx)
        return txg

    def txg(self) -> None:
        """Close the open txg, which stays in flight, and open the next; the oldest of two in flight ends."""
        self.check()
        if self.in_flight == 2:
            self.finish()
        if self.in_flight == 0:
            self._gate.do(self._shut)
        self.lib.txg_wait_open(self.pool, self.open_txg + 1, 1)
        self.in_flight += 1
        self._await_syncing()

    def open_next(self) -> None:
        """Close the open txg and open the next, as `txg`, though transactions of it may not have committed:
        `settle` must follow when they have, before it is the oldest to finish. At most one is in flight."""
        self.settle()
        if self.in_flight == 0:
            self._gate.do(self._shut)
        wanted = self.open_txg + 1
        if self._opener is None:
            self._opener = _Gate()
        self._opener.start(lambda: self.lib.txg_wait_open(self.pool, wanted, 1))
        self._opening = True
        while self.probe_open_txg() != wanted:
            time.sleep(0)
        self.in_flight += 1

    def settle(self) -> None:
        """Wait until the txg that `open_next` closed is quiesced."""
        if self._opening:
            assert self._opener is not None
            self._opener.wait()
            self._opening = False
            self._await_syncing()

    def finish(self) -> None:
        """Let the oldest txg in flight sync to its end; nothing if there is none."""
        self.check()
        if self.in_flight == 0:
            return
        if self.in_flight == 1:
            self._gate.do(self._open)
        else:
            self._one_through()
        self.in_flight -= 1
        self._synced += 1
        self.lib.txg_wait_synced(self.pool, self._synced)
        if not self._opening:
            self._await_syncing()

    def finish_beside(self) -> None:
        """The same, once the oldest txg is quiesced, while other threads may open the next: the one after it
        stays where it is, also if it comes only now."""
        self._one_through()
        self.lib.txg_wait_synced(self.pool, self._synced + 1)
        self.in_flight -= 1
        self._synced += 1
        if self.in_flight == 0:
            self._gate.do(self._open)
        elif not self._opening:
            self._await_syncing()

    def finish_all(self) -> None:
        """Let every txg in flight sync; the open one stays open."""
        if self.in_flight:
            self._gate.do(self._open)
            self._synced += self.in_flight
            self.in_flight = 0
            self.lib.txg_wait_synced(self.pool, self._synced)
        self.check()

    def sync(self) -> None:
        """Let every txg sync, the open one too."""
        last = self.open_txg
        if self.in_flight:
            self._gate.do(self._open)
        self.lib.txg_wait_synced(self.pool, last)
        self.in_flight, self._synced = 0, last
        self.check()

    def reopen(self) -> None:
        """Sync, export the pool, import it from what is on disk, and open the object set again. Raises
        PoolLost."""
        self.sync()
        self._import(self._export())

    def crash(self) -> None:
        """Go on with the pool as the last txg that has synced left it: with the image as it is now, which the
        library cannot reach any more when it lets go of the pool in memory. Raises PoolLost."""
        self.check()
        now = copy_of_image(self.image)
        self.finish_all()
        self.go_to(now)

    def go_to(self, image: int) -> None:
        """Go on with the pool of another image, which is closed. Nothing may be in flight. Raises
        PoolLost."""
        config = self._export()
        os.dup2(image, self.image)
        os.close(image)
        self._import(config)

    def give_away(self) -> str:
        """Sync, export the pool, and go on with a new one that has nothing in it. Returns a path of the old
        one's image, which is there until the next one is given away. Raises PoolLost, PoolProblem."""
        self.sync()
        self.lib.nvlist_free(self._export())
        if self._given >= 0:
            os.close(self._given)
        self._given = os.dup(self.image)
        size = os.fstat(self.image).st_size
        os.dup2(os.memfd_create("zapfuzz-pool", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), self.image)
        os.truncate(self.image, size)
        self._begin()
        return f"/proc/{os.getpid()}/fd/{self._given}"

    def take_over(self, image: str) -> None:
        """Let go of the pool, and go on with that of another image. Raises PoolLost."""
        self.sync()
        self.lib.nvlist_free(self._export())
        given = os.open(image, os.O_RDWR | os.O_CLOEXEC)
        os.dup2(given, self.image)
        os.close(given)
        try:
            config = pool_config(self.lib, f"/proc/self/fd/{self.image}")
        except Problem as problem:
            raise PoolLost(str(problem)) from None
        self._import(config.at)

    def _export(self) -> ctypes.c_void_p:
        """Export the pool; what spa_import() wants to know of it. Raises PoolLost."""
        config = ctypes.c_void_p()
        self.lib.dmu_objset_disown(self.os, 1, self.tag)
        if error := self.lib.spa_export(POOL, ctypes.byref(config), 0, 0):
            raise PoolLost(f"spa_export: {os.strerror(error)}")
        return config

    def _import(self, config: ctypes.c_void_p) -> None:
        """Import the pool from what the image has. Raises PoolLost."""
        if error := self.lib.spa_import(POOL, config, None, 0):
            raise PoolLost(f"spa_import: {os.strerror(error)}")
        self.lib.nvlist_free(config)
        try:
            self._open_dataset()
        except PoolProblem as problem:
            raise PoolLost(str(problem)) from None

    def _await_syncing(self) -> None:
        """Until the oldest txg in flight has come to the gate, holding SCL_CONFIG (spa_syncing_txg is set
        between the two locks)."""
        while self.in_flight and self.lib.spa_syncing_txg(self.spa) != self._synced + 1:
            time.sleep(0)
        self.check()

    def _shut(self) -> None:
        self.lib.spa_config_enter(self.spa, SCL_STATE, self.tag, RW_WRITER)

    def _open(self) -> None:
        self.lib.spa_config_exit(self.spa, SCL_STATE, self.tag)

    def _one_through(self) -> None:
        """Let exactly one spa_sync through the gate, however the threads are scheduled.

        The oldest txg waits at the gate with SCL_CONFIG as reader. A second thread asks for SCL_CONFIG as
        writer, and only once its wish is known (a try as reader fails) is the gate opened: the sync thread
        writes that txg, gives SCL_CONFIG up, and cannot have it again before the second thread, which
        first shuts the gate anew. The two threads then change roles.
        """
        lib, spa = self.lib, self.spa

        def shut_behind() -> None:
            lib.spa_config_enter(spa, SCL_CONFIG, self.tag, RW_WRITER)
            self._shut()
            lib.spa_config_exit(spa, SCL_CONFIG, self.tag)

        self._next_gate.start(shut_behind)
        while lib.spa_config_tryenter(spa, SCL_CONFIG, self.tag, RW_READER):
            lib.spa_config_exit(spa, SCL_CONFIG, self.tag)
            time.sleep(0)
        self._gate.do(self._open)
        self._next_gate.wait()
        self._gate, self._next_gate = self._next_gate, self._gate
