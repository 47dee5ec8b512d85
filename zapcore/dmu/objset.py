"""The object set: dnodes, the dbuf cache, and transaction groups that move only when told to.

Time is explicit. One txg is open; at most two more are in flight (one that would be syncing, one quiesced),
and none of them writes anything before it is finished. From module/zfs/txg.c and module/zfs/dmu_objset.c.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from zapcore.dmu.dbuf import Dbuf
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.indirect import IndirectDnode
from zapcore.errors import LimitExceeded, ZapErrno, openzfs
from zapcore.locks import Threads
from zapcore.release import OLD_MAX_BLOCK, Release
from zapcore.work import Work

if TYPE_CHECKING:
    from zapcore.dmu.spa_sync import SteppedSync

FIRST_TXG = 4
"""TXG_INITIAL: the first txg of a pool."""

MAX_IN_FLIGHT = 2

DEFAULT_BLOCK_LIMIT = 1 << 16
DEFAULT_BYTE_LIMIT = 1 << 28


class Tx:
    """A transaction, assigned to the txg that was open then (dmu_tx_assign)."""

    __slots__ = ("txg",)

    def __init__(self, txg: int) -> None:
        self.txg = txg


BlockKey = int | tuple[int, int]
"""A block of data, or the level and the number of an indirect one."""
SyncTask = Callable[[Tx], None]
"""What a txg does with the meta object set while it syncs (dsl_syncfunc_t)."""


class Objset:
    """objset_t and its pool. `freed` has the objects whose free has synced; some of their dbufs may still be
    held. `holds` is how many holds all dbufs have, not counting those of dirty records.

    `block_limit` is how many blocks one object may have, `byte_limit` how many bytes: an operation that would
    need more raises LimitExceeded. `fat_block_shift` is the tunable fzap_default_block_shift: log2 of the
    block size that a micro ZAP gets when it becomes fat, `micro_max_size` the tunable zap_micro_max_size: how
    many bytes it may have before. `stale_bytes` says whether the world ends with a panic if what happens next
    depends on bytes that nobody wrote; if not, it goes on as if there were no such bytes. `hash_bits` has, by
    number of the object, how many bits of a hash count in it, for objects in which zap_hashbits() is to
    return another number than their flags say: the pointer table then comes to its end soon. `stepped_sync`
    is there while the sync of a txg runs as a thread beside others. `syncing_txg` is the txg that syncs now,
    or 0. `sync_done` accounts for what a txg has written, if anything does (`zapcore.user_accounting`): what
    it changes is synced in the same txg, after it. `failing` has, by number of an object, the blocks that
    cannot be read from disk now, with the errno that a read of each gives (an indirect block is its level and
    its number there). `in_arc` has those, as number of the object and block, that can be read nevertheless:
    their dbufs have gone since reads fail, but the ARC keeps what they had.
    `full` is the errno with which transactions are refused because there is no room, 0 while there is.
    `work` counts what operations on these objects take; nothing in the model looks at it.
    """

    def __init__(
        self,
        release: Release,
        *,
        block_limit: int = DEFAULT_BLOCK_LIMIT,
        byte_limit: int = DEFAULT_BYTE_LIMIT,
        stale_bytes: bool = True,
    ) -> None:
        self.release = release
        self.threads = Threads()
        self.block_limit = block_limit
        self.byte_limit = byte_limit
        self.open_tx = Tx(FIRST_TXG)
        self.in_flight: list[int] = []
        self.dnodes: dict[int, Dnode] = {}
        self.freed: dict[int, Dnode] = {}
        self.dirty_dnodes: dict[int, dict[Dnode, None]] = {}
        self.cache: dict[Dbuf, None] = {}
        self.holds = 0
        self.next_object = 1
        self.stale_bytes = stale_bytes
        self.fat_block_shift = 14
        self.micro_max_size = OLD_MAX_BLOCK
        self.hash_bits: dict[int, int] = {}
        self.stepped_sync: SteppedSync | None = None
        self.syncing_txg = 0
        self.sync_done: Callable[[Tx], None] | None = None
        self.sync_tasks: dict[int, tuple[list[SyncTask], list[SyncTask]]] = {}
        self.failing: Mapping[int, Mapping[BlockKey, int]] = {}
        self.in_arc: set[tuple[int, BlockKey]] = set()
        self.full = 0
        self.work = Work()

    @contextlib.contextmanager
    def reads_fail(self, blocks: Mapping[int, Mapping[BlockKey, int]]) -> Iterator[None]:
        """`failing` while an op runs."""
        self.failing = blocks
        try:
            yield
        finally:
            self.failing = {}
            self.in_arc.clear()

    @openzfs("arc.c", "arc_read")
    def read_error(self, number: int, block: BlockKey) -> int:
        """The errno that a read of a block of an object gives now, 0 where it works."""
        code = self.failing.get(number, {}).get(block, 0)
        return 0 if code and (number, block) in self.in_arc else code

    @openzfs("arc.c", "arc_buf_destroy")
    def keep_in_arc(self, number: int, block: BlockKey) -> None:
        """A dbuf goes that has what is on disk."""
        if self.failing:
            self.in_arc.add((number, block))

    def check_limit(self, blocks: int, block_size: int) -> None:
        """Raise LimitExceeded if an object may not have that many blocks of that size."""
        if blocks > self.block_limit or blocks * block_size > self.byte_limit:
            raise LimitExceeded(f"an object of {blocks} blocks of {block_size} bytes")

    @openzfs("dmu_object.c", "dmu_object_alloc")
    def allocate(self, block_size: int, tx: Tx, number: int = 0, indirect_shift: int = 0) -> Dnode:
        """A new object with blocks of `block_size` bytes. Its number is `number` if that is free, else one
        that was never used. With `indirect_shift`, log2 of the size of its indirect blocks, these have dbufs
        (`zapcore.dmu.indirect`).

        The number of an object that was freed is free again when a txg after the one that freed it has
        synced, and when nobody holds a dbuf of it any more. Until that txg has synced, the dnode may count as
        dirty (DNODE_IS_DIRTY, include/sys/dnode.h).
        """
        if number and number not in self.dnodes and self.is_free(number):
            self.freed.pop(number, None)
        else:
            number = self.next_object
            self.next_object += 1
        if indirect_shift:
            dnode: Dnode = IndirectDnode(self, number, block_size, indirect_shift)
        else:
            dnode = Dnode(self, number, block_size)
        self.dnodes[number] = dnode
        dnode.set_dirty(tx.txg)
        return dnode

    @openzfs("dnode.c", "dnode_check_slots_free")
    def is_free(self, number: int) -> bool:
        """Whether an object's number may be given to another one, if no object has it."""
        old = self.freed.get(number)
        last_synced = (self.in_flight[0] if self.in_flight else self.open_tx.txg) - 1
        return old is None or (not old.dbufs and old.free_txg < last_synced)

    @openzfs("dnode.c", "dnode_hold")
    def dnode(self, number: int) -> Dnode:
        """The dnode of an object. Raises ENOENT if there is no such object, or if it is being freed."""
        dnode = self.dnodes.get(number)
        if dnode is None or dnode.free_txg:
            raise ZapErrno(errno.ENOENT)
        return dnode

    @openzfs("dmu_tx.c", "dmu_tx_assign")
    def assign(self, *numbers: int, frees: bool = False) -> Tx:
        """A transaction of the open txg that will write these objects; `frees` if it says so itself
        (dmu_tx_mark_netfree). Raises `full` where there is no room for another one. With threads, waits first
        while one of them has transactions of another txg."""
        if not frees:
            self.check_room()
        scheduler = self.threads.scheduler
        if scheduler is not None:
            scheduler.assign(numbers)
        return self.open_tx

    @openzfs("dsl_dir.c", "dsl_dir_tempreserve_space")
    def check_room(self) -> None:
        """Raise `full` if there is no room for another transaction."""
        if self.full:
            raise ZapErrno(self.full)

    def forget(self, dnode: Dnode) -> None:
        """Forget the object: its free has synced."""
        self.freed[dnode.number] = self.dnodes.pop(dnode.number)

    @openzfs("txg.c", "txg_quiesce")
    def open_next_txg(self) -> None:
        """Open the next txg. The one that was open is in flight from now on; if there are two in flight
        already, the older one is synced first. With threads, waits until the txg before has quiesced, because
        only one txg quiesces at a time (txg_quiesce_thread)."""
        scheduler = self.threads.scheduler
        if scheduler is not None:
            scheduler.point("txg", self.open_tx.txg)
        while True:
            while len(self.in_flight) == MAX_IN_FLIGHT:
                self.finish_oldest_txg()
            if scheduler is None or not self.in_flight:
                break
            youngest = self.in_flight[-1]
            scheduler.quiesce(youngest)
            if len(self.in_flight) < MAX_IN_FLIGHT and self.in_flight[-1:] == [youngest]:
                break
        self.in_flight.append(self.open_tx.txg)
        self.open_tx = Tx(self.open_tx.txg + 1)

    @openzfs("spa.c", "spa_sync")
    def finish_oldest_txg(self) -> None:
        """Sync the oldest txg in flight, in one step. Does nothing if none is in flight. With threads, waits
        first until its transactions have committed."""
        if not self.in_flight:
            return
        if self.threads.scheduler is not None:
            oldest = self.in_flight[0]
            self.threads.scheduler.quiesce(oldest)
            if self.stepped_sync is not None:
                self.stepped_sync.wait_for_end()
            if oldest not in self.in_flight:
                return  # another thread finished it while this one waited
        txg = self.syncing_txg = self.in_flight.pop(0)
        early, late = self.sync_tasks.pop(txg, ((), ()))
        for task in early:
            task(Tx(txg))
        for dnode in self.dirty_dnodes.pop(txg, ()):
            dnode.sync(txg)
        if self.sync_done is not None:
            self.sync_done(Tx(txg))
            for dnode in self.dirty_dnodes.pop(txg, ()):
                dnode.sync(txg)
        if late:  # after the first pass; what they change is written in the second one
            for task in late:
                task(Tx(txg))
            for dnode in self.dirty_dnodes.pop(txg, ()):
                dnode.sync(txg)
        self.syncing_txg = 0

    @openzfs("dsl_synctask.c", "dsl_sync_task_nowait")
    def add_sync_task(self, task: SyncTask, early: bool) -> None:
        """Put a task into the open txg. Early tasks are done before the txg writes anything; the others when
        it has written all else, the MOS too."""
        self.sync_tasks.setdefault(self.open_tx.txg, ([], []))[0 if early else 1].append(task)

    @openzfs("txg.c", "txg_wait_synced")
    def finish_all_txgs(self) -> None:
        """Sync every txg, the open one, too. A new one is open afterwards."""
        self.open_next_txg()
        while self.in_flight:
            self.finish_oldest_txg()

    @openzfs("spa.c", "spa_export")
    def reopen(self) -> None:
        """Sync everything, forget all that is in memory, and begin again with what is on stable storage.
        Nobody may hold a dbuf."""
        self.finish_all_txgs()
        self.evict_dbufs()
        for dnode in self.dnodes.values():
            if dnode.mos:
                dnode.evict_dbufs()
        self.freed.clear()
        for number, dnode in self.dnodes.items():
            self.dnodes[number] = dnode.reloaded()

    @openzfs("spa.c", "spa_import")
    def crash(self) -> None:
        """Lose all that is in memory, and begin again with what the last txg that has synced has left. Nobody
        lets go of anything before. The threads stay, with who schedules and watches them; their locks are
        lost."""
        self.threads.held = 0
        self.open_tx = Tx(self.open_tx.txg + 1)
        self.in_flight.clear()
        self.dirty_dnodes.clear()
        self.sync_tasks.clear()
        self.freed.clear()
        self.cache.clear()
        self.holds = 0
        self.dnodes = {number: dnode.reloaded() for number, dnode in self.dnodes.items() if dnode.on_disk}

    @openzfs("dmu_objset.c", "dmu_objset_evict_dbufs")
    def evict_dbufs(self, mos: bool = False) -> None:
        """Drop every dbuf that nobody holds, of every object but those of the MOS, or with `mos` of all."""
        if self.stepped_sync is not None:
            for dnode in list(self.dnodes.values()):
                self.stepped_sync.wait_for_all(dnode)
        for dnode in list(self.dnodes.values()):
            if mos or not dnode.mos:
                dnode.evict_dbufs()
        for dbuf in list(self.cache):
            if mos or not dbuf.dnode.mos:
                dbuf.destroy()
