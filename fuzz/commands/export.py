"""`zapfuzz export`: a reproducer as one self-contained file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from fuzz.commands.shared.output import out_option, text_to
from fuzz.commands.shared.program_argument import program_argument, release_option, reproducer_of
from fuzz.commands.shared.progress import ops_run, working
from fuzz.corpus.named_program import Named
from fuzz.corpus.replay import outcome_on
from fuzz.export.expected_answers import NoForm
from fuzz.export.forms import FORMS, SUFFIX


@click.command("export")
@program_argument
@click.option("--as", "form", type=click.Choice(list(FORMS)), required=True, help="What to write.")
@release_option(
    None, model=True, help="Whose results to expect; by default those of the one that it runs on."
)
@out_option("The file; by default standard output.")
def export(program: Named, form: str, release: str | None, out: Path | None) -> None:
    """Write a reproducer as one self-contained file whose comment tells the story.

    pytest: a test on the model; python: a script that needs nothing but a libzpool; c: a program against
    libzpool's headers. What python and c may not see of the bug, their comment says.
    """
    reproducer = reproducer_of(program)
    if release is not None and release not in reproducer.expect:
        now = {release: str(outcome_on(release, reproducer.program))}
        reproducer = dataclasses.replace(reproducer, expect={**reproducer.expect, **now})
    try:
        with working(f"writing {program.word} as {form}", ops_run()):
            text = FORMS[form](reproducer, release or "")
    except NoForm as problem:
        raise click.UsageError(str(problem)) from None
    text_to(out, text, f"exported{SUFFIX[form]}")
