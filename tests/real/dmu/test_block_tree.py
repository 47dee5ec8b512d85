"""Protects the comparison of levels and of holes on disk, after every op."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, applied
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget

Make = Callable[..., LibzpoolTarget]
RELEASES = ("2.1", "2.3", "2.4")
FAT = Zap("z", words=1, prehashed=True, leaf_shift=9)


def put(key: int) -> Op:
    return Op("add", "z", (key << 60,), 1, 148, 1)


def tree(levels: int, *blocks: int) -> bytes:
    return bytes((levels,)) + b"".join(block.to_bytes(4, "little") for block in blocks)


@pytest.mark.parametrize("release", RELEASES)
def test_levels_and_blocks_on_disk(libzpool: Make, release: str) -> None:
    """In memory the object grows at once, on disk when the txg syncs. Where leaves are freed when they are
    empty, so is their block. On both sides."""
    shrunk = tree(2, 0, 1, 2, 3) if release == "2.1" else tree(2, 0, 1)
    steps = (
        (put(0), tree(1)),
        (put(15), tree(1)),
        (Op("txg"), tree(1)),
        (Op("finish"), tree(1, 0, 1, 2)),
        (put(7), tree(2, 0, 1, 2)),
        (Op("txg"), tree(2, 0, 1, 2)),
        (Op("finish"), tree(2, 0, 1, 2, 3)),
        *((Op("remove", "z", (key << 60,)), tree(2, 0, 1, 2, 3)) for key in (0, 7, 15)),
        (Op("sync"), shrunk),
        (Op("reopen"), shrunk),
    )
    for target in (ModelTarget(release), libzpool(release)):
        target.begin(Program((FAT,), ()))
        for op, seen in steps:
            assert target.apply(op).errno == 0
            assert target.block_tree("z") == seen, (target.name, op)
        target.end()


def test_a_level_that_no_byte_shows_is_told(libzpool: Make) -> None:
    target = BothTarget(ModelTarget("2.3"), libzpool("2.3"))
    program = Program((FAT,), (put(0), put(15), put(7)))
    assert run(program, target).fine
    with applied(Edit("dmu.dnode:Dnode._new_blkid", "while reach <= blkid:", "while reach < blkid:")):
        failure = run(program, target, judge=False).failure
    assert failure is not None
    assert failure.signature.expression == "add tree"
    assert failure.text == "op 2: levels: model 01, real 02"


def test_a_hole_that_no_byte_shows_is_told(libzpool: Make) -> None:
    """A freed block whose pointer stays reads as zeros until its dbuf goes."""
    target = BothTarget(ModelTarget("2.3"), libzpool("2.3"))
    removes = tuple(Op("remove", "z", (key << 60,)) for key in (0, 15))
    program = Program((FAT,), (put(0), put(15), Op("sync"), *removes, Op("txg"), Op("finish")))
    assert run(program, target).fine
    edit = Edit(
        "dmu.dnode:Dnode._sync_free_range",
        "self.stable.pop(blkid, None)",
        "self.stable[blkid] = bytes(self.block_size)",
    )
    with applied(edit):
        failure = run(program, target, judge=False).failure
    assert failure is not None
    assert failure.signature.expression == "finish tree"
    assert failure.text == "op 6: block 2 on disk: model data, real a hole"
