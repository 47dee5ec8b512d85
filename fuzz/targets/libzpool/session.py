"""One program on a running pool: its beginning and end, and which function each verb is.

Everything here runs in the worker.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Sequence

from fuzz.language.program import Zap
from fuzz.language.verb_sets import CHANGING, OWNED, TIME, unsettled
from fuzz.language.verbs import VERBS
from fuzz.targets.libzpool import txgs
from fuzz.targets.libzpool.abi import Library
from fuzz.targets.libzpool.blocks_and_dbufs import ZapDigest
from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.pool import Pool
from fuzz.targets.libzpool.process.wire import PLAIN, pack_result
from fuzz.targets.libzpool.salt import SaltWriter
from fuzz.targets.libzpool.verbs import (
    accounting,
    cursors,
    directories,
    entries,
    helpers,
    no_room,
    read_errors,
    sync_tasks,
)
from fuzz.targets.libzpool.world import FUNCTIONS, World

__all__ = ["FAMILIES", "FUNCTIONS", "Session", "new_session"]

FAMILIES = (entries, helpers, cursors, directories, txgs, accounting, sync_tasks, read_errors, no_room)
"""The files in which verbs register their functions."""
FUNCTIONS.complete()
_BY_NUMBER = tuple(FUNCTIONS[verb] for verb in VERBS)
_CHANGING = frozenset(number for number, verb in enumerate(VERBS) if verb in CHANGING)


def _with_usage(verb: str, shift: int) -> Callable[[World, Call], Answer]:
    """A verb's function where syncing context keeps some of the ZAPs: these are not for ops to change, and
    have leaves of that size when they become fat while a txg syncs."""
    function, has_other = FUNCTIONS[verb], VERBS[verb].other

    def change(world: World, op: Call) -> Answer:
        ours = world.zaps[op.subject].shape.usage or (has_other and world.zaps[op.other].shape.usage)
        return errno.EPERM if ours else function(world, op)

    def move_time(world: World, op: Call) -> Answer:
        world.fat_block_shift.value = shift
        world.unsettled = unsettled(verb, world.unsettled)
        return function(world, op)

    def change_owners(world: World, op: Call) -> Answer:
        world.unsettled = unsettled(verb, world.unsettled)
        return function(world, op)

    if verb in OWNED:
        return change_owners
    return change if verb in CHANGING else move_time if verb in TIME else function


class Session:
    """A program's world, and its verbs."""

    def __init__(self, pool: Pool, salts: SaltWriter) -> None:
        self.pool, self.salts = pool, salts
        self.world = World(pool, salts)
        self._digests: list[ZapDigest] = []
        self._accounts = accounting.Accounts(pool, salts)
        self._tasks = sync_tasks.SyncTasks(pool, salts)
        self._functions = _BY_NUMBER

    def begin(self, zaps: Sequence[Zap]) -> None:
        """Create the ZAPs, in order, in the open txg. Raises NoRoom."""
        self.end()
        self._digests = [ZapDigest() for _ in zaps]
        self.world.early = self.world.unsettled = False
        self.world.failing.clear()
        self.world.full = 0
        if any(zap.usage for zap in zaps):
            self._accounts.enter(zaps)
            shift = next(zap.leaf_shift for zap in zaps if zap.usage)
            self._functions = tuple(_with_usage(verb, shift) for verb in VERBS)
            self.world.os, self.world.keeps_usage = self.pool.os, True
        tasked = any(zap.mos for zap in zaps)
        if tasked:
            functions = zip(VERBS, self._functions, strict=True)
            self._functions = tuple(self._tasks.deferring(verb, each) for verb, each in functions)
        self.world.create_all(list(zaps))
        if tasked:
            self._tasks.create(self.world)

    def share(self, other: Session) -> None:
        """Work on the ZAPs and cursors of another session, at the same time."""
        self.world.share(other.world)

    def end(self) -> None:
        """Close the cursors, let what is in flight sync, destroy what is left."""
        world = self.world
        world.close_cursors()
        if world.unsettled:
            return  # what has not synced never shall, for it changes the ZAPs: the worker serves no more
        world.leave_to_openzfs()
        self.pool.finish_all()
        self._functions = _BY_NUMBER
        world.zaps = [zap for zap in world.zaps if not zap.shape.mos]
        if world.keeps_usage:
            self._accounts.leave()  # with all that is in the object set
            world.zaps, world.os, world.keeps_usage = [], self.pool.os, False
            world.owned.clear()
        for zap in world.zaps:
            if zap.number:
                world.destroy(zap)
        world.zaps = []

    def leave(self) -> bytes:
        """Close the cursors, and give the pool away: where its image is, and what the ZAPs are in it. The
        next program begins in a new pool."""
        world = self.world
        world.close_cursors()
        zaps = [(zap.number, zap.last, zap.freed_at, zap.numbers) for zap in world.zaps]
        objects, world.zaps = self.pool.objects, []
        world.leave_to_openzfs()
        image = self.pool.give_away()
        world.os = self.pool.os
        return json.dumps({"image": image, "objects": objects, "zaps": zaps}).encode()

    def arrive(self, zaps: Sequence[Zap], left: bytes) -> None:
        """Go on with the pool that another library has given away, and with the ZAPs of its program."""
        self.end()
        told, world = json.loads(left), self.world
        self._digests = [ZapDigest() for _ in zaps]
        world.early = world.unsettled = False
        world.failing.clear()
        world.full = 0
        world.leave_to_openzfs()
        self.pool.take_over(told["image"])
        world.os, self.pool.objects = self.pool.os, told["objects"]
        world.take_over(zaps, told["zaps"])

    def apply(self, op: Call) -> bytes:
        """Run one op; its result, packed. Raises NoRoom."""
        function = self._functions[op.verb]
        if self.world.full and op.verb in _CHANGING:
            function = no_room.while_full(function)
        if self.world.failing:
            answer = read_errors.while_reads_fail(self.world, op, function)
        else:
            answer = function(self.world, op)
        return PLAIN[answer] if isinstance(answer, int) else pack_result(*answer)

    def find(self, number: int) -> tuple[int, int]:
        """The index of the ZAP that has an object number, or had it, and its block shift, or (-1, 0)."""
        for index, zap in enumerate(self.world.zaps):
            if number in zap.numbers:
                return index, zap.shape.leaf_shift
        return -1, 0

    def digests(self) -> bytes:
        """For each ZAP, a 1 and the digests of its blocks and their dbufs, or a 0."""
        return b"".join(seen.look(self.world, index) for index, seen in enumerate(self._digests))


def new_session(library: Library) -> Session:
    """A pool with nothing in it, ready for programs."""
    pool = Pool(library)
    return Session(pool, SaltWriter(pool))
