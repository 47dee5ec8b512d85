"""`zapfuzz show`: the objects and their dbufs after a program."""

from __future__ import annotations

import click

from fuzz.commands.shared.options import RELEASES_HELP
from fuzz.language.syntax import load
from fuzz.targets.registry import make_target


@click.command("show")
@click.argument("program")
@click.option("--release", metavar="R", default="2.3", show_default=True, help=RELEASES_HELP)
def show(program: str, release: str) -> None:
    """Run a program on the model and show the objects and their dbufs afterwards."""
    from fuzz.targets.model_state_as_text import describe

    make_target("model", release)
    click.echo(describe(load(program), release))
