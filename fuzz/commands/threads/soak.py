"""`zapfuzz soak`: random programs with threads on the model and on the real library, side by side."""

from __future__ import annotations

import random
import time

import click

from fuzz.commands.shared.ending import Status
from fuzz.commands.shared.live_display import Far
from fuzz.commands.shared.number_not_nan import Number
from fuzz.commands.shared.program_argument import release_option
from fuzz.commands.shared.progress import say, working
from fuzz.language.printing import format_program
from fuzz.threads.programs_of_names import program_of_names
from fuzz.threads.real.held_target import HeldTarget
from fuzz.threads.real.soak import BESIDE_SYNC, KINDS, Soaked, soak

OF = {"any": KINDS, "names": (program_of_names,), "sync": BESIDE_SYNC}


@click.command("soak")
@release_option()
@click.option("--libzpool", metavar="PATH", help="A libzpool, or a folder that has one.")
@click.option(
    "--time", "seconds", type=Number(0, min_open=True), default=60, show_default=True, help="Seconds."
)
@click.option("--seed", type=click.IntRange(0, 0x7FFFFFFF), default=1, show_default=True)
@click.option(
    "--programs",
    type=click.Choice(list(OF)),
    default="any",
    show_default=True,
    help="Of any kind; on ZAPs of names and directories only; with threads beside the sync of a txg.",
)
def soak_command(release: str, libzpool: str | None, seconds: float, seed: int, programs: str) -> None:
    """Draw programs with threads, give each a random schedule, force that on the real library, and compare
    outcome, results and blocks with the model's.

    Exit status: 1 if any differs. Ctrl-C ends it with what was done.
    """
    real = HeldTarget(release, libzpool, deadline=30)
    soaked, begun = Soaked(), time.monotonic()

    def how_far() -> Far:
        done = f"{soaked.count['programs']} programs, {soaked.count['differ']} differ"
        return Far(done, (time.monotonic() - begun) / seconds)

    try:
        with real, working("soaking", how_far):
            for compared, program in soak(real, random.Random(seed), seconds, OF[programs], soaked):
                say(f"DIFFERS: {compared.difference}\n{format_program(program)}")
    finally:
        if soaked.count:
            say(", ".join(f"{number} {what}" for what, number in soaked.count.items()))
        for text, number in soaked.outcomes.most_common():
            say(f"{number}: {text}")
    (Status.FOUND if soaked.count["differ"] else Status.NOT_FOUND).end()
