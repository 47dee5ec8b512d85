"""Seeded faults.

They protect: that each mutant fits the model as it is, is noticed by the judge that it names on a short
program (found by random programs, then cut down; corpus/mutants), where the model itself is fine; that
those seen by their bytes alone are seen by nothing else; and that nothing of a mutant stays behind.
"""

from __future__ import annotations

import re
from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.execution.result import Outcome
from fuzz.faults.edits import Edit, applied
from fuzz.faults.remedies import switched_on
from fuzz.faults.seeded import BESIDE_SYNC, CONCURRENT, MUTANTS, SLIP, Mutant
from fuzz.language.program import Program
from fuzz.language.syntax import load
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import MUTANTS as PROGRAMS
from tests.support.programs.structure_changing_programs import biased_program
from zapcore.zap import leaf, split

ALL = pytest.mark.parametrize("mutant", MUTANTS.values(), ids=[*MUTANTS])
DIFFERENTIAL = [mutant for mutant in MUTANTS.values() if mutant.differential]
JUDGES = {"oracle", "invariant", "bytes"}
ENDS = {"assertion", "deadlock", "use-after-free", "type-confusion", "suspended"}


def bytes_after_each_op(program: Program, release: str) -> tuple[Outcome, list[object]]:
    """How a run ends, and every block after each op."""
    target = ModelTarget(release, block_limit=1 << 11)
    seen: list[object] = []
    outcome = run(
        program,
        target,
        trace=lambda index, op, result: seen.append([target.blocks(zap.name) for zap in program.zaps]),
    )
    return outcome, seen


def test_there_are_enough_of_each() -> None:
    assert len(MUTANTS) >= 25
    assert len(DIFFERENTIAL) >= 8
    commits = [mutant for mutant in MUTANTS.values() if mutant.origin != SLIP]
    assert len(commits) >= 5
    assert all(re.fullmatch(r"[0-9a-f]{10}", mutant.origin) for mutant in commits)
    assert {path.stem for path in PROGRAMS.glob("*.zap")} == {*MUTANTS, *CONCURRENT, *BESIDE_SYNC}
    assert {mutant.seen for mutant in MUTANTS.values()} <= JUDGES | ENDS


@ALL
def test_is_noticed_where_the_model_is_fine(mutant: Mutant) -> None:
    program = load(PROGRAMS / f"{mutant.name}.zap")
    outcome, right = bytes_after_each_op(program, mutant.release)
    assert outcome.fine
    with mutant.applied():
        outcome, wrong = bytes_after_each_op(program, mutant.release)
    if mutant.differential:
        assert outcome.fine
        assert wrong != right
    else:
        assert outcome.failure is not None
        assert outcome.failure.signature.kind == mutant.seen
    outcome, again = bytes_after_each_op(program, mutant.release)
    assert outcome.fine
    assert again == right


@pytest.mark.parametrize("mutant", DIFFERENTIAL, ids=[mutant.name for mutant in DIFFERENTIAL])
def test_only_its_bytes_differ(mutant: Mutant) -> None:
    """On programs of many shapes, what fails with it fails without it, and in the same way."""
    rng = Random(mutant.name)
    differ = 0
    with switched_on(["trunc-next-table", "cursor-block-type"]):
        for _ in range(25):
            program = biased_program(rng)
            plain, right = bytes_after_each_op(program, mutant.release)
            with mutant.applied():
                other, wrong = bytes_after_each_op(program, mutant.release)
            assert str(other) == str(plain)
            differ += right != wrong
    assert differ or mutant.name == "freed-block-read-from-disk", "rarer than one program of 200"


def test_two_on_one_function() -> None:
    original = vars(leaf)["chunk_free"]
    first = Edit("zap.chunks:chunk_free", "h[L.H_NFREE] += 1", "h[L.H_NFREE] += 2")
    second = Edit("zap.chunks:chunk_free", "(raw, at, L.CHUNK_FREE", "(raw, at, L.CHUNK_ARRAY")
    with applied(first):
        once = vars(leaf)["chunk_free"]
        with applied(second):
            assert vars(leaf)["chunk_free"] not in (original, once)
            assert vars(split)["chunk_free"] is vars(leaf)["chunk_free"], "an alias was forgotten"
        assert vars(leaf)["chunk_free"] is once
    assert vars(leaf)["chunk_free"] is original is vars(split)["chunk_free"]
