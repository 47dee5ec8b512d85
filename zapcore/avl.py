"""Sorted trees whose shape decides an order that can be seen: avl_destroy_nodes() gives the nodes from the
leaves up, so which comes when depends on the order in which they were put in. From module/avl/avl.c."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_Node = list[Any]
"""Key, left child, right child, how much deeper it is on the right than on the left."""
_KEY, _LEFT, _RIGHT, _BALANCE = range(4)


class AvlTree:
    """An avl_tree_t of byte strings, compared as strcmp() does."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root: _Node | None = None

    def insert(self, key: bytes) -> None:
        """Put in a key that is not there (avl_insert)."""
        path: list[tuple[_Node, int]] = []
        node = self._root
        while node is not None:
            side = _RIGHT if key > node[_KEY] else _LEFT
            path.append((node, side))
            node = node[side]
        new: _Node = [key, None, None, 0]
        if not path:
            self._root = new
            return
        path[-1][0][path[-1][1]] = new
        while path:
            node, side = path.pop()
            old = node[_BALANCE]
            balance = old + (1 if side == _RIGHT else -1)
            if old and balance:
                self._rotate(node, side, path)
                return
            node[_BALANCE] = balance
            if not balance:
                return

    def _rotate(self, node: _Node, side: int, path: list[tuple[_Node, int]]) -> None:
        """Mend a node that has become too deep on one side (avl_rotation)."""
        other = _LEFT + _RIGHT - side
        heavy = 1 if side == _RIGHT else -1
        child: _Node = node[side]
        if child[_BALANCE] == heavy:
            top = child
            node[side] = child[other]
            child[other] = node
            node[_BALANCE] = child[_BALANCE] = 0
        else:
            top = child[other]
            node[side], child[other] = top[other], top[side]
            node[_BALANCE] = -heavy if top[_BALANCE] == heavy else 0
            child[_BALANCE] = heavy if top[_BALANCE] == -heavy else 0
            top[side], top[other] = child, node
            top[_BALANCE] = 0
        if path:
            path[-1][0][path[-1][1]] = top
        else:
            self._root = top

    def destroyed(self) -> Iterator[bytes]:
        """The keys in the order in which avl_destroy_nodes() gives them: each after those below it, those on
        the left first."""
        waiting: list[tuple[_Node, bool]] = [(self._root, False)] if self._root is not None else []
        while waiting:
            node, done = waiting.pop()
            if done:
                yield node[_KEY]
                continue
            waiting.append((node, True))
            waiting += [(node[side], False) for side in (_RIGHT, _LEFT) if node[side] is not None]
