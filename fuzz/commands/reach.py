"""`zapfuzz reach`: from a synthetic program to what a user can type."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.commands.remedies import switch_on, with_remedies
from fuzz.commands.shared.ending import Status
from fuzz.commands.shared.live_display import Far
from fuzz.commands.shared.output import out_option, program_to
from fuzz.commands.shared.program_argument import program_argument, release_option
from fuzz.commands.shared.progress import ops_run, working
from fuzz.corpus.named_program import Named
from fuzz.generate.reach.lift_to_files import Tried
from fuzz.generate.reach.reach_by_files import reach

TELL_FIRST = (
    "Any user can do this on a pool of others: tell OpenZFS's security contact first (its SECURITY.md says "
    "how), not a public issue."
)


@click.command("reach")
@program_argument
@release_option(model=True)
@with_remedies
@out_option("File for the program of file operations.")
def reach_command(program: Named, release: str, remedy: tuple[str, ...], out: Path | None) -> None:
    """Look for file operations of a plain user that fail as PROGRAM does, on a dataset as it is by default.

    They are computed on the model; `zapfuzz run --target kernel` then shows them on a real one, and `zapfuzz
    export --as sh` writes a script. Status 1 if there is no way.
    """
    switch_on(remedy)
    tried, ops = Tried(), ops_run()

    def how_far() -> Far:
        told = f"{tried.done:,} of {tried.most:,} programs tried, " if tried.most else ""
        return Far(f"{told}{ops().text}", tried.part)

    with working(f"looking for file operations that fail as {program.word} does", how_far):
        found = reach(program.program, release, tried)
    for line in found.lines():
        click.echo(line)
    if found.program is None:
        Status.FOUND.end()
    click.echo(TELL_FIRST)
    if out is not None:
        program_to(out, found.program)
