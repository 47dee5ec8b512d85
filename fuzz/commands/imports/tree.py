"""`zapfuzz import-tree`: a program of the names of a directory tree."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.commands.shared.output import out_option, program_to
from fuzz.commands.shared.progress import working
from fuzz.evidence.imports.dataset import properties_of
from fuzz.evidence.imports.tree import MAX_NAMES, PHASES, tree_program


@click.command("import-tree")
@click.argument("directory")
@out_option("File for the program; by default it is printed.")
@click.option("--leaf-shift", type=click.IntRange(9, 17), default=14, show_default=True)
@click.option(
    "--names",
    type=click.IntRange(1, MAX_NAMES),
    default=MAX_NAMES,
    help="At most so many names, spread evenly over all.",
)
@click.option(
    "--phases",
    type=click.IntRange(1, PHASES),
    default=PHASES,
    show_default=True,
    help="1 only creates: a program has room for three times as many names.",
)
@click.option(
    "--dataset", default="", metavar="WORDS", help="Such as casesensitivity=mixed,normalization=formD."
)
def import_tree(
    directory: str, out: Path | None, leaf_shift: int, names: int, phases: int, dataset: str
) -> None:
    """A program from a directory tree: all names created, removed, and created again."""
    properties = properties_of(dataset)
    with working(f"reading the names of {directory}"):
        program = tree_program(
            directory, leaf_shift=leaf_shift, names=names, phases=phases, properties=properties
        )
    with working("writing the program", lambda: f"{len(program.ops):,} ops"):
        program_to(out, program)
