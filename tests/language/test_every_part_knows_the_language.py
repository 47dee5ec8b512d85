"""Protects that nothing lags behind the language: a verb or number that is added is known to every part that
reads, writes, makes, changes, judges, runs, cuts down or shows programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, seed, settings

from fuzz.commands.cli import main
from fuzz.corpus.reproducer import folders, known_failures, read_reproducer
from fuzz.engines.hypothesis_engine import OTHERS, ZapMachine, find_failure
from fuzz.execution.execute import run
from fuzz.generate.leaf_programs import op_of, random_program, theme
from fuzz.generate.mutation import mutate
from fuzz.generate.whole_language import whole_language_program
from fuzz.language.by_verb import ByVerb
from fuzz.language.byteform import decode, encode
from fuzz.language.printing import format_program
from fuzz.language.program import Op, Program, Zap
from fuzz.language.reference import HEADER, form_of, reference
from fuzz.language.syntax import HEADER_WORDS, parse
from fuzz.language.validate import problems
from fuzz.language.verb_row import Number, Subject
from fuzz.language.verb_sets import FOR_THREADS
from fuzz.language.verbs import VERBS
from fuzz.minimize.simplicity import OTHER_NUMBERS, VERB_RANK, simplicity
from fuzz.minimize.simplifications import SIMPLIFICATIONS
from fuzz.targets.libzpool import session
from fuzz.targets.libzpool.world import FUNCTIONS
from fuzz.targets.model.state_as_text import show_model
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import CORPUS, ROOT
from tests.support.programs.program_strategies import programs

FAT = Zap("z", words=1, prehashed=True, leaf_shift=9)
MICRO = Zap("z", fat=False, leaf_shift=9)


def plain(verb: str, zap: Zap) -> Op:
    """An op of a verb with every number as it is by default."""
    row = VERBS[verb]
    key = (b"a" if not zap.words else (5,)) if row.key else None
    target = {Subject.ZAP: zap.name, Subject.CURSOR: "c", Subject.NONE: ""}[row.subject]
    numbers: dict[str, Any] = {number.field: number.default for number in row.numbers}
    return Op(verb, target, key, other=zap.name if row.other else "", to=key if row.to else None, **numbers)


def values(number: Number) -> Iterator[int]:
    """Each choice of a number, or its bounds and something between."""
    yield from number.choices or {number.low, number.high, (number.low + number.high) // 2, number.default}


def all_ops(verb: str) -> list[tuple[Zap, Op]]:
    """A verb on both kinds of keys, with each value of each number."""
    found = []
    for zap in (FAT, MICRO):
        op = plain(verb, zap)
        found.append((zap, op))
        for number in VERBS[verb].numbers:
            changes: list[dict[str, Any]] = [{number.field: value} for value in values(number)]
            found += [(zap, op._replace(**change)) for change in changes]
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_every_op_is_valid_written_read_and_packed(verb: str) -> None:
    for zap, op in all_ops(verb):
        program = Program((zap,), (op,))
        assert problems(program) is None
        assert parse(format_program(program)) == program
        assert decode(encode(program)) == program


@pytest.mark.parametrize("verb", VERBS)
def test_every_op_is_run_judged_and_shown(verb: str) -> None:
    """Alone, and on a ZAP with an entry and an open cursor."""
    for zap, op in all_ops(verb):
        if verb == "prefetch" and op.extra and not zap.fat:
            continue  # a finding
        before = (plain("add", zap), plain("cursor", zap), plain("next", zap))
        for ops in ((op,), (*before, op, op)):
            target = ModelTarget("2.3")
            outcome = run(Program((zap,), ops), target)
            assert outcome.failure is None, (op, outcome)
            assert outcome.fine or op.length * op.size > 512, "an update that no leaf can hold (a finding)"
            assert list(show_model(target))


@pytest.mark.parametrize("verb", VERBS)
def test_the_minimizer_makes_every_op_plain(verb: str) -> None:
    """By its candidates alone, an op comes down to the one whose numbers are all by default, or to less."""
    for zap, op in all_ops(verb):
        best = Program((zap,), (op,))
        while True:
            candidates = (each for _, simplify in SIMPLIFICATIONS for each in simplify(best))
            same = (each for each in candidates if each.ops and each.ops[0].verb == verb)
            simpler = min((each for each in same if problems(each) is None), key=simplicity, default=best)
            if simplicity(simpler) >= simplicity(best):
                break
            best = simpler
        least = simplicity(Program((zap,), (plain(verb, zap),)))
        assert simplicity(best) <= least, (op, best.ops)


def test_the_minimizer_ranks_every_verb_and_number() -> None:
    assert list(VERB_RANK.values()) == list(range(len(VERBS)))
    used = {number.field for row in VERBS.values() for number in row.numbers}
    assert used <= {"size", "length", *OTHER_NUMBERS}


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in FOR_THREADS])
def test_generators_and_mutators_make_every_verb(verb: str) -> None:
    rng = Random(verb)
    assert {op_of(rng, verb, theme(rng)).verb for _ in range(20)} == {verb}
    one = Program((MICRO,), tuple(plain(each, MICRO) for each in VERBS if each != verb))
    for make in (random_program, whole_language_program, lambda rng: mutate(one, rng)):
        assert any(op.verb == verb for _ in range(20_000) for op in make(rng).ops), make


@pytest.mark.slow
def test_hypothesis_draws_every_verb() -> None:
    """In the programs that all tests of properties draw. A few hundred of them may lack one."""
    seen: Counter[str] = Counter()
    for number in range(10):

        @seed(number)
        @given(programs())
        @settings(max_examples=150, derandomize=False, database=None)
        def draw(program: Program) -> None:
            seen.update(op.verb for op in program.ops)

        draw()
        if seen.keys() == VERBS.keys():
            return
    pytest.fail(f"never drawn: {VERBS.keys() - seen.keys()}")


@pytest.mark.slow
def test_the_state_machine_runs_every_verb() -> None:
    """On a release without the bug, but for what the corpus knows of it; every rule's ops, and all that one
    rule draws from, of which a search of a hundred examples may lack some."""
    seen: Counter[str] = Counter()

    class Counting(ModelTarget):
        def apply(self, op: Op) -> Any:
            seen[op.verb] += 1
            return super().apply(op)

    findings = [read_reproducer(folder) for folder in folders([CORPUS / "findings"])]
    known = frozenset(known_failures(findings, "2.1"))
    for number in range(1, 9):
        assert find_failure(Counting("2.1"), number, known=known, examples=120) is None
        if seen.keys() == VERBS.keys() - FOR_THREADS:
            break
    assert seen.keys() == VERBS.keys() - FOR_THREADS
    assert set(OTHERS) < VERBS.keys() and hasattr(ZapMachine, "another")


def test_targets_have_every_verb() -> None:
    assert set(ModelTarget("2.3").handlers) == set(VERBS)
    assert set(FUNCTIONS) == set(VERBS) and len(session.FAMILIES) == 9


def test_the_reference_of_verbs_tells_how_each_is_written() -> None:
    """Every verb is in the reference, and what it shows can be read back as an op."""
    shown = CliRunner().invoke(main, ["verbs"], catch_exceptions=False).output
    for name, verb in VERBS.items():
        form = form_of(name, verb)
        assert form in shown and verb.doc in shown
        words = [word.strip("[]") for word in form.split()]
        text = " ".join({"ZAP": "z", "CURSOR": "c", "KEY": '"k"'}.get(word, word) for word in words)
        assert parse(f"zap z micro\n{text}\n").ops[0].verb == name


def test_the_reference_has_the_language_as_it_is() -> None:
    """Each word of a header line is explained, and the file is what is made of the tables. If not: explain it
    in fuzz/language/reference.py, and zapfuzz verbs --markdown > fuzz/language/REFERENCE.md"""
    assert set(HEADER) == set(HEADER_WORDS)
    assert (ROOT / "fuzz" / "language" / "REFERENCE.md").read_text("utf-8") == reference()


def test_no_verb_is_forgotten_where_functions_are_registered() -> None:
    """A table of functions by verb with one missing, or one for a verb that does not exist, is refused."""
    table: ByVerb[Callable[[], None]] = ByVerb("a table")
    table.of(*list(VERBS)[1:])(lambda: None)
    with pytest.raises(TypeError, match="a table: no function for add"):
        table.complete()
    with pytest.raises(TypeError, match="nonsense"):
        table.of("nonsense")(lambda: None)
    table.of("add")(lambda: None)
    table.complete()
