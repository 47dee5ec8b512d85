"""Every way to draw a program from nothing, and how often each is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from fuzz.generate.crowded import crowded_program
from fuzz.generate.model_guided import piloted_program
from fuzz.generate.names_and_directories import names_program
from fuzz.generate.themed import random_program
from fuzz.generate.uniform import flat_program
from fuzz.generate.whole_language import any_program
from fuzz.language.program import Program
from fuzz.targets.model import ModelTarget

Draw = Callable[[Random, ModelTarget], Program]
STYLES: Mapping[str, tuple[int, Draw]] = {
    "themed": (40, lambda rng, model: random_program(rng)),
    "flat": (8, lambda rng, model: flat_program(rng)),
    "everything": (17, lambda rng, model: any_program(rng)),
    "crowd": (2, lambda rng, model: crowded_program(rng)),
    "pilot": (20, piloted_program),
    "names": (13, names_program),
}
"""The ways to draw a program, and how often each is taken, of 100 times. A bug that one of them never meets,
another one meets at once."""
_NAMES = list(STYLES)
_WEIGHTS = [weight for weight, _ in STYLES.values()]


def some_program(rng: Random, model: ModelTarget) -> Program:
    """A program of a random style. Some styles run the program on `model` while they draw it."""
    return STYLES[rng.choices(_NAMES, _WEIGHTS)[0]][1](rng, model)
