"""`zapfuzz merge`: several working corpora as one small one that reaches the same."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.commands.shared.live_display import Far
from fuzz.commands.shared.output import try_folder
from fuzz.commands.shared.program_argument import PlaceWord, release_option
from fuzz.commands.shared.progress import some_of, working
from fuzz.corpus.merge import Merging, programs, write


@click.command("merge")
@click.argument("corpus", type=click.Path(path_type=Path, file_okay=False))
@click.argument("more", nargs=-1, type=PlaceWord())
@release_option(model=True, help="The model that judges.")
def merge(corpus: Path, more: tuple[str, ...], release: str) -> None:
    """Make CORPUS reach all that it and MORE do, with as little as can be.

    MORE are folders, programs, or names of the corpus. Of the files in CORPUS only those that libFuzzer or
    this command named by their digest may go. Until all programs are measured nothing is written: Ctrl-C
    leaves CORPUS as it was.
    """
    try_folder(corpus)
    with working("reading"):
        all_ = list(programs([*([corpus] if corpus.exists() else []), *map(Path, more)]))
    merging = Merging(all_, release)

    def how_far() -> Far:
        taken = f"{len(merging.taken)} taken"
        return some_of(merging.measured, len(merging.programs), "programs measured", taken)

    with working("merging", how_far):
        small = merging.run()
    with working(f"writing {len(small)} programs to {corpus}"):
        count, gone = write(small, corpus)
    before, after = (sum(len(each.ops) for each in some) for some in (all_, small))
    click.echo(f"{len(all_)} programs of {before} ops: {count} of {after} ops are left; {gone} files went")
