"""`zapfuzz replay`: reproducers run again, and held to what they say."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from fuzz.commands.shared.options import Bad
from fuzz.commands.shared.program_argument import PlaceWord
from fuzz.corpus.replay import Replayed, is_kernel, with_missing
from fuzz.corpus.replay import replay as replay_one
from fuzz.corpus.reproducer import (
    PROGRAM_FILE,
    Reproducer,
    corpus_folders,
    folders,
    read_reproducer,
    write_reproducer,
)
from fuzz.places import CORPUS, INSTALLED
from fuzz.targets.kernel.plain_files import why_not_files
from fuzz.targets.registry import (
    KERNEL_KINDS,
    LIBRARIES,
    LIBRARY_PREFIX,
    name_of_expectation,
    target_of_expectation,
)
from zapcore.release import RELEASES, named_release


@click.command("replay")
@click.argument("paths", metavar="[PROGRAM]...", nargs=-1, type=PlaceWord())
@click.option(
    "--release",
    metavar="R",
    default="all",
    show_default=True,
    help="A release by any of its names, libzpool-VERSION, or all.",
)
@click.option(
    "--target",
    type=click.Choice(("model", "kernel")),
    default="model",
    show_default=True,
    help="model: releases and real libraries; kernel: guests with both builds, for file operations alone.",
)
@click.option(
    "--write-missing",
    is_flag=True,
    help="First write down what releases do that a reproducer says nothing of.",
)
def replay(paths: tuple[str, ...], release: str, target: str, write_missing: bool) -> None:
    """Run reproducers and hold them to what they say: all of the corpus, or those of these names, at or below
    these paths."""
    kernel = target == "kernel"
    if not kernel:
        release = _row(release)
    chosen = list(folders(map(_folder, paths))) if paths else corpus_folders(CORPUS)
    if write_missing and INSTALLED and any(folder.is_relative_to(CORPUS) for folder in chosen):
        raise Bad("--write-missing: expected folders of yours; an installed corpus stays as it is")
    if paths and not chosen:
        raise Bad(f"{paths[0]}: expected a reproducer at or below it, found none")
    names: Sequence[str] = ()
    if kernel:
        names = [
            name_of_expectation(kind, each) for each in _kernels(chosen, release) for kind in KERNEL_KINDS
        ]
    for folder in chosen if write_missing else ():
        _complete(folder, names if kernel else (*RELEASES, *LIBRARIES))
    reproducers = [read_reproducer(folder) for folder in chosen]
    ran = differ = 0
    for replayed in _on_kernels(reproducers, names) if kernel else _on_all(reproducers, release):
        ran += replayed.got is not None
        differ += replayed.differs
        name = replayed.reproducer.name
        if replayed.got is None:
            click.echo(f"not run  {name} on {replayed.release}: not on this machine")
        elif replayed.differs:
            click.echo(f"DIFFERS  {name} on {replayed.release}")
            click.echo(f"  expected {replayed.expected}\n  got      {replayed.got}")
    click.echo(f"{len(chosen)} reproducers, {ran} runs, {differ} that differ")
    raise SystemExit(1 if differ else 0)


def _folder(path: str) -> Path:
    """Where to look for reproducers: at a program's file, beside it."""
    return Path(path).parent if Path(path).name == PROGRAM_FILE else Path(path)


def _row(release: str) -> str:
    """What reproducers call a release that somebody asks for by any of its names. Raises Bad."""
    base, plus, remedies = release.partition("+")
    if base == "all" or base.startswith(LIBRARY_PREFIX):
        return release
    named = named_release(base.removeprefix("zfs-"))
    if named is None or named.name not in RELEASES:
        expected = (
            f"all, one of {', '.join(RELEASES)}, a version that is as one of these, or libzpool-VERSION"
        )
        raise Bad(f"--release {release}: expected {expected}")
    return named.name + plus + remedies


def _on_all(reproducers: Iterable[Reproducer], release: str) -> Iterator[Replayed]:
    for reproducer in reproducers:
        yield from replay_one(reproducer, release)


def _on_kernels(reproducers: Iterable[Reproducer], names: Iterable[str]) -> Iterator[Replayed]:
    """One guest after the other, with a line for each program, since each takes seconds."""
    for name in names:
        for reproducer in reproducers:
            began = time.monotonic()
            for replayed in replay_one(reproducer, name):
                if replayed.got is not None:
                    took = time.monotonic() - began
                    click.echo(f"{took:6.1f} s  {reproducer.name} on {name}: {replayed.got}")
                yield replayed
        runner = target_of_expectation(name)
        if runner is not None:
            runner.close()


def _kernels(chosen: Iterable[Path], release: str) -> list[str]:
    """The versions that are asked for: one, or each that a reproducer speaks of."""
    if release != "all":
        return [release]
    spoken = (name for folder in chosen for name in read_reproducer(folder).expect if is_kernel(name))
    return sorted({name.rpartition("-")[2] for name in spoken})


def _complete(folder: Path, names: Iterable[str]) -> None:
    """Write what each of these targets does into a reproducer that says nothing of it."""
    reproducer = read_reproducer(folder)
    if any(map(is_kernel, names)) and why_not_files(reproducer.program) is not None:
        return
    whole = with_missing(reproducer, names)
    if whole != reproducer:
        write_reproducer(whole, folder)
        new = [f"{name}: {whole.expect[name]}" for name in whole.expect if name not in reproducer.expect]
        click.echo(f"written  {folder.name}: {'; '.join(new)}")
