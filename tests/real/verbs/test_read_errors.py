"""Protects reads that fail: the real libraries meet each error where the model does, and have its
blocks, holds and user data afterwards."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from fuzz.corpus.reproducer import folders, read_reproducer
from fuzz.execution.execute import run
from fuzz.generate.read_errors import read_error_program
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model import ModelTarget
from tests.support.paths import CORPUS

Make = Callable[..., LibzpoolTarget]
PROGRAMS = 8


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_random_programs_about_reads_that_fail(libzpool: Make, release: str) -> None:
    """Compared after each op. Both kinds of errors are met by what reads and by what writes."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    errors: Counter[tuple[str, int]] = Counter()
    known = {
        outcome
        for folder in folders([CORPUS / "findings"])
        for outcome in read_reproducer(folder).expect.values()
    }
    for number in range(PROGRAMS):
        program = read_error_program(Random(f"read errors {number}"), target.model)
        outcome = run(program, target)
        assert outcome.failure is None or str(outcome) in known, outcome
        errors.update(
            (op.verb, result.errno) for op, (result, _) in zip(program.ops, target.steps, strict=False)
        )
    for verb in ("add", "remove"):
        assert errors[verb, errno.EIO] and errors[verb, errno.EBADE], errors


GROWING = """
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=148
add z 0x100000000000000 len=148
add z 0x4000000000000000 len=148
add z 0xc000000000000000 len=148
sync
"""
"""A table of four blocks that has begun to grow."""


def test_what_looks_at_blocks_between_ops_brings_nothing_back(libzpool: Make) -> None:
    """After each op all blocks are read to be compared, which must not be where the next op finds them."""
    program = parse(GROWING + "fail z many=255 block=1\n").with_ops([])
    ops = [
        *parse(GROWING).ops,
        Op("fail", "z", length=255, fill=1, extra=5),
        *[Op("contains", "z", (0,))] * 3,
    ]
    target = BothTarget(ModelTarget("2.4"), libzpool("2.4"))
    assert run(program.with_ops(ops), target).fine
    assert [result.errno for result, _ in target.steps[-3:]] == [errno.EIO] * 3


def test_a_read_of_a_hole_or_of_a_block_in_memory_does_not_fail(libzpool: Make) -> None:
    """No read from disk is needed for what is dirty, held by a cursor, or nowhere on disk."""
    zap = Zap("z", words=1, prehashed=True, leaf_shift=9)
    before = (Op("add", "z", (0,), 1, 148), Op("fail", "z", length=9, extra=5), Op("contains", "z", (0,)))
    held = (Op("heal", "z"), Op("sync"), Op("cursor", "c", other="z"), Op("next", "c"))
    after = (
        Op("fail", "z", length=9, extra=5),
        Op("contains", "z", (0,)),
        Op("add", "z", (1 << 63,), 1, 148),
    )
    for release in ("2.1", "2.3", "2.4"):
        target = BothTarget(ModelTarget(release), libzpool(release))
        assert run(Program((zap,), (*before, *held, *after)), target).fine
        assert not any(result.errno for result, _ in target.steps)
