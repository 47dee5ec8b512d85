"""What a program works on, on a running pool: its ZAPs, its cursors, and the memory that calls write to.

`dmu_tx_assign` never waits here, since waiting could move transaction groups, so a pool without room is
`NoRoom`. Threads that nobody holds must wait (`assign`): see `World`.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fuzz.language.by_verb import ByVerb
from fuzz.language.program import OLD_MAX_BLOCK, Zap
from fuzz.language.verbs import NAME_ROOM, READ_ERRORS
from fuzz.targets.libzpool.abi import (
    DMU_NEW_OBJECT,
    DMU_OBJECT_END,
    DMU_OT_DIRECTORY_CONTENTS,
    DMU_OT_OBJECT_DIRECTORY,
    TXG_NOWAIT,
    ObjectInfo,
)
from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.guarded_buffer import GUARD, GuardedBuffer
from fuzz.targets.libzpool.pool import Pool, PoolLost
from fuzz.targets.libzpool.salt import SaltWriter
from zapcore.user_accounting import special_number

BUFFER_BYTES = 8 * 8192
CURSOR_BYTES = 4096
USUAL_BLOCK_SHIFT = 14
"""fzap_default_block_shift as OpenZFS has it."""
USUAL_MICRO_MAX = OLD_MAX_BLOCK
"""zap_micro_max_size as OpenZFS has it."""


class NoRoom(Exception):
    """The program asks for more than the pool has."""


class Refused(Exception):
    """A transaction cannot be assigned because a block that it would change cannot be read, or as there is no
    room: by which errno."""

    def __init__(self, error: int) -> None:
        super().__init__(os.strerror(error))
        self.error = error


class Fault(NamedTuple):
    """Reads of these blocks of a level give an errno."""

    level: int
    blocks: range
    error: int


class Object:
    """One ZAP: how it is created, its object number (0 where destroyed) and the last it had, the txg that
    freed that, and all numbers it ever had."""

    __slots__ = ("freed_at", "last", "number", "numbers", "shape")

    def __init__(self, shape: Zap) -> None:
        self.shape = shape
        self.number = self.last = self.freed_at = 0
        self.numbers: list[int] = []


class Cursor:
    """A zap_cursor_t in place, whether something was retrieved through it, and the words in a key of its ZAP
    (0: a name)."""

    __slots__ = ("address", "memory", "moved", "words")

    def __init__(self) -> None:
        self.memory = ctypes.create_string_buffer(CURSOR_BYTES)
        self.address = ctypes.addressof(self.memory)
        self.moved = False
        self.words = 0


class World:
    """The ZAPs by their place in the program's header, the open cursors by number (`spare` has closed ones,
    to be used again), and buffers for the results of one thread.

    `assign` says how transactions are assigned: TXG_NOWAIT fails where there is no room. Where threads work
    on one object in different txgs they wait for each other in dmu_tx_assign(), which needs TXG_WAIT.
    `assigns`, if set, is told the objects of a transaction that is about to be assigned, and may wait.
    `keeps_usage` says that the object set has accounting, `unsettled` that syncing context has yet to change
    a ZAP, `early` that sync tasks go into the list of those that come first; `owned` has the objects that
    somebody owns, by the number that the program gives them. `parents` has, by the numbers of directories
    that names lead to, the number of the one in which each was linked last, `removed` those whose name is
    gone. `failing` has, by the index of a ZAP, what cannot be read during ops on entries. `full` is the
    errno with which transactions are refused because there is no room, 0 while there is."""

    def __init__(self, pool: Pool, salts: SaltWriter, assign: int = TXG_NOWAIT) -> None:
        self.pool, self.lib, self.os = pool, pool.lib, pool.os
        self.salts, self.assign = salts, assign
        self.assigns: Callable[[Sequence[int]], None] | None = None
        self.zaps: list[Object] = []
        self.keeps_usage = self.unsettled = self.early = False
        self.owned: dict[int, int] = {}
        self.parents: dict[int, int] = {}
        self.removed: set[int] = set()
        self.failing: dict[int, list[Fault]] = {}
        self.full = 0
        self.cursors: dict[int, Cursor] = {}
        self.spare: list[Cursor] = []
        self.values, self.names = GuardedBuffer(BUFFER_BYTES), GuardedBuffer(NAME_ROOM)
        self.room = ctypes.create_string_buffer(1 << 16)
        self.two = (ctypes.c_uint64 * 2)()
        self.two_at = ctypes.addressof(self.two)
        self.attribute = self.lib.attribute()
        self.behind_name = self.attribute + self.lib.named_at + self.lib.name_room
        ctypes.memmove(self.behind_name, GUARD, len(GUARD))
        self.fat_block_shift = ctypes.c_int.in_dll(self.lib.handle, "fzap_default_block_shift")

    def share(self, other: World) -> None:
        """Work on the ZAPs and cursors of another world, at the same time, with buffers of its own."""
        self.os = other.os
        self.zaps, self.cursors = other.zaps, other.cursors

    def create_all(self, shapes: list[Zap]) -> None:
        """Create the ZAPs of a header, in order, in the open txg."""
        self.zaps = [Object(shape) for shape in shapes]
        self.parents.clear()
        if self.lib.ours is not None:
            self.lib.ours.hash_bits_clear()
        for zap in self.zaps:
            if zap.shape.usage:
                zap.number = special_number(zap.shape.usage)
            elif not zap.shape.mos:
                self.create(zap)

    def take_over(self, shapes: Sequence[Zap], known: Sequence[tuple[int, int, int, list[int]]]) -> None:
        """Go on with ZAPs that another process has made: of each its number, the last it had, the txg that
        freed that, and all it ever had."""
        self.zaps = [Object(shape) for shape in shapes]
        if self.lib.ours is not None:
            self.lib.ours.hash_bits_clear()
        for zap, told in zip(self.zaps, known, strict=True):
            zap.number, zap.last, zap.freed_at, zap.numbers = told
            if zap.number:
                self.tell_hash_bits(zap)

    def objset_of(self, zap: Object) -> int:
        """The object set that a ZAP is in."""
        return self.pool.mos if zap.shape.mos else self.os

    def begin_tx(self, number: int, add: int, frees: bool = False) -> int:
        """A transaction that may write one ZAP; `frees` says that it frees more than it takes. Raises NoRoom,
        Refused."""
        lib = self.lib
        if self.assigns is not None:
            self.assigns((number,))
        tx: int = lib.dmu_tx_create(self.os)
        lib.dmu_tx_hold_zap(tx, number, add, None)
        if frees:
            lib.dmu_tx_mark_netfree(tx)
        if error := lib.dmu_tx_assign(tx, self.assign):
            self.no_room(tx, error)
        return tx

    def no_room(self, tx: int, error: int) -> None:
        """Give up a transaction that could not be assigned. Raises NoRoom, Refused."""
        self.lib.dmu_tx_abort(tx)
        if self.failing and error in READ_ERRORS:
            raise Refused(error)
        if self.full and error in (self.full, errno.ERESTART):
            raise Refused(self.full)
        raise NoRoom(f"dmu_tx_assign: {errno.errorcode.get(error, error)}")

    def has_shape_of_its_own(self, shape: Zap) -> bool:
        """Whether a ZAP is created with flags or sizes, which zap_create_claim() and zap_create_link() do not
        take."""
        return shape.fat or bool(shape.indirect_shift)

    def create_claimed(self, zap: Object) -> int:
        """zap_create_claim_norm() under the number that a ZAP has or had; its errno. Raises NoRoom.

        Nobody asks before a txg has synced after the one that freed the object: until then the old dnode may
        count as dirty, unless its block was evicted, which hangs on its neighbours.
        """
        if not zap.number and self.pool.synced <= zap.freed_at:
            return errno.ENOSPC
        shape, number = zap.shape, zap.number or zap.last
        tx = self.begin_tx(DMU_NEW_OBJECT, 1)
        kind = DMU_OT_DIRECTORY_CONTENTS
        error: int = self.lib.zap_create_claim_norm(self.os, number, shape.norm, kind, 0, 0, tx)
        if not error:
            zap.number = zap.last = number
            zap.numbers.append(number)
            self.removed.discard(shape.inode)
            self.tell_hash_bits(zap)
            self.salts.write(self.os, number, shape.salt, False, tx)
        self.lib.dmu_tx_commit(tx)
        return error

    def create(self, zap: Object) -> None:
        """Create a ZAP as its header line says: zap_create_norm() and zap_create_flags(), but for the number
        and the salt. Raises NoRoom."""
        shape, lib = zap.shape, self.lib
        tx = self.begin_tx(DMU_NEW_OBJECT, 1)
        flags = shape.hash64 | bool(shape.words) << 1 | shape.prehashed << 2
        last = zap.last if self.pool.synced > zap.freed_at else 0
        # a directory's type, in which 2.3 takes longer names, for what is created without flags
        kind = DMU_OT_OBJECT_DIRECTORY if flags else DMU_OT_DIRECTORY_CONTENTS
        size = 1 << shape.leaf_shift if shape.fat else 0
        zap.number = zap.last = self.claim(last, kind, size, tx)
        if shape.indirect_shift and (
            error := lib.dmu_object_set_blocksize(self.os, zap.number, size, shape.indirect_shift, tx)
        ):
            raise PoolLost(f"dmu_object_set_blocksize: {os.strerror(error)}")
        zap.numbers.append(zap.number)
        self.removed.discard(shape.inode)
        self.tell_hash_bits(zap)
        dnode = ctypes.c_void_p()
        if error := lib.dnode_hold(self.os, zap.number, self.pool.tag, ctypes.byref(dnode)):
            raise PoolLost(f"dnode_hold: {os.strerror(error)}")
        lib.mzap_create_impl(dnode, shape.norm, flags, tx)
        lib.dnode_rele(dnode, self.pool.tag)
        self.salts.write(self.os, zap.number, shape.salt, flags != 0, tx)
        lib.dmu_tx_commit(tx)

    def tell_hash_bits(self, zap: Object) -> None:
        """Say how many bits the hashes of a ZAP have, if not as many as its flags say; again when the object
        set has been opened anew."""
        shim = self.lib.ours
        if zap.shape.hash_bits and not (
            shim and shim.hash_bits_set(self.os, zap.number, zap.shape.hash_bits)
        ):
            raise PoolLost("hash_bits: the library's zap_hashbits() is not ours to say")

    def find_again(self, zap: Object) -> None:
        """After a crash: which of the objects that the ZAP ever had is there, if any."""
        info = ObjectInfo()
        at = ctypes.addressof(info)
        there = [number for number in zap.numbers if not self.lib.dmu_object_info(self.os, number, at)]
        if len(set(there)) > 1:
            raise PoolLost(f"after a crash a ZAP has {len(there)} objects")
        zap.number, zap.freed_at = there[0] if there else 0, -1
        if there:
            zap.last = zap.number
            self.tell_hash_bits(zap)

    def claim(self, last: int, kind: int, block_size: int, tx: int) -> int:
        """A new object: the one that the ZAP was before if it is free again, else one that was never used.

        zap_create() and zap_create_flags() would take the next free number after the last one that this
        processor took, which no program could know; what they do with it is the same.
        """
        while True:
            number = last or self.pool.fresh_object()
            last = 0
            if not self.lib.dmu_object_claim(self.os, number, kind, block_size, 0, 0, tx):
                return number

    def destroy(self, zap: Object) -> int:
        """zap_destroy() of a live ZAP; its errno. Raises NoRoom, Refused."""
        lib = self.lib
        tx = lib.dmu_tx_create(self.os)
        lib.dmu_tx_hold_free(tx, zap.number, 0, DMU_OBJECT_END)
        if error := lib.dmu_tx_assign(tx, self.assign):
            self.no_room(tx, error)
        result: int = lib.zap_destroy(self.os, zap.number, tx)
        lib.dmu_tx_commit(tx)
        if result == 0:
            zap.number, zap.freed_at = 0, self.pool.open_txg
        return result

    def entry_name(self, words: int = 0) -> bytes:
        """The name of the entry that a cursor has retrieved, or its key of so many words; all of its room and
        the guard behind that if the guard has changed, which is told once."""
        at = self.attribute + self.lib.named_at
        if ctypes.string_at(self.behind_name, len(GUARD)) != GUARD:
            overrun = ctypes.string_at(at, self.lib.name_room + len(GUARD))
            ctypes.memmove(self.behind_name, GUARD, len(GUARD))
            return overrun
        return ctypes.string_at(at, 8 * words) if words else ctypes.string_at(at)

    def live(self, index: int) -> Object | None:
        """The ZAP of an op, its block shift set; None where it is destroyed."""
        zap = self.zaps[index]
        if not zap.number:
            return None
        self.tune_for(zap)
        return zap

    def looked_at(self, index: int) -> Object | None:
        """The same for an op that only looks. Until the txg that has freed a ZAP syncs, its number is nobody
        else's, and the library is asked for it: it is to say that there is none (dnode_hold)."""
        zap = self.zaps[index]
        if zap.number or self.pool.synced >= zap.freed_at or zap.shape.by_dnode:
            return self.live(index)
        gone = Object(zap.shape)
        gone.number = zap.last
        return gone

    def named(self, index: int) -> Object | int:
        """The ZAP of an op that only names have, or why there is none: ENOENT, ENOTSUP."""
        zap = self.live(index)
        if zap is None:
            return errno.ENOENT
        return errno.ENOTSUP if zap.shape.words else zap

    def leave_to_openzfs(self) -> None:
        """Before txgs sync: ZAPs of OpenZFS's own that become fat there get the blocks that they always have.
        In smaller ones there is no room for what it writes (spa_sync_time_logger). Where syncing context
        keeps ZAPs of the program, theirs are said before."""
        if not self.keeps_usage:
            self.fat_block_shift.value = USUAL_BLOCK_SHIFT
        self.lib.tune_micro(USUAL_MICRO_MAX)

    def tune_for(self, zap: Object) -> None:
        """Set how large the ZAP may be until it becomes fat, and the block size that it gets then."""
        shape = zap.shape
        if shape.fat:
            return
        if self.fat_block_shift.value != shape.leaf_shift:
            self.fat_block_shift.value = shape.leaf_shift
        self.lib.tune_micro(shape.micro_max or USUAL_MICRO_MAX)

    def close_cursor(self, index: int) -> None:
        """zap_cursor_fini() of a cursor; nothing if it is not open."""
        cursor = self.cursors.pop(index, None)
        if cursor is not None:
            self.lib.zap_cursor_fini(cursor.address)
            self.spare.append(cursor)

    def close_cursors(self) -> None:
        """The same of every cursor."""
        for index in list(self.cursors):
            self.close_cursor(index)


FUNCTIONS: ByVerb[Callable[[World, Call], Answer]] = ByVerb("libzpool")
"""The function of each verb: it makes the library's calls and gives what they answered. Raises NoRoom."""
