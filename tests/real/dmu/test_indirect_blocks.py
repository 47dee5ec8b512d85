"""Protects dbufs of indirect blocks: levels, which are on disk, and in how many txgs each is dirty, as on
real libraries after every op; and that the comparison tells what is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, applied
from fuzz.generate.themes.levels import levels_program
from fuzz.language.program import Program
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from zapcore.dmu.indirect import IndirectDnode

Make = Callable[..., LibzpoolTarget]
RELEASES = ("2.1", "2.3", "2.4")
DEEP = parse("""\
zap z fat key=u64 prehashed leaf_shift=9 indirect_shift=9
add z 0x0 len=148
add z 0x20000000000000 len=148
txg
add z 0x4000000000000000 len=148
evict
finish
add z 0x10000000000000 len=148
txg
remove z 0x0
remove z 0x20000000000000
evict
sync
evict
add z 0x0 len=148
reopen
remove z 0x10000000000000
crash
destroy z
txg
create z
add z 0x0 len=148
sync
""")


@pytest.mark.parametrize("release", RELEASES)
def test_levels_are_those_of_the_library(libzpool: Make, release: str) -> None:
    target = BothTarget(ModelTarget(release), libzpool(release))
    assert run(DEEP, target).fine
    target.model.begin(DEEP)
    for op in DEEP.ops[:8]:
        target.model.apply(op)
    dnode = target.model.objset.dnodes[1]
    assert isinstance(dnode, IndirectDnode) and dnode.levels == 4
    assert {level for level, _ in dnode.pointers} == {1, 2, 3}


@pytest.mark.parametrize("release", RELEASES)
def test_random_objects_of_several_levels(libzpool: Make, release: str) -> None:
    target = BothTarget(ModelTarget(release, block_limit=1 << 9), libzpool(release))
    rng = random.Random(11)
    ends = [run(levels_program(rng), target) for _ in range(5)]
    assert not [end for end in ends if end.failure and end.failure.signature.kind == "difference"], ends
    assert any(end.fine for end in ends), ends


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (
            Edit("dmu.indirect:IndirectDnode.write_ready", "sum(self._fills(dbuf))", "1"),
            "indirect block 3 of level 1: model on disk, dirty in 0 txgs, real a hole, not dirty",
        ),
        (
            Edit("dmu.indirect:IndirectDnode.free_range", "if last != first:", "if False:"),
            "indirect block",
        ),
    ],
)
def test_what_no_byte_shows_is_told(libzpool: Make, edit: Edit, told: str) -> None:
    target = BothTarget(ModelTarget("2.3"), libzpool("2.3"))
    with applied(edit):
        failure = run(Program(DEEP.zaps, DEEP.ops[:14]), target, judge=False).failure
    assert failure is not None
    assert told in failure.text, failure.text
