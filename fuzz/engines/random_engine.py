"""Random programs of every style: no feedback, no corpus."""

from __future__ import annotations

from random import Random

from fuzz.engines.engine_config import Config
from fuzz.engines.engine_loop import Loop, Stopped
from fuzz.engines.seeds import seed_programs
from fuzz.generate.styles import Draw, some_program


def main(config: Config, draw: Draw = some_program) -> None:
    """Run random programs until the bound."""
    loop = Loop(config)
    rng = Random(config.seed)
    try:
        for program in seed_programs(config):
            loop.execute(program)
        while True:
            loop.execute(draw(rng, loop.model))
    except Stopped:
        loop.status("done")
