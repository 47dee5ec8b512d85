"""`zapfuzz site`: the findings as a static site."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.commands.shared.output import try_folder
from fuzz.commands.shared.progress import say, working
from fuzz.corpus.places import CORPUS
from fuzz.corpus.reproducer import corpus_folders, read_reproducer
from fuzz.export.pages.site import INDEX, write_site


@click.command("site")
@click.option(
    "--out", "-o", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder."
)
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=CORPUS,
    show_default="the project's",
    help="The folder whose findings and regressions are shown.",
)
def site(out: Path, corpus: Path) -> None:
    """Write the findings as a static site: a list, and a page for each that steps through its program, with
    its exports. It needs no server and no network."""
    try_folder(out)
    reproducers = [read_reproducer(folder) for folder in corpus_folders(corpus)]
    now = [""]
    with working("writing pages", lambda: now[0]):
        for number, name in enumerate(write_site(reproducers, out), 1):
            now[0] = f"{number} of {len(reproducers)}, {name}"
    say(f"{len(reproducers)} pages, and their list in {out / INDEX}")
