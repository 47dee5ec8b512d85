"""Protects who runs what a minimizer tries: each candidate is a program that can be written, each of its
numbers within the bounds of its verb."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from fuzz.generate.styles import STYLES
from fuzz.language.program import Op, Program, Zap
from fuzz.language.validate import problems
from fuzz.language.verb_row import Subject
from fuzz.language.verbs import VERBS
from fuzz.minimize.minimize import minimize
from fuzz.targets.model.target import ModelTarget

MOST = 600
"""Candidates of a program."""


def tried(program: Program) -> list[Program]:
    """What is tried of a program of which nothing simpler will do."""
    candidates: list[Program] = []

    def predicate(candidate: Program) -> bool:
        candidates.append(candidate)
        return candidate == program

    minimize(program, predicate, max_tries=MOST)
    return candidates


def wrong(programs: list[Program]) -> list[str]:
    return [problem for each in programs if (problem := problems(each)) is not None]


@pytest.mark.parametrize("style", STYLES)
def test_of_drawn_programs(style: str) -> None:
    rng = Random(f"candidates {style}")
    program = STYLES[style][1](rng, ModelTarget("2.4", block_limit=1024))
    assert not wrong(tried(program))


def test_of_every_verb_with_the_largest_numbers() -> None:
    zaps = (Zap("z", fat=False), Zap("y", hash64=True))
    for name, verb in VERBS.items():
        numbers: dict[str, Any] = {
            number.field: (number.choices or (number.high,))[-1] for number in verb.numbers
        }
        subject = {Subject.NONE: "", Subject.ZAP: "z", Subject.CURSOR: "c"}[verb.subject]
        key, to = (b"k" if verb.key else None), (b"t" if verb.to else None)
        op = Op(name, subject, key, to=to, other="y" if verb.other else "")._replace(**numbers)
        program = Program(zaps, (Op("cursor", "c", other="z"), op))
        assert problems(program) is None, problems(program)
        assert not wrong(tried(program)), name
