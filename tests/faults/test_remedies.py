"""Remedies: each makes its finding go away, breaks nothing else, and leaves no trace when switched off."""

from __future__ import annotations

from random import Random

import pytest

from fuzz.commands.remedies import only_on_model
from fuzz.corpus.reproducer import read_reproducer
from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, EditProblem, applied
from fuzz.faults.remedies import REMEDIES, NoRemedy, Remedy, switched_on
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import CORPUS
from tests.support.programs.structure_changing_programs import biased_program
from zapcore.zap import shrink

FINDINGS = CORPUS / "findings"


ALONE = ["trunc-next-table", "cursor-block-type", "compare-lengths"]
"""Remedies of findings that one thread meets."""


@pytest.mark.parametrize("remedy", [REMEDIES[name] for name in ALONE], ids=ALONE)
def test_the_finding_is_gone_and_comes_back(remedy: Remedy) -> None:
    program = read_reproducer(FINDINGS / remedy.finding).program
    before = str(run(program, ModelTarget("2.3")))
    with switched_on([remedy.name]):
        assert str(run(program, ModelTarget("2.3"))) == "fine"
    after = str(run(program, ModelTarget("2.3")))
    assert before == after != "fine"


def test_the_remedy_of_an_assertion_is_one_for_real_libraries_too() -> None:
    """Both sides go on behind it; other assertions and commands on other remedies stay as they are."""
    program = read_reproducer(FINDINGS / "usage-frees-blocks").program
    with switched_on(["usage-frees-blocks"]):
        assert run(program, ModelTarget("2.3")).fine and run(program, ModelTarget("2.4")).fine
    only_on_model(["usage-frees-blocks"], "both")
    with pytest.raises(NoRemedy, match="expected --target model"):
        only_on_model(["usage-frees-blocks", "trunc-next-table"], "both")
    with pytest.raises(NoRemedy):
        only_on_model(["usage-frees-blocks"], "kernel")


def test_the_overwritten_table_is_gone_with_the_same_remedy() -> None:
    program = read_reproducer(FINDINGS / "zap-trunc-next-table-overwrite").program
    assert run(program, ModelTarget("2.3")).failure is not None
    with switched_on(["trunc-next-table"]):
        assert run(program, ModelTarget("2.3")).fine


def test_what_lies_behind_a_shorter_key_is_not_read_with_the_same_remedy() -> None:
    """And then a ZAP with keys of several lengths and one hash is one in which all goes well."""
    program = read_reproducer(FINDINGS / "words-read-behind").program
    assert run(program, ModelTarget("2.3")).failure is not None
    rng = Random(3)
    keys = [(1, *[rng.randrange(2) for _ in range(rng.randrange(4))]) for _ in range(12)]
    shape = Zap("z", words=4, shorter=True, prehashed=True)
    verbs = ("add", "update", "remove", "lookup", "length", "contains", "increment")
    several = []
    for verb in (*("add",) * 8, *rng.choices(verbs, k=300)):
        value = (8, 1, 7 * (verb != "lookup")) if verb in ("add", "update", "lookup") else ()
        several.append(Op(verb, "z", rng.choice(keys), *value))
    mixed = Program((shape,), tuple(several))
    assert run(mixed, ModelTarget("2.4")).failure is not None
    with switched_on(["compare-lengths"]):
        assert run(program, ModelTarget("2.3")).fine and run(mixed, ModelTarget("2.4")).fine


def test_programs_that_do_not_meet_the_bug_leave_the_same_bytes() -> None:
    rng = Random(5)
    compared = 0
    for _ in range(60):
        program = biased_program(rng)
        target = ModelTarget("2.3", block_limit=1 << 10)
        if not run(program, target).fine:
            continue
        bytes_before = [target.blocks(zap.name) for zap in program.zaps]
        with switched_on(REMEDIES):
            assert run(program, target).fine
        assert [target.blocks(zap.name) for zap in program.zaps] == bytes_before
        compared += 1
    assert compared > 30


def test_an_edit_that_does_not_fit_says_so() -> None:
    edit = Edit("zap.shrink:_truncate", "no such text", "")
    with (
        pytest.raises(EditProblem, match=r"zap\.shrink:_truncate: expected once, found 0 times"),
        applied(edit),
    ):
        pass


def test_the_original_is_back_after_a_failure() -> None:
    original = vars(shrink)["_truncate"]
    with pytest.raises(RuntimeError), switched_on(["trunc-next-table"]):
        assert vars(shrink)["_truncate"] is not original
        raise RuntimeError
    assert vars(shrink)["_truncate"] is original
