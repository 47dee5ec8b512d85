"""`zapfuzz show`: the objects and their dbufs after a program."""

from __future__ import annotations

import click

from fuzz.commands.shared.program_argument import program_argument, release_option
from fuzz.corpus.named_program import Named


@click.command("show")
@program_argument
@release_option(model=True)
def show(program: Named, release: str) -> None:
    """Run a program on the model and show the objects and their dbufs afterwards."""
    from fuzz.targets.model_state_as_text import describe

    click.echo(describe(program.program, release))
