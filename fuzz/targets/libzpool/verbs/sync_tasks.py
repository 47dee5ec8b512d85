"""ZAPs of the meta object set: ops that write them are sync tasks of their txg, done by the thread that
syncs.

That thread calls back into Python while the worker's own waits for the txg. Nobody destroys such a ZAP: it
stays in the pool, which is memory.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from typing import TypeVar

from fuzz.language.verb_row import Subject
from fuzz.language.verb_sets import CHANGING, DEFERRED, INTS, TIME
from fuzz.language.verbs import VERBS
from fuzz.targets.libzpool.abi import DMU_OT_DIRECTORY_CONTENTS, DMU_OT_OBJECT_DIRECTORY
from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.pool import Pool, PoolProblem
from fuzz.targets.libzpool.salt import SaltWriter
from fuzz.targets.libzpool.verbs.entries import increment_words, quick_value, words_of
from fuzz.targets.libzpool.verbs.helpers import int_call
from fuzz.targets.libzpool.world import FUNCTIONS, Object, World

T = TypeVar("T")
Function = Callable[[World, Call], Answer]
Task = Callable[[int], int]
"""What is done with the transaction of the txg that syncs; an errno."""

_SyncFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
"""dsl_syncfunc_t."""
_VERBS = tuple(VERBS)


class SyncTasks:
    """Tasks of a pool that have yet to be done, by number, and the errnos of those that have been."""

    def __init__(self, pool: Pool, salts: SaltWriter) -> None:
        self._pool, self._salts = pool, salts
        self._waiting: dict[int, Task] = {}
        self._given = 0
        self._answers: list[int] = []
        self._failed: list[Exception] = []
        self._callback = _SyncFunction(self._run)  # the library keeps its address

    def create(self, world: World) -> None:
        """Create the ZAPs of the meta object set that a world has. Nothing may be in flight. Raises
        PoolProblem."""
        zaps = [zap for zap in world.zaps if zap.shape.mos]

        def make(tx: int) -> int:
            for zap in zaps:
                self._create(zap, tx)
            return 0

        self.add(make, early=True)
        self._pool.sync()
        self.take_answers()

    def add(self, task: Task, early: bool) -> None:
        """Put a task into the open txg: dsl_sync_task_nowait(), dsl_early_sync_task_nowait()."""
        pool, lib = self._pool, self._pool.lib
        self._given += 1
        self._waiting[self._given] = task
        tx = lib.dmu_tx_create(pool.os)
        if error := lib.dmu_tx_assign(tx, 0):
            raise PoolProblem(f"dmu_tx_assign: {os.strerror(error)}")
        put = lib.dsl_early_sync_task_nowait if early else lib.dsl_sync_task_nowait
        put(pool.pool, self._callback, self._given, tx)
        lib.dmu_tx_commit(tx)

    def take_answers(self) -> tuple[int, ...]:
        """The errnos of the tasks that were done since the last call. Raises PoolProblem."""
        if self._failed:
            raise PoolProblem(f"a sync task: {self._failed[0]}") from self._failed[0]
        answers = tuple(self._answers)
        self._answers.clear()
        return answers

    def _run(self, number: int, tx: int) -> None:
        try:
            self._answers.append(self._waiting.pop(number)(tx))
        except Exception as problem:
            self._failed.append(problem)

    def _create(self, zap: Object, tx: int) -> None:
        """As World.create, in the meta object set."""
        lib, shape, mos = self._pool.lib, zap.shape, self._pool.mos
        flags = shape.hash64 | bool(shape.words) << 1 | shape.prehashed << 2
        kind = DMU_OT_OBJECT_DIRECTORY if flags else DMU_OT_DIRECTORY_CONTENTS
        size = 1 << shape.leaf_shift if shape.fat else 0
        while not zap.number:
            number = self._pool.fresh_object()
            if not lib.dmu_object_claim(mos, number, kind, size, 0, 0, tx):
                zap.number = zap.last = number
        dnode = ctypes.c_void_p()
        if error := lib.dnode_hold(mos, zap.number, self._pool.tag, ctypes.byref(dnode)):
            raise PoolProblem(f"dnode_hold: {os.strerror(error)}")
        lib.mzap_create_impl(dnode, shape.norm, flags, tx)
        lib.dnode_rele(dnode, self._pool.tag)
        self._salts.write(mos, zap.number, shape.salt, flags != 0, tx)

    def deferring(self, verb: str, function: Function) -> Function:
        """A verb's function where some ZAPs are of the meta object set."""
        row = VERBS[verb]

        def on_zap(world: World, op: Call) -> Answer:
            zap = world.zaps[op.subject]
            if not (zap.shape.mos or (row.other and world.zaps[op.other].shape.mos)):
                return function(world, op)
            if verb in DEFERRED:
                world.unsettled = True
                self.add(lambda tx: _in_mos(world, lambda: _perform(world, zap, op, tx)), world.early)
                return 0
            return errno.EPERM if verb in CHANGING else _in_mos(world, lambda: function(world, op))

        def open_cursor(world: World, op: Call) -> Answer:
            if world.zaps[op.other].shape.mos:
                return _in_mos(world, lambda: function(world, op))
            return function(world, op)

        def move_time(world: World, op: Call) -> Answer:
            answer = function(world, op)
            if verb in ("sync", "reopen"):
                world.unsettled = False
            done = self.take_answers()
            return (0, done) if done else answer

        if row.subject is Subject.ZAP:
            return on_zap
        if verb in TIME:
            return move_time
        return open_cursor if row.other else function


def _in_mos(world: World, call: Callable[[], T]) -> T:
    """What a call gives that works on the meta object set."""
    before, world.os = world.os, world.pool.mos
    try:
        return call()
    finally:
        world.os = before


def _perform(world: World, zap: Object, op: Call, tx: int) -> int:
    """An op that writes a ZAP, with the transaction of the txg that syncs; its errno."""
    lib, objset, number, words = world.lib, world.os, zap.number, words_of(zap, op)
    verb = _VERBS[op.verb]
    world.tune_for(zap)
    error: int
    if verb in ("add", "update"):
        value = quick_value(op.size, op.length, op.fill)
        if words:
            binary = lib.zap_add_uint64 if verb == "add" else lib.zap_update_uint64
            error = binary(objset, number, op.key, words, op.size, op.length, value, tx)
        else:
            named = lib.zap_add if verb == "add" else lib.zap_update
            error = named(objset, number, op.key, op.size, op.length, value, tx)
    elif verb == "remove_norm":
        error = errno.ENOTSUP if words else lib.zap_remove_norm(objset, number, op.key, op.extra, tx)
    elif verb == "remove":
        if words:
            error = lib.zap_remove_uint64(objset, number, op.key, words, tx)
        else:
            error = lib.zap_remove(objset, number, op.key, tx)
    elif verb in INTS:
        call = None if zap.shape.words else int_call(world, op, verb)
        error = errno.ENOTSUP if call is None else call(number, tx)
    elif words:
        error = increment_words(world, zap, op, tx)
    else:
        error = lib.zap_increment(objset, number, op.key, op.fill, tx)
    return error


@FUNCTIONS.of("early")
def do_early(world: World, op: Call) -> Answer:
    """Which of its two lists of tasks a txg has them in."""
    world.early = bool(op.fill)
    return 0
