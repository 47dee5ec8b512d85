"""`zapfuzz replay`: reproducers run again, and held to what they say."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.commands.shared.options import CORPUS, Bad
from fuzz.corpus.replay import replay as replay_one
from fuzz.corpus.replay import with_missing
from fuzz.corpus.reproducer import corpus_folders, folders, read_reproducer, write_reproducer
from zapcore.release import RELEASES


@click.command("replay")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--release", metavar="R", default="all", show_default=True, help="A release, or all.")
@click.option(
    "--write-missing",
    is_flag=True,
    help="First write down what releases do that a reproducer says nothing of.",
)
def replay(paths: tuple[Path, ...], release: str, write_missing: bool) -> None:
    """Run reproducers (all of the corpus, or those at or below PATHS) and hold them to what they say."""
    if release.partition("+")[0] not in ("all", *RELEASES) and not release.startswith("libzpool-"):
        raise Bad(f"--release {release}: expected all, one of {', '.join(RELEASES)}, or libzpool-VERSION")
    chosen = list(folders(paths)) if paths else corpus_folders(CORPUS)
    if paths and not chosen:
        raise Bad(f"{paths[0]}: expected a reproducer at or below it, found none")
    for folder in chosen if write_missing else ():
        reproducer = read_reproducer(folder)
        whole = with_missing(reproducer)
        if whole != reproducer:
            write_reproducer(whole, folder)
            new = [f"{name}: {whole.expect[name]}" for name in whole.expect if name not in reproducer.expect]
            click.echo(f"written  {folder.name}: {'; '.join(new)}")
    ran = differ = 0
    for folder in chosen:
        for replayed in replay_one(read_reproducer(folder), release):
            ran += replayed.got is not None
            if replayed.got is None:
                click.echo(f"not run  {folder.name} on {replayed.release}: not on this machine")
            elif replayed.differs:
                differ += 1
                click.echo(f"DIFFERS  {folder.name} on {replayed.release}")
                click.echo(f"  expected {replayed.expected}\n  got      {replayed.got}")
    click.echo(f"{len(chosen)} reproducers, {ran} runs, {differ} that differ")
    raise SystemExit(1 if differ else 0)
