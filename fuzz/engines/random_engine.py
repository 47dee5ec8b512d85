"""Random programs of every style: no feedback, no corpus. A guest's kernel is given file operations alone."""

from __future__ import annotations

from random import Random

from fuzz.engines.engine_config import Config
from fuzz.engines.engine_loop import Loop, Stopped
from fuzz.engines.seeds import seed_programs
from fuzz.generate.reach.plain_user import plain_user_program
from fuzz.generate.styles import STYLES, Draw, some_style
from fuzz.targets.registry import KERNEL_KINDS


def main(config: Config, draw: Draw | None = None) -> None:
    """Run random programs until the bound."""
    loop = Loop(config)
    rng = Random(config.seed)
    if draw is None and config.target in KERNEL_KINDS:
        draw = plain_user_program
    try:
        for program in seed_programs(config):
            loop.execute(program)
        while True:
            if draw is not None:
                loop.execute(draw(rng, loop.model))
                continue
            style, before = config.style or some_style(rng), len(loop.seen)
            loop.execute(STYLES[style][1](rng, loop.model))
            loop.credit((f"style {style}",), len(loop.seen) > before)
    except Stopped:
        loop.status("done")
