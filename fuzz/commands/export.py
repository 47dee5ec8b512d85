"""`zapfuzz export`: a reproducer as one self-contained file."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.corpus.reproducer import write_text
from fuzz.export.expected_answers import NoForm
from fuzz.export.forms import FORMS
from fuzz.export.story import open_reproducer
from zapcore.release import RELEASES


@click.command("export")
@click.argument("program", metavar="PROGRAM|-", type=click.Path(path_type=Path))
@click.option("--as", "form", type=click.Choice(list(FORMS)), required=True, help="What to write.")
@click.option(
    "--release",
    type=click.Choice(list(RELEASES)),
    help="Whose results to expect; by default those of the release that it is run on.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The file; by default standard output.")
def export(program: Path, form: str, release: str | None, out: Path | None) -> None:
    """Write a reproducer as one self-contained file whose comment tells the story.

    PROGRAM is a reproducer's folder, its program.zap, or any program. pytest: a test on the model; python: a
    script that needs nothing but a libzpool; c: a program against libzpool's headers. What python and c may
    not see of the bug, their comment says.
    """
    try:
        text = FORMS[form](open_reproducer(program), release or "")
    except NoForm as problem:
        raise click.UsageError(str(problem)) from None
    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(out, text)
