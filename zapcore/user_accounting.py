"""User accounting: which user, group and project has how many bytes and objects, in three ZAPs of the object
set.

Nobody writes these ZAPs but syncing context. When a txg has written the objects that it changed, the
difference that each of them makes is added up by name, and each name's sum goes to its ZAP with one
zap_increment(); then the txg syncs these ZAPs, too. A name is an id in hexadecimal digits, for bytes, or the
same behind "obj-", for objects; an entry whose sum comes to zero is removed. From module/zfs/dmu_objset.c
(userquota_updates_task).

The objects here are no more than what is asked of them: who owns them, and how much room they take on disk.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import NamedTuple

from zapcore import zap
from zapcore.avl import AvlTree
from zapcore.dmu.objset import Objset, Tx
from zapcore.errors import ZapErrno, fail, openzfs
from zapcore.release import OLD_MAX_BLOCK
from zapcore.zap import helpers

UNSIGNED = (1 << 64) - 1
USER, GROUP, PROJECT = 1, 2, 3
KINDS = (USER, GROUP, PROJECT)
OBJECTS: Mapping[int, str] = {
    USER: "DMU_USERUSED_OBJECT",
    GROUP: "DMU_GROUPUSED_OBJECT",
    PROJECT: "DMU_PROJECTUSED_OBJECT",
}
"""What OpenZFS calls the object of each kind of id."""
OBJECT_PREFIX = b"obj-"
"""DMU_OBJACCT_PREFIX."""
DNODE_BYTES = 512
"""DNODE_MIN_SIZE: what an object takes beside its blocks."""
LONG = b"n" * 60
"""A name that no micro ZAP takes."""


def special_number(kind: int) -> int:
    """The object number of the ZAP of a kind of id: -1, -2, -3 as 64 bits (include/sys/dmu.h)."""
    return -kind & UNSIGNED


class Account(NamedTuple):
    """What accounting knows of an object: its user, group and project, and the bytes of its blocks on
    disk."""

    user: int
    group: int
    project: int
    used: int = 0


class Usage(NamedTuple):
    """How one of the three ZAPs is when the object set is new: micro as OpenZFS makes it, or fat, as it is
    once it has had many names. `salt` is 0 for nobody asks."""

    fat: bool
    salt: int


class Accounting:
    """The accounting of one object set. `objects` has the accounts as they are now, `block_shift` the tunable
    fzap_default_block_shift while txgs sync. An object that is made again is another one to accounting: each
    life has a number of its own."""

    def __init__(self, objset: Objset, usages: Mapping[int, Usage], block_shift: int) -> None:
        self.objset = objset
        self.block_shift = block_shift
        self.objects: dict[int, Account] = {}
        self._lives: dict[int, int] = {}
        self._next_life = itertools.count()
        self._synced: dict[int, Account] = {}
        self._changed: dict[int, dict[int, Account | None]] = {}
        objset.fat_block_shift = block_shift
        for kind in KINDS:
            self._claim(kind, usages[kind])
        objset.finish_all_txgs()
        objset.evict_dbufs()
        objset.sync_done = self.sync_done

    @openzfs("zap_micro.c", "zap_create_claim")
    def _claim(self, kind: int, usage: Usage) -> None:
        """Make the ZAP of a kind of id, which OpenZFS does in the first txg of an object set
        (dmu_objset_do_userquota_updates_prep)."""
        objset, tx = self.objset, self.objset.open_tx
        number = special_number(kind)
        objset.allocate(512, tx, number).special = True
        zap.create_in(objset, number, tx, salt=usage.salt)
        if usage.fat:
            zap.add(objset, number, LONG, 8, 1, bytes(8), tx)
            zap.remove(objset, number, LONG, tx)

    def change(self, number: int, account: Account | None) -> None:
        """Note what an object is from now on, in the open txg; None if it is freed."""
        if number not in self.objects:
            self._lives[number] = next(self._next_life)
        self._changed.setdefault(self.objset.open_tx.txg, {})[self._lives[number]] = account
        if account is None:
            del self.objects[number]
        else:
            self.objects[number] = account

    def waiting(self) -> dict[int, int]:
        """In each txg that has not synced, how many objects it has changed."""
        return {txg: len(changed) for txg, changed in self._changed.items()}

    @openzfs("dmu_objset.c", "userquota_updates_task", thread=True)
    def sync_done(self, tx: Tx) -> None:
        """Account for what a txg has written, in syncing context (dmu_objset_sync_done)."""
        changed = self._changed.pop(tx.txg, None)
        if changed is None:
            return
        self.objset.fat_block_shift, self.objset.micro_max_size = self.block_shift, OLD_MAX_BLOCK
        deltas = {kind: Deltas() for kind in KINDS}
        synced = self._synced
        for life, new in changed.items():
            old = synced.pop(life, None)
            for account, sign in ((old, -1), (new, 1)):
                if account is not None:
                    for kind in KINDS:
                        deltas[kind].add(account[kind - 1], account.used, sign)
            if new is not None:
                synced[life] = new
        self._flush(deltas, tx)

    @openzfs("dmu_objset.c", "do_userquota_cacheflush")
    def _flush(self, deltas: Mapping[int, Deltas], tx: Tx) -> None:
        for kind in KINDS:
            for name, delta in deltas[kind].in_order():
                try:
                    helpers.increment(self.objset, special_number(kind), name, delta & UNSIGNED, tx)
                except ZapErrno as error:
                    fail(
                        f"zap_increment(os, {OBJECTS[kind]}, uqn->uqn_id, uqn->uqn_delta, tx) == 0",
                        macro="VERIFY",
                        values=(0, error.code),
                        line=1967,
                    )


class Deltas:
    """What a txg adds to the names of one ZAP (userquota_cache_t)."""

    __slots__ = ("_sums", "_tree")

    def __init__(self) -> None:
        self._sums: dict[bytes, int] = {}
        self._tree = AvlTree()

    def add(self, owner: int, used: int, sign: int) -> None:
        """An object of this owner comes (sign 1) or goes (-1): do_userquota_update,
        do_userobjquota_update."""
        name = b"%x" % owner
        self._update(name, sign * (DNODE_BYTES + used))
        self._update(OBJECT_PREFIX + name, sign)

    @openzfs("dmu_objset.c", "userquota_update_cache")
    def _update(self, name: bytes, delta: int) -> None:
        if name not in self._sums:
            self._tree.insert(name)
            self._sums[name] = 0
        self._sums[name] += delta

    def in_order(self) -> list[tuple[bytes, int]]:
        """Names and sums in the order in which they go to the ZAP."""
        return [(name, self._sums[name]) for name in self._tree.destroyed()]


__all__ = ["KINDS", "Account", "Accounting", "Deltas", "Usage", "special_number"]
