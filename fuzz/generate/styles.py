"""Every way to draw a program from nothing, and how often each is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from fuzz.generate.leaf_programs import random_program
from fuzz.generate.model_guided import model_guided_program
from fuzz.generate.names_and_directories import names_program
from fuzz.generate.themes.crashes import crash_program
from fuzz.generate.themes.levels import levels_program
from fuzz.generate.themes.many_entries import many_entries_program
from fuzz.generate.themes.moves import moving_program
from fuzz.generate.themes.no_room import no_room_program
from fuzz.generate.themes.read_errors import read_error_program
from fuzz.generate.themes.sync_tasks import sync_task_program
from fuzz.generate.themes.trees import tree_program
from fuzz.generate.themes.usage import usage_program
from fuzz.generate.uniform_programs import uniform_program
from fuzz.generate.whole_language import whole_language_program
from fuzz.language.program import Program
from fuzz.targets.model.target import ModelTarget

Draw = Callable[[Random, ModelTarget], Program]
STYLES: Mapping[str, tuple[int, Draw]] = {
    "themed": (29, lambda rng, model: random_program(rng)),
    "levels": (2, lambda rng, model: levels_program(rng)),
    "uniform": (8, lambda rng, model: uniform_program(rng)),
    "whole language": (17, lambda rng, model: whole_language_program(rng)),
    "many entries": (2, lambda rng, model: many_entries_program(rng)),
    "model guided": (20, model_guided_program),
    "names": (9, names_program),
    "trees": (3, lambda rng, model: tree_program(rng)),
    "usage": (3, usage_program),
    "sync tasks": (1, sync_task_program),
    "read errors": (2, read_error_program),
    "crashes": (1, crash_program),
    "no room": (2, no_room_program),
    "moves": (1, moving_program),
}
"""The ways to draw a program, and how often each is taken, of 100 times. A bug that one of them never meets,
another one meets at once."""
_NAMES = list(STYLES)
_WEIGHTS = [weight for weight, _ in STYLES.values()]


def some_style(rng: Random) -> str:
    """One of the table, by its weights."""
    return rng.choices(_NAMES, _WEIGHTS)[0]


def some_program(rng: Random, model: ModelTarget) -> Program:
    """A program of a random style. Some styles run the program on `model` while they draw it."""
    return STYLES[some_style(rng)][1](rng, model)
