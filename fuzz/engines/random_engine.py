"""Uniform random programs: no feedback, no corpus. What every other engine has to beat."""

from __future__ import annotations

from random import Random

from fuzz.engines.config import Config
from fuzz.engines.loop import Loop, Stopped
from fuzz.engines.seeds import seed_programs
from fuzz.generate import random_program


def main(config: Config) -> None:
    """Run random programs until the bound."""
    loop = Loop(config)
    rng = Random(config.seed)
    try:
        for program in seed_programs(config):
            loop.execute(program)
        while True:
            loop.execute(random_program(rng))
    except Stopped:
        loop.status("done")
