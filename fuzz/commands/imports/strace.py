"""`zapfuzz import-strace`: a program of what a log of strace saw."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.commands.shared.output import out_option, program_to
from fuzz.commands.shared.progress import working
from fuzz.evidence.imports.dataset import properties_of
from fuzz.evidence.imports.strace import strace_program


@click.command("import-strace")
@click.argument("log", type=click.Path(path_type=Path))
@out_option("File for the program; by default it is printed.")
@click.option("--leaf-shift", type=click.IntRange(9, 17), default=14, show_default=True)
@click.option("--txgs", type=click.IntRange(0, 10_000), default=0, help="Open the next txg so many times.")
@click.option("--dataset", default="", metavar="WORDS", help="Such as normalization=formD.")
def import_strace(log: Path, out: Path | None, leaf_shift: int, txgs: int, dataset: str) -> None:
    """A program from the file operations of a log of `strace -f`."""
    with working(f"reading {log}"):
        program = strace_program(log, leaf_shift=leaf_shift, txgs=txgs, properties=properties_of(dataset))
    with working("writing the program", lambda: f"{len(program.ops):,} ops"):
        program_to(out, program)
