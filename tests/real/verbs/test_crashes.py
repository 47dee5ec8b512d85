"""Protects crashes: what the last synced txg held is there again on the real libraries, byte for byte as on
the model, and nothing else."""

from __future__ import annotations

import errno
from collections.abc import Callable
from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.generate.themes.crashes import crash_program
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget

Make = Callable[..., LibzpoolTarget]
PROGRAMS = 5
TEXT = """
zap z fat key=u64 prehashed leaf_shift=9
zap d micro leaf_shift=9
add z 0x0 len=148
add d "a" int=8
sync
update d "b" len=2
add z 0x8000000000000000 len=148
txg
remove z 0x0
destroy d
finish
remove z 0x8000000000000000
crash
count d
remove z 0x8000000000000000
remove z 0x0
txg
destroy z
txg
create z
txg
add z 0x1
crash
add d "c" int=8
crash
count z
"""


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_what_had_synced_is_there(libzpool: Make, release: str) -> None:
    """With txgs closed and in flight, a ZAP that became fat, one destroyed and one made again; then random
    programs."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    assert run(parse(TEXT), target).fine
    for number in range(PROGRAMS):
        program = crash_program(Random(f"crashes {number}"), target.model)
        outcome = run(program, target)
        assert outcome.failure is None or outcome.failure.signature.kind == "oracle", outcome


def test_a_crash_is_no_sync(libzpool: Make) -> None:
    """The same without the crash is another outcome, so that the comparison above is of something."""
    target = libzpool("2.3")
    lost = target.run_program(parse('zap d micro\nsync\nadd d "a" int=8\ncrash\ncount d\n'))
    kept = target.run_program(parse('zap d micro\nsync\nadd d "a" int=8\nreopen\ncount d\n'))
    assert [lost[-1].value, kept[-1].value] == [0, 1]


def test_what_never_was_on_disk_stays_away(libzpool: Make) -> None:
    """A crash before the header's ZAPs are on disk, and another one after a sync that brought nothing."""
    program = parse('zap z micro\ncrash\nsync\ncrash\nadd z "a" int=8\ncreate z\nsync\ncrash\ncount z\n')
    target = BothTarget(ModelTarget("2.4"), libzpool("2.4"))
    assert run(program, target).fine
    assert [result.errno for result, _ in target.steps] == [0, 0, 0, errno.ENOENT, 0, 0, 0, 0]
