"""Random programs of every style: no feedback, no corpus. A guest's kernel is given file operations alone."""

from __future__ import annotations

from random import Random

from fuzz.engines.engine_config import Config
from fuzz.engines.engine_loop import Loop, Stopped
from fuzz.engines.seeds import seed_programs
from fuzz.generate.reach.plain_user import plain_user_program
from fuzz.generate.styles import Draw, drawn_in
from fuzz.targets.registry import KERNEL_KINDS


def main(config: Config, draw: Draw | None = None) -> None:
    """Run random programs until the bound."""
    loop = Loop(config)
    rng = Random(config.seed)
    if draw is None:
        draw = plain_user_program if config.target in KERNEL_KINDS else drawn_in(config.style)
    try:
        for program in seed_programs(config):
            loop.execute(program)
        while True:
            loop.execute(draw(rng, loop.model))
    except Stopped:
        loop.status("done")
