"""Protects moves: what one release has written another reads, changes and gives back, byte for byte as on the
model, with the leaves that the older one never joined and the chunks in its order."""

from __future__ import annotations

import errno
from collections.abc import Callable
from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.generate.themes.moves import moving_program
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.known_endings import is_fine_or_known

Make = Callable[..., LibzpoolTarget]
PROGRAMS = 3
TEXT = """
zap z micro
zap y fat key=u64 prehashed leaf_shift=9
zap x fat hash64 leaf_shift=9
add y 0x0 len=148
add y 0x8000000000000000 len=148
add z "a" int=8
txg
remove y 0x0
remove y 0x8000000000000000
cursor c y
move to=23
next c
add y 0x0 len=148
add y 0x8000000000000000 len=148
remove y 0x0
remove y 0x8000000000000000
touch z "b"
exchange z z "a" "b"
destroy x
move to=24
create x
add x "q" len=148
add y 0x0 len=148
cursor c y
next c
move to=21
exchange z z "a" "b"
prefetch_object z
destroy x
sync
crash
create x
readdir z
move to=24
txg
move to=23
move to=21
count y
"""


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_a_pool_goes_around_and_comes_back(libzpool: Make, release: str) -> None:
    """Every way from each release to each; then random programs."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    assert run(parse(TEXT), target).fine
    for number in range(PROGRAMS):
        program = moving_program(Random(f"moves {release} {number}"), target.model)
        outcome = run(program, target)
        assert is_fine_or_known(outcome), outcome


def test_each_release_does_as_it_does(libzpool: Make) -> None:
    """Two empty leaves that 2.1 leaves behind are joined when 2.3 empties one of them again; so it is another
    library that does these ops."""
    text = """
    zap y fat key=u64 prehashed leaf_shift=9
    add y 0x0 len=148
    add y 0x8000000000000000 len=148
    remove y 0x0
    remove y 0x8000000000000000
    stats y
    move to=23
    add y 0x0 len=148
    remove y 0x0
    stats y
    """
    answers = libzpool("2.1").run_program(parse(text))
    leaves = [list(answers[at].value)[10] for at in (4, 8)]  # type: ignore[arg-type]
    assert leaves == [2, 1]


def test_what_cannot_move_stays(libzpool: Make) -> None:
    """Names that 2.1 has no room for, and ZAPs that change in sync."""
    for head, last in (("zap z micro", f'add z "{"n" * 256}"'), ("zap z micro mos", "sync")):
        program = parse(f"{head}\n{last}\nmove to=21\ncount z\n")
        target = BothTarget(ModelTarget("2.3"), libzpool("2.3"))
        assert run(program, target).fine
        assert target.steps[1][0].errno == errno.ENOTSUP


def test_the_dead_are_told_apart(libzpool: Make) -> None:
    """A library that dies where the pool is tells which op it was; the next program begins at home."""
    program = parse('zap z micro\nmove to=24\nadd z "a" int=8\nprefetch z "a" blind=1\ncount z\n')
    target = libzpool("2.3")
    outcome = run(program, target)
    assert outcome.failure is not None and outcome.failure.op == 2, outcome
    assert outcome.failure.signature.place == "?:fzap_prefetch"
    assert run(parse(TEXT), target).fine
