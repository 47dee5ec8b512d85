"""Protects the order in which accounting writes names: that of a tree's nodes from the leaves up."""

from __future__ import annotations

import math
from random import Random

from zapcore.avl import AvlTree


def order(keys: list[bytes]) -> list[bytes]:
    tree = AvlTree()
    for key in keys:
        tree.insert(key)
    return list(tree.destroyed())


def test_each_rotation() -> None:
    """By hand, after module/avl/avl.c: a chain to one side turns over, a zigzag's middle comes to the top."""
    for keys in ([b"a", b"b", b"c"], [b"c", b"b", b"a"], [b"a", b"c", b"b"], [b"c", b"a", b"b"]):
        assert order(keys) == [b"a", b"c", b"b"]
    assert order([b"b", b"a", b"c", b"d", b"e"]) == [b"a", b"c", b"e", b"d", b"b"]
    assert order([b"d", b"b", b"f", b"a", b"c", b"e", b"g"]) == [b"a", b"c", b"b", b"e", b"g", b"f", b"d"]


def test_trees_stay_sorted_and_flat() -> None:
    """An order from the leaves up of a sorted tree says what the tree is: it is built again from that."""
    for number in range(60):
        rng = Random(number)
        keys = [b"%x" % key for key in rng.sample(range(1 << 20), rng.randrange(1, 400))]
        found = order(keys)
        assert sorted(found) == sorted(keys)

        def depth(part: list[bytes]) -> int:
            if not part:
                return 0
            *below, top = part
            left = [key for key in below if key < top]
            assert below[: len(left)] == left, "those on the left come first"
            sides = depth(left), depth(below[len(left) :])
            assert abs(sides[0] - sides[1]) <= 1
            return 1 + max(sides)

        assert depth(found) <= 1.45 * math.log2(len(keys) + 2)


def test_nothing_comes_of_an_empty_tree() -> None:
    assert order([]) == []
