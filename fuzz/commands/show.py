"""`zapfuzz show`: the objects and their dbufs after a program."""

from __future__ import annotations

import click

from fuzz.commands.shared.program_argument import program_argument, release_option
from fuzz.commands.shared.progress import ops_done, working
from fuzz.corpus.named_program import Named


@click.command("show")
@program_argument
@release_option(model=True)
def show(program: Named, release: str) -> None:
    """Run a program on the model and show the objects and their dbufs afterwards."""
    from fuzz.targets.model.state_as_text import describe

    with working(f"running {program.word}", ops_done(len(program.program.ops))):
        text = describe(program.program, release)
    click.echo(text)
