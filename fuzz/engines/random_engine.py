"""Random programs about a few things each: no feedback, no corpus."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fuzz.engines.config import Config
from fuzz.engines.loop import Loop, Stopped
from fuzz.engines.seeds import seed_programs
from fuzz.generate import random_program
from fuzz.program import Program


def main(config: Config, draw: Callable[[Random], Program] = random_program) -> None:
    """Run random programs until the bound."""
    loop = Loop(config)
    rng = Random(config.seed)
    try:
        for program in seed_programs(config):
            loop.execute(program)
        while True:
            loop.execute(draw(rng))
    except Stopped:
        loop.status("done")
