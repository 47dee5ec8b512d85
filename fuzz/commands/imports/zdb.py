"""`zapfuzz import-zdb`: a program of the names that a text of zdb lists."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.commands.shared.output import out_option, program_to
from fuzz.commands.shared.progress import working
from fuzz.evidence.imports.dataset import properties_of
from fuzz.evidence.imports.zdb import zdb_program


@click.command("import-zdb")
@click.argument("text", type=click.Path(path_type=Path))
@out_option("File for the program; by default it is printed.")
@click.option("--dataset", default="", metavar="WORDS", help="Such as normalization=formD of `zfs get`.")
def import_zdb(text: Path, out: Path | None, dataset: str) -> None:
    """A program of the names that `zdb -dddd POOL/NAME OBJECT` lists, a ZAP for each object."""
    with working(f"reading {text}"):
        program = zdb_program(text, properties=properties_of(dataset))
    with working("writing the program", lambda: f"{len(program.ops):,} ops"):
        program_to(out, program)
