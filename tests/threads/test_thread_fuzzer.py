"""The thread fuzzer: it finds concurrency mutants and a real bug, and repeats itself.

The whole bench (every mutant, ten seeds) is run by hand; here each mutant is found once, at a seed that is
known to be quick.
"""

from __future__ import annotations

import random

import pytest

from fuzz.faults.remedies import REMEDIES, switched_on
from fuzz.faults.seeded import CONCURRENT
from fuzz.language.syntax import load, parse
from fuzz.language.validate import problems
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.explore import explore
from fuzz.threads.parallel_run import has_threads, run_threads
from fuzz.threads.programs_of_names import program_of_names
from fuzz.threads.thread_fuzzer import ThreadFuzzer, first_failure, mutate, random_program
from tests.support.cases import few_and_many, only_now
from tests.support.paths import MUTANTS

HEADER = "zap z fat key=u64 prehashed hash64 leaf_shift=9\n"


def test_programs_of_the_fuzzer_are_valid() -> None:
    rng = random.Random(7)
    program = random_program(rng)
    for _ in range(600):
        assert problems(program) is None, program
        new = rng.choice((random_program, program_of_names))
        program = mutate(program, rng) if rng.random() < 0.8 else new(rng)


def test_the_same_seed_finds_the_same() -> None:
    with REMEDIES["shrink-stale-shift"].applied(), CONCURRENT["expand-no-recheck"].applied():
        found = [first_failure(ThreadFuzzer(ModelTarget(), 4), max_runs=3000) for _ in range(2)]
    assert found[0] is not None and found[1] is not None
    assert found[0].program == found[1].program and found[0].runs == found[1].runs


TWO_EMPTY = (
    "add z 0x8000000000000000 len=180\nadd z 0xc000000000000000 len=180\nadd z 0x0\n"
    "remove z 0xc000000000000000\nt1: remove z 0x8000000000000000\n"
)
"""t1's remove leaves two empty siblings, which it collapses."""

BY_PROGRAM = {
    "shrink-even-not-empty": TWO_EMPTY + "t2: add z 0xa000000000000000\n",
    "shrink-odd-not-empty": TWO_EMPTY + "t2: add z 0xe000000000000000\n",
    "shrink-odd-prefix": TWO_EMPTY
    + "t2: add z 0xe000000000000000 len=180\nt2: add z 0xf000000000000000 len=180\n",
    "cursor-no-recheck": (
        "add z 0x0 len=60\nadd z 0x8000000000000000 len=60\nadd z 0xc000000000000000 len=60\n"
        "cursor c z\nnext c\nnext c\nt1: next c\nt2: add z 0x4000000000000000 len=60\n"
    ),
    "update-expects-old-value": 'zap d micro\nadd d "a" int=8\nt1: update d "a" int=8\n'
    't2: update d "a" int=8 fill=1\n',
    "micro-before-lock": 'zap d micro leaf_shift=9\ntouch d "a"\n'
    't1: unlink d "a"\nt2: add d "b" int=8 len=2\n',
    "count-before-upgrade": 'zap d micro leaf_shift=9\ntouch d "a"\nt1: count d\nt2: add d "b" int=8 len=2\n',
    "micro-remove-lets-go": 'zap d micro leaf_shift=9\nadd d "a" int=8\n'
    't1: remove d "a"\nt2: remove d "a"\nt2: add d "b" int=8\n',
    "remove-counts-late": ("add z 0x0\nadd z 0x1\nt1: remove z 0x0\nt2: lookup z 0x0\nt2: count z\n"),
}


def headed(text: str) -> str:
    """A program that has a header line, or the usual one."""
    return text if text.startswith("zap ") else HEADER + text


SLOW_TO_FIND = {
    "add-no-relookup",
    "micro-add-lets-go",
    "micro-lookup-unlocks-early",
    "shrink-even-prefix",
    "shrink-keeps-leaf",
    "upgrade-lets-go",
}
"""Those that take thousands of runs are left to the slow tests."""


@only_now("name", CONCURRENT.keys() - SLOW_TO_FIND, CONCURRENT)
def test_mutant_is_found(name: str) -> None:
    """By the fuzzer within 9,000 runs; where that would take longer, by exploring a program made for it."""
    mutant = CONCURRENT[name]
    with REMEDIES["trunc-next-table"].applied(), REMEDIES["shrink-stale-shift"].applied(), mutant.applied():
        text = BY_PROGRAM.get(mutant.name)
        if text is not None:
            assert explore(parse(headed(text)), ModelTarget(), 2).found
            return
        found = first_failure(ThreadFuzzer(ModelTarget(), 1), max_runs=9000)
        assert found is not None
        assert not run_threads(found.program, ModelTarget()).outcome.fine, "its schedule repeats it"


@pytest.mark.parametrize("name", CONCURRENT)
def test_mutant_fails_on_the_program_that_the_corpus_has_for_it(name: str) -> None:
    """With the schedule that it has there; without the mutant the model is fine."""
    program, model = load(MUTANTS / f"{name}.zap"), ModelTarget(CONCURRENT[name].release)
    with switched_on(["trunc-next-table", "shrink-stale-shift"]):
        assert run_threads(program, model).outcome.fine
        with CONCURRENT[name].applied():
            assert run_threads(program, model).outcome.failure is not None
        assert run_threads(program, model).outcome.fine


@pytest.mark.parametrize("name", BY_PROGRAM)
def test_programs_of_mutants_are_fine_without_them(name: str) -> None:
    with REMEDIES["shrink-stale-shift"].applied():
        assert not explore(parse(headed(BY_PROGRAM[name])), ModelTarget(), 2).found


@few_and_many(200, 1500)
def test_the_model_itself_has_no_races_in_some_runs(count: int) -> None:
    with switched_on(["trunc-next-table", "shrink-stale-shift", "broken-names-differ"]):
        found = first_failure(ThreadFuzzer(ModelTarget(), 11), max_runs=count)
        assert found is None
        found = first_failure(ThreadFuzzer(ModelTarget(), 12, policies="random"), max_runs=300)
        assert found is None


def test_mutants_have_programs_with_threads() -> None:
    assert all(has_threads(parse(headed(text))) for text in BY_PROGRAM.values())
