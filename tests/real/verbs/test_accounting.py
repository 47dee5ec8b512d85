"""Protects user accounting: the ZAPs of usage are byte for byte as OpenZFS's syncing context keeps them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.faults.remedies import switched_on
from fuzz.generate.ids_for_hash import ids_for_hash
from fuzz.generate.themes.usage import usage_program
from fuzz.judge.signature import Failure
from fuzz.language.program import DEFAULT_SALT, Op, Program, Zap, keeps_usage
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import few_and_many

Make = Callable[..., LibzpoolTarget]


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
@few_and_many(4, 20)
def test_random_programs_about_accounting(libzpool: Make, release: str, count: int) -> None:
    """Whole programs, compared after each op; those that end in the known panics compare these."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    ends: set[str] = set()
    for number in range(count):
        program = usage_program(Random(number), target.model)
        assert keeps_usage(program)
        outcome = run(program, target)
        kinds = {"assertion"} if outcome.failure is not None else {"fine"}
        ends |= kinds
        assert outcome.failure is None or outcome.failure.signature.kind == "assertion", outcome
        assert outcome.limit is None, outcome
    assert ends == {"assertion", "fine"}


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_two_thousand_ids_make_a_micro_zap_fat_while_a_txg_syncs(libzpool: Make, release: str) -> None:
    """Through every size of a micro ZAP's block, in one txg and in two."""
    ops = [
        Op("allocate", size=250, length=250 * turn, fill=0x1000 + 250 * turn, extra=4) for turn in range(4)
    ]
    more = [Op("allocate", size=30, length=1000, fill=0xFFFFFFF0, extra=4), Op("txg"), Op("sync")]
    program = parse("zap p micro usage=project\n").with_ops([*ops, Op("sync"), *more, Op("readdir", "p")])
    target = BothTarget(ModelTarget(release), libzpool(release))
    outcome = run(program, target)
    assert outcome.fine, outcome
    assert len(target.steps) == len(program.ops)
    model = ModelTarget(release)
    run(program, model)
    blocks = model.blocks("p")
    assert blocks is not None and len(blocks[0]) == 1 << 14, "it is fat, with leaves of the usual size"


PANICS = {
    "2.1": ("dbuf.c:dbuf_undirty", "a table that has grown frees the old one"),
    "2.3": ("dbuf.c:dbuf_undirty", "zap_shrink() frees a leaf"),
    "2.4": ("dnode.c:dnode_free_range", "zap_shrink() frees a leaf, and is not the thread that syncs"),
}
SHRINKS = "zap p fat usage=project leaf_shift=9\nallocate count=40\nsync\nfree count=40\nsync\n"
CROWD = itertools.islice(ids_for_hash(DEFAULT_SALT, 0, 8, Random(1)), 8)
GROWS = "zap p fat usage=project leaf_shift=9\n" + "".join(
    f"allocate first={place} id={owner:#x} whose=4\n" for place, owner in enumerate(CROWD)
)
"""More ids than a leaf takes whose hashes agree in eight bits."""


@pytest.mark.parametrize("release", PANICS)
def test_where_syncing_context_may_not_free_a_block(libzpool: Make, release: str) -> None:
    """The assertions of each release, met by both sides in the same place."""
    program = parse((GROWS if release == "2.1" else SHRINKS) + "sync\n")
    outcome = run(program, BothTarget(ModelTarget(release), libzpool(release)))
    assert outcome.failure is not None and outcome.failure.signature.place == PANICS[release][0], outcome


@pytest.mark.parametrize("release", PANICS)
def test_behind_the_assertions_each_byte_is_the_models(libzpool: Make, release: str) -> None:
    """With the remedy both sides pass over them, and over no other; without it they are there again."""
    program = parse(SHRINKS + "allocate count=40\nsync\n")
    target = BothTarget(ModelTarget(release), libzpool(release))
    before = str(run(program, target))
    with switched_on(["usage-frees-blocks"]):
        assert run(program, target).fine and len(target.steps) == len(program.ops)
        assert run(parse(GROWS + "sync\n"), target).fine
        with pytest.raises(Failure) as died:
            target.real.go_wrong("assertion")
        assert died.value.signature.kind == "assertion"
    assert str(run(program, target)) == before


def test_a_program_that_leaves_accounting_undone_disturbs_no_other(libzpool: Make) -> None:
    """What has not synced when a program ends never does, on either side."""
    undone = parse("zap p fat usage=project leaf_shift=9\nallocate count=40\nsync\nfree count=40\ntxg\n")
    plain = parse("zap z fat key=u64 prehashed leaf_shift=9\nadd z 0x1\ntxg\ncount z\n")
    target = BothTarget(ModelTarget("2.4"), libzpool("2.4"))
    for program in (undone, plain, undone, undone, plain):
        assert run(program, target).fine
    outcomes = list(target.real.run_many([plain, undone, plain, plain, undone]))
    assert [program for program, _ in outcomes].count(undone) == 2
    assert all(isinstance(outcome, list) for _, outcome in outcomes), outcomes


def test_each_kind_of_usage_is_another_zap(libzpool: Make) -> None:
    """Users, groups and projects, with salts of their own."""
    zaps = tuple(
        Zap(name, fat=fat, leaf_shift=9, salt=salt, usage=kind)
        for name, fat, salt, kind in (("a", True, 5, 3), ("b", False, 7, 1), ("c", True, 9, 2))
    )
    text = "allocate count=5\nchown count=2 id=0x10 whose=2\nsync\nreopen\n"
    looks = tuple(Op("readdir", zap.name) for zap in zaps)
    program = Program(zaps, (*parse("zap z micro\n" + text).ops, *looks))
    assert run(program, BothTarget(ModelTarget("2.4"), libzpool("2.4"))).fine
