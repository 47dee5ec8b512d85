"""Protects what sync tasks do to ZAPs of the meta object set, byte for byte, on the real libraries."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.generate.themes.sync_tasks import sync_task_program
from fuzz.language.program import Program, Zap
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import few_and_many
from tests.support.known_endings import is_fine_or_known

Make = Callable[..., LibzpoolTarget]
RELEASES = ["2.1", "2.3", "2.4"]


@pytest.mark.parametrize("release", RELEASES)
@few_and_many(8, 30)
def test_random_programs_of_sync_tasks(libzpool: Make, release: str, count: int) -> None:
    target = BothTarget(ModelTarget(release, block_limit=1 << 9), libzpool(release))
    fine = 0
    for number in range(count):
        outcome = run(sync_task_program(Random(number), target.model), target)
        assert is_fine_or_known(outcome), outcome
        fine += outcome.fine
    assert fine >= count * 3 // 5


PASSES = """
zap m fat key=u64 prehashed leaf_shift=9 mos
early
add m 0x0 len=180
add m 0x8000000000000000 len=180
early on=0
remove m 0x0
remove m 0x8000000000000000
add m 0x4000000000000000 len=180
early
add m 0xc000000000000000 len=180
txg
stats m
finish
stats m
sync
"""


@pytest.mark.parametrize("release", RELEASES)
def test_a_zap_is_written_and_changed_again_in_one_txg(libzpool: Make, release: str) -> None:
    """A leaf that the first pass has written is freed, or emptied, and the second pass writes that."""
    program = parse(PASSES)
    target = BothTarget(ModelTarget(release), libzpool(release))
    assert run(program, target).fine
    answers = [result.value for result, _ in target.steps]
    assert answers[-3] == (0,) * 6, "the early ones come first: the other order would be ENOENT"


def test_sync_tasks_beside_accounting(libzpool: Make) -> None:
    """Both in one program, in txgs of their own and in one, and over an import."""
    text = "zap m micro leaf_shift=9 mos\nzap p fat leaf_shift=9 usage=project\nallocate count=4\n"
    text += 'add m "a" int=8\nsync\nchown count=2 id=0x9\nupdate m "a" len=9\ntxg\nreopen\nreaddir p\n'
    text += 'lookup m "a"\n'
    target = BothTarget(ModelTarget("2.4"), libzpool("2.4"))
    assert run(parse(text), target).fine


def test_tasks_that_no_txg_has_done_disturb_no_other_program(libzpool: Make) -> None:
    """They are dropped with the worker."""
    left = Program((Zap("m", words=1, mos=True, leaf_shift=9),), parse(PASSES).ops[:4])
    plain = parse("zap z fat key=u64 prehashed leaf_shift=9\nadd z 0x1\ntxg\ncount z\n")
    target = BothTarget(ModelTarget("2.4"), libzpool("2.4"))
    for program in (left, plain, left, left, plain):
        assert run(program, target).fine


@pytest.mark.parametrize("release", RELEASES)
def test_keys_that_are_numbers_are_for_zaps_of_names_alone(libzpool: Make, release: str) -> None:
    """zap_increment_int() of a ZAP with keys of words aborted the library, which has nothing against it."""
    text = "zap m fat key=u64 prehashed mos\nadd m 0x1 len=1\nadd_int m id=0x2\n"
    text += "increment_int m id=0x2 delta=0x1\nremove_int m id=0x2\nsync\ncount m\n"
    assert run(parse(text), BothTarget(ModelTarget(release), libzpool(release))).fine
