"""Protects pools without room: the real libraries refuse the transactions that the model refuses, and only
those, with nothing changed. OpenZFS itself decides there; it is told what it has less of."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.generate.themes.no_room import no_room_program
from fuzz.language.syntax import parse
from fuzz.language.verb_sets import CHANGING, FREEING
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.programs.answers_of_verbs import ANSWERS

Make = Callable[..., LibzpoolTarget]
PROGRAMS = 20


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_each_verb_is_refused_where_the_model_refuses_it(libzpool: Make, release: str) -> None:
    text, wanted = ANSWERS["full"]
    target = BothTarget(ModelTarget(release), libzpool(release))
    assert run(parse(text), target).fine
    assert [result for result, _ in target.steps] == wanted


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_random_programs_about_pools_without_room(libzpool: Make, release: str) -> None:
    """Compared after each op. Both errnos are met, and what frees goes on."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    answers: Counter[tuple[str, int]] = Counter()
    for number in range(PROGRAMS):
        full, program = 0, no_room_program(Random(f"no room {number}"), target.model)
        outcome = run(program, target)
        assert outcome.failure is None or outcome.failure.signature.kind == "assertion", outcome
        for op, (result, _) in zip(program.ops, target.steps, strict=False):
            if op.verb == "full" and not result.errno:
                full = op.no_room if op.fill else 0
            elif full and op.verb in CHANGING:
                answers["frees" if op.verb in FREEING else "takes", result.errno] += 1
    assert answers["takes", errno.ENOSPC] and answers["takes", errno.EDQUOT], answers
    assert answers["frees", 0] and not answers["frees", errno.ENOSPC] + answers["frees", errno.EDQUOT], (
        answers
    )
