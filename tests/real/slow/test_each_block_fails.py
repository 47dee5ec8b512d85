"""Each block of an object in turn cannot be read under each op: no hold is left, no byte is wrong, but for
what the findings say."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable

import pytest

from fuzz.execution.execute import run
from fuzz.language.program import Op, Program
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model import ModelTarget
from tests.real.verbs.test_read_errors import GROWING

Make = Callable[..., LibzpoolTarget]
FINDINGS = ("zap:failed-op", "zap:locks-at-rest", "zap.c:zap_table_grow")
OPS = (
    *(Op(verb, "z", key) for verb in ("length", "contains", "remove") for key in ((0,), (1 << 62,))),
    *(Op("update", "z", (key << 56,), 1, 148) for key in (0x00, 0x41, 0xD0)),
    *(Op("add", "z", (key << 56,), 1, 148) for key in (0x01, 0x50, 0xC1)),
    *(Op("stats", "z"), Op("count", "z"), Op("increment", "z", (5,), fill=1)),
)


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_each_block_fails_under_each_op(libzpool: Make, release: str) -> None:
    """Each block of one object in turn, each op on it alone, then all is well again: the same entries, and no
    block that is held."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    grown = parse(GROWING)
    assert run(grown, target.model, judge=False).fine
    blocks = target.model.blocks("z")
    assert blocks is not None
    looks = (
        Op("heal", "z"),
        Op("cursor", "c", other="z"),
        *[Op("next", "c")] * 5,
        Op("close", "c"),
        Op("reopen"),
    )
    ends: Counter[str] = Counter()
    for blkid, block in enumerate(blocks):
        for op in OPS if any(block) else ():
            ops = (*grown.ops, Op("fail", "z", length=1, fill=blkid, extra=errno.EIO), op, *looks)
            outcome = run(Program(grown.zaps, ops), target)
            ends[outcome.failure.signature.place if outcome.failure else str(outcome)] += 1
    assert ends.total() == len(OPS) * sum(map(any, blocks)) and ends.keys() <= {"fine", *FINDINGS}, ends
