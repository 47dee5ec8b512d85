"""Protects the truth of the model's assertions: after the same damage to a leaf or header in memory, every op
ends on the real libraries as it ends on the model, in the same assertion or with the same bytes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from fuzz.execution.result import Result
from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program
from fuzz.targets.libzpool.locate import NoLibrary
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import only_now
from tests.support.missing import missing
from tests.support.wrong_libraries.damaging import DamagingTarget
from tests.zapcore.zap import test_assertions as damages
from tests.zapcore.zap.test_assertions import (
    ADD,
    BELOW,
    FIRST,
    LOOKUP,
    NEXT,
    REMOVE,
    SECOND,
    SPLIT,
    UPDATE,
    ZAP,
)
from zapcore.dmu.dbuf import Dbuf
from zapcore.release import PINNED

DAMAGES = (
    *(damages.bad_bucket, damages.bad_type, damages.chain_to_itself, damages.bad_name, damages.bad_value),
    *(damages.value_is_entry, damages.bad_free_list, damages.free_list_in_use, damages.all_are_free),
    *(damages.bad_leaf_magic, damages.bad_prefix, damages.no_entries, damages.table_elsewhere),
)
OPS = {
    "add": (ADD, 4),
    "add that splits": (SPLIT, 4),
    "lookup": (LOOKUP, 5),
    "lookup along a chain": (LOOKUP._replace(key=damages.SAME_HASH), 6),
    "remove": (REMOVE, 8),
    "update": (UPDATE, 9),
    "next": (NEXT, 7),
}
"""Each with how many different failures the damages must give it at least."""

UNDEFINED = ("the chain of a bucket ends", "the chunks of an array are in its leaf")
"""What OpenZFS does not assert: it goes round for ever, or on with what it reads behind the block."""
READS_FIRST = ("zap_leaf.c:zap_leaf_transfer_array", "zap_leaf.c:zap_leaf_array_free")
HANG_SECONDS = 2.5

End = Result | tuple[str, str, str]


def end_of(target: ModelTarget | DamagingTarget, op: Op) -> End:
    """The op's result, or the failure of its own that it ended with."""
    try:
        return target.apply(op)
    except Failure as failure:
        return failure.signature.key


def damaged(dbuf: Dbuf, before: bytes) -> list[tuple[int, bytes]]:
    """The bytes of a block that are not what they were, each with its offset in the object."""
    now = bytes(dbuf.buf.raw)
    start = dbuf.blkid * len(now)
    return [(start + at, now[at : at + 1]) for at in range(len(now)) if now[at] != before[at]]


def alike(model: End, real: End) -> bool:
    """Whether two ends are the same, as far as OpenZFS defines its own."""
    if model == real:
        return True
    if isinstance(model, Result):
        return False
    if model[2] in UNDEFINED:
        return isinstance(real, Result) or real[0] in ("hang", "signal")
    # these have read the chunk before they assert anything, and what is behind the block may not be memory
    return model[1] in READS_FIRST and real[0] == "signal"


def compare(real: DamagingTarget, release: str, damage: Callable[[Dbuf, Dbuf], None], op: Op) -> End:
    """Damage both worlds, run the op on both; how it ended on the model."""
    keys = (FIRST, BELOW if op is SPLIT else SECOND)
    ops = (*(Op("add", "z", key, 1, 30) for key in keys), Op("cursor", "c", other="z"))
    program = Program((ZAP,), (*ops, op))
    model = ModelTarget(release)
    for target in (model, real):
        target.begin(program)
        for each in ops:
            target.apply(each)
    dnode = model.objset.dnode(model.numbers["z"])
    held = [dnode.hold(blkid, "test") for blkid in (0, 1)]
    before = [bytes(dbuf.buf.raw) for dbuf in held]
    damage(held[0], held[1])
    for offset, data in itertools.chain.from_iterable(map(damaged, held, before)):
        real.damage(offset, data)
    for dbuf in held:
        dbuf.rele("test")
    ends = end_of(model, op), end_of(real, op)
    assert alike(*ends), (damage.__name__, op, *ends)
    if all(isinstance(end, Result) for end in ends):
        assert model.blocks("z") == real.blocks("z"), (damage.__name__, op)
    else:
        real.close()  # what goes on where the model ends may have read or written anything
    return ends[0]


@pytest.fixture(scope="module")
def targets() -> Iterator[dict[str, DamagingTarget]]:
    """By release; a worker serves all that it lives through."""
    made: dict[str, DamagingTarget] = {}
    yield made
    for target in made.values():
        target.close()


CASES = list(itertools.product(OPS, PINNED))
IN_TURN = [(what, list(PINNED)[number % len(PINNED)]) for number, what in enumerate(OPS)]
"""`make test` has each op on one of the releases."""


@only_now("case", IN_TURN, CASES, ids="-".join)
def test_damage_ends_each_op_as_it_does_on_the_real_library(
    targets: dict[str, DamagingTarget], case: tuple[str, str]
) -> None:
    """Every damage, and how one op ends after it."""
    what, release = case
    if release not in targets:
        try:
            targets[release] = DamagingTarget(release, deadline=HANG_SECONDS)
        except NoLibrary as reason:
            missing(reason)
    op, least = OPS[what]
    ends = [compare(targets[release], release, damage, op) for damage in DAMAGES]
    failed = {end for end in ends if not isinstance(end, Result)}
    assert len(failed) >= least, failed
