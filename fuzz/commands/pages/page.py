"""`zapfuzz page`: a program step by step, as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.commands.shared.ending import Bad
from fuzz.commands.shared.output import out_option, text_to
from fuzz.commands.shared.program_argument import program_argument, release_option, reproducer_of
from fuzz.commands.shared.progress import ops_done, working
from fuzz.corpus.named_program import Named
from fuzz.export.pages.program_page import program_page


@click.command("page")
@program_argument
@release_option(
    (), model=True, multiple=True, show_default="one that fails, and beside it one that does something else"
)
@out_option("The file; by default standard output.")
def page(program: Named, release: tuple[str, ...], out: Path | None) -> None:
    """Write one HTML file that steps through a program: pointer table, leaves, dbufs, txgs and threads.

    It needs no network. With two --release these can be looked at side by side.
    """
    if len(release) > 2 or len(set(release)) < len(release):
        raise Bad(f"--release: expected at most two different ones, found {', '.join(release)}")
    reproducer = reproducer_of(program)
    with working(f"recording {program.word}", ops_done(len(program.program.ops))):
        text = program_page(reproducer, release)
    text_to(out, text, "program.html")
