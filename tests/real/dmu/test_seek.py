"""Where data is and where a hole: random programs ask for it, and the real library's answers are the model's.

`dnode_is_dirty` says EBUSY of what is not on disk. Searches go through pointers of one level and of two, from
any byte on, also behind the end and where a shift wraps around.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.execution.result import DONE, Result
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget

Make = Callable[..., LibzpoolTarget]
RELEASES = ("2.1", "2.3", "2.4")
FAT = Zap("z", words=1, prehashed=True, leaf_shift=9)
MICRO = Zap("z", fat=False)


def _place(rng: Random) -> int:
    return rng.choice(
        (rng.randrange(16) << 9, rng.randrange(1 << 14), rng.randrange(1 << 40), 1 << rng.randrange(64))
    )


def _program(rng: Random) -> Program:
    """Leaves come and go, and each time all of it is on disk, or not quite, some searches follow."""
    keys = [(rng.getrandbits(4) << 60,) for _ in range(rng.randint(1, 12))]
    ops: list[Op] = []
    for _ in range(rng.randint(2, 6)):
        for key in rng.choices(keys, k=rng.randint(1, 12)):
            ops.append(Op("add", "z", key, 1, 148) if rng.random() < 0.6 else Op("remove", "z", key))
        ops.append(Op(rng.choice(("sync", "sync", "sync", "txg", "finish"))))
        ops += [Op("seek", "z", fill=_place(rng), extra=rng.randrange(2)) for _ in range(8)]
    return Program((FAT,), tuple(ops))


@pytest.mark.parametrize("release", RELEASES)
def test_random_searches(libzpool: Make, release: str) -> None:
    target, rng = BothTarget(ModelTarget(release), libzpool(release)), Random(release)
    levels, answers = set(), set()
    for _ in range(40):
        outcome = run(_program(rng), target)
        assert outcome.fine, outcome
        levels.add(target.model.objset.dnodes[target.model.numbers["z"]].stable_levels)
        answers |= {result.errno for result, _ in target.steps}
    assert levels >= {1, 2}
    assert answers >= {0, errno.EBUSY, errno.ESRCH}


@pytest.mark.parametrize("release", RELEASES)
def test_a_block_without_a_shift(libzpool: Make, release: str) -> None:
    """A micro ZAP's block may have any multiple of 512 bytes: there is one, then."""
    names = [Op("add", "z", b"name %d" % number, 8, 1) for number in range(20)]
    steps = (
        (Op("seek", "z"), Result(errno.EBUSY)),
        (Op("sync"), DONE),
        (Op("seek", "z", fill=100), Result(0, 100)),
        (Op("seek", "z", fill=100, extra=1), Result(0, 1536)),
        (Op("seek", "z", fill=1536), Result(errno.ESRCH)),
        (Op("destroy", "z"), DONE),
        (Op("seek", "z"), Result(errno.ENOENT)),
    )
    for target in (ModelTarget(release), libzpool(release)):
        target.begin(Program((MICRO,), ()))
        for op in names:
            assert target.apply(op) == DONE
        for op, result in steps:
            assert target.apply(op) == result, (target.name, op)
        target.end()
