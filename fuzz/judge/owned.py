"""Objects that somebody owns, as the oracle knows them: what each txg has changed, and what each id has then.

It adds up by itself what OpenZFS's accounting should have come to. Nothing of leaves or dnodes is here.
"""

from __future__ import annotations

from typing import NamedTuple

from zapcore.avl import AvlTree

MOST_IN_FLIGHT = 2
"""Txgs that are closed and have not synced: to close one more, the oldest ends."""
ALONE = 512
"""Bytes that an object counts for beside those of its blocks."""


class Object(NamedTuple):
    """Its user, group and project, and its blocks in bytes."""

    ids: tuple[int, int, int]
    used: int


Changes = dict[int, Object | None]
"""What a txg has changed, by object, in the order in which it did so first; None for an object that is
gone."""
Sums = list[tuple[bytes, int]]
"""For the names of one ZAP, in the order in which they are written: what is added."""


class Owned:
    """The objects of a program. `now` has those that are there, with what the ops have made of them."""

    __slots__ = ("_closed", "_lives", "_made", "_open", "_synced", "now")

    def __init__(self) -> None:
        self.now: dict[int, Object] = {}
        self._lives: dict[int, int] = {}
        self._made = 0
        self._open: Changes = {}
        self._closed: list[Changes] = []
        self._synced: dict[int, Object] = {}

    def change(self, number: int, new: Object | None) -> None:
        """An object is another one from now on, or is gone."""
        if number not in self.now:  # made again, an object is another one
            self._made += 1
            self._lives[number] = self._made
        self._open[self._lives[number]] = new
        if new is None:
            del self.now[number]
        else:
            self.now[number] = new

    def due(self, verb: str) -> list[Changes]:
        """What syncs during an op of this verb, the oldest first."""
        closed = self._closed
        if verb in ("sync", "reopen"):
            due, self._closed = [*closed, self._open], []
            self._open = {}
            return due
        many = verb in ("finish", "spa_sync") or len(closed) == MOST_IN_FLIGHT
        due = [closed.pop(0)] if many and closed else []
        if verb == "txg":
            closed.append(self._open)
            self._open = {}
        return due

    def settle(self, changes: Changes) -> tuple[Sums, Sums, Sums]:
        """What one txg adds to the names of users, of groups and of projects."""
        sums: tuple[dict[bytes, int], ...] = ({}, {}, {})
        for number, new in changes.items():
            for each, sign in ((self._synced.pop(number, None), -1), (new, 1)):
                if each is None:
                    continue
                for owner, of_kind in zip(each.ids, sums, strict=True):
                    name = f"{owner:x}".encode()
                    of_kind[name] = of_kind.get(name, 0) + sign * (ALONE + each.used)
                    name = b"obj-" + name
                    of_kind[name] = of_kind.get(name, 0) + sign
            if new is not None:
                self._synced[number] = new
        users, groups, projects = map(_in_order, sums)
        return users, groups, projects


def _in_order(sums: dict[bytes, int]) -> Sums:
    tree = AvlTree()
    for name in sums:
        tree.insert(name)
    return [(name, sums[name]) for name in tree.destroyed()]
