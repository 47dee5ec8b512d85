"""`zapfuzz coverage`: which lines and branches of OpenZFS's own code programs reach, and which none does."""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from fuzz.bench.c_coverage import FLAGS, Branch, Coverage, NoCoverage, counts, environment
from fuzz.commands.shared.ending import Bad
from fuzz.commands.shared.number_not_nan import Number
from fuzz.commands.shared.output import out_option, text_to
from fuzz.commands.shared.program_argument import ProgramWord, release_option
from fuzz.commands.shared.progress import working
from fuzz.corpus.named_program import SEEDS, Named
from fuzz.corpus.places import CORPUS
from fuzz.corpus.reproducer import corpus_folders, read_reproducer
from fuzz.engines.cut_before_known_failure import Steering
from fuzz.execution.execute import run
from fuzz.generate.styles import some_program
from fuzz.language.program import Program
from fuzz.language.syntax import load
from fuzz.targets.base import NoTarget
from fuzz.targets.libzpool.locate import built_library
from fuzz.targets.libzpool.target import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.probe_release import probe, probes
from fuzz.targets.registry import FUZZ_BLOCK_LIMIT, FUZZ_BYTE_LIMIT
from zapcore.release import Release


@click.command("coverage")
@click.argument("build", metavar="TREE-OR-LIBRARY", type=click.Path(path_type=Path))
@click.argument("programs", metavar="[PROGRAM]...", nargs=-1, type=ProgramWord())
@release_option(None, help="The model that leads random programs; by default the nearest one.")
@click.option("--time", "seconds", type=Number(0), default=0, help="Seconds of random programs besides.")
@click.option("--seed", type=click.IntRange(0, 0x7FFFFFFF), default=1, show_default=True)
@out_option("File for each way of a branch, and each function, that nothing reached.", "--unreached")
def coverage(
    build: Path,
    programs: tuple[Named, ...],
    release: str | None,
    seconds: float,
    seed: int,
    unreached: Path | None,
) -> None:
    """Say which lines and branches of zap*.c, dbuf.c and dnode*.c programs reach: the whole corpus, or those
    given, and random ones for --time.

    The library must be built by Clang with -fprofile-instr-generate -fcoverage-mapping and
    -mllvm -runtime-counter-relocation. Branches of assertions are left out.
    """
    library = built_library(build)
    if not counts(library):
        raise Bad(f"{library}: expected a library that Clang has built with {FLAGS}")
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="zapfuzz-coverage-") as scratch:
        leader = _leader(library, release, Path(scratch, "probing")) if seconds else None
        os.environ.update(environment(Path(scratch)))  # for the workers
        target = LibzpoolTarget(release or "", library)
        try:
            with working("running programs", lambda: f"{outcomes.total():,} programs"):
                for program in _all(programs, leader, seconds, seed):
                    try:
                        outcomes[str(run(program, target))] += 1
                    except NoTarget as lacking:
                        outcomes[str(lacking)] += 1
        finally:
            target.close()
        try:
            with working("reading what was counted"):
                found = Coverage(library, Path(scratch))
                rows = list(found.files())
                never = list(found.never_taken())
        except NoCoverage as problem:
            raise Bad(str(problem)) from None
        click.echo(f"{outcomes.total():,} programs on {library}, {outcomes['fine']:,} of them fine")
        for text, number in outcomes.most_common():
            if text != "fine":
                click.echo(f"{number:,}: {text}")
        click.echo(f"{'':16}{'functions':>22}{'lines':>22}{'branches':>22}")
        for row in sorted(rows):
            figures = (_of(row.functions), _of(row.lines, True), _of(row.branches, True))
            click.echo(f"{row.name:16}" + "".join(f"{each:>22}" for each in figures))
        if unreached is not None:
            text_to(unreached, "\n".join(_unreached(found, never)) + "\n", "unreached.txt")


def _leader(library: Path, release: str | None, scratch: Path) -> ModelTarget:
    """The model that random programs are drawn with. What the probes reach is counted in a folder of its own:
    they are no programs of the user's."""
    nearest = release or _nearest(library, scratch)
    return ModelTarget(nearest, block_limit=FUZZ_BLOCK_LIMIT, byte_limit=FUZZ_BYTE_LIMIT)


def _nearest(library: Path, scratch: Path) -> Release:
    scratch.mkdir()
    os.environ.update(environment(scratch))
    with working("probing"), contextlib.closing(LibzpoolTarget("", library)) as target:
        return probe(target).nearest


def _of(reached: tuple[int, int], percent: bool = False) -> str:
    some, every = reached
    return f"{some} of {every}" + (f" {100 * some / max(every, 1):5.1f} %" if percent else "")


def _unreached(found: Coverage, never: list[Branch]) -> Iterator[str]:
    for file, name in found.never_entered():
        yield f"{file}: {name}() is never entered"
    entered = {name for _, name in found.never_entered()}
    for each in never:
        if each.function not in entered:
            yield (
                f"{each.file}:{each.line}:{each.column} {each.function}(): never "
                f"{'true' if each.value else 'false'}: {each.text}"
            )


def _all(
    programs: tuple[Named, ...], leader: ModelTarget | None, seconds: float, seed: int
) -> Iterator[Program]:
    if programs:
        yield from (each.program for each in programs)
    else:
        yield from (read_reproducer(folder).program for folder in corpus_folders(CORPUS))
        yield from (load(path) for path in sorted((CORPUS / SEEDS).glob("*.zap")))
        yield from probes().values()
    if leader is None:
        return
    rng, until = random.Random(seed), time.monotonic() + seconds
    steering = Steering(lambda text: True)
    while time.monotonic() < until:
        yield steering.cut(some_program(rng, leader), leader, lambda *_: None)
