"""`zapfuzz check`: judges ZAP objects from a file of blocks or from a pool."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from fuzz.commands.shared.does_nothing import refuse
from fuzz.commands.shared.ending import Status
from fuzz.commands.shared.output import text_to, try_file
from fuzz.commands.shared.progress import say, working
from fuzz.evidence.check.files import BadInput, Blocks, open_blocks
from fuzz.evidence.check.format_report import absent_objects, as_json, as_text
from fuzz.evidence.check.salvaged import as_json as salvage_json
from fuzz.evidence.check.salvaged import as_lines
from zapcore.layout import MAX_MICRO
from zapcore.verify.object import check_object
from zapcore.verify.report import Report
from zapcore.verify.salvage import salvage


def _block_size(context: click.Context, parameter: click.Parameter, value: int) -> int:
    if value % 512 or not 0 <= value <= MAX_MICRO:
        raise click.BadParameter(f"{value}: expected a multiple of 512, up to {MAX_MICRO}")
    return value


def _objects(
    file: Path | None,
    size: int,
    pool: Path | None,
    dataset: str,
    number: int,
    libzpool: Path | None,
    files: bool,
) -> Iterator[tuple[str, Blocks, list[str], frozenset[int]]]:
    """What to judge: names, blocks, what is to be said of them, and objects that do not exist."""
    if file is not None:
        for each in sorted(file.iterdir()) if file.is_dir() and files else [file]:
            yield str(each), open_blocks(each, size, salvage=files), [], frozenset()
        return
    from fuzz.evidence.check.pool import read_objects  # needs the real library; a file does not

    assert pool is not None
    for found in read_objects(pool, dataset, number, libzpool):
        if isinstance(found, str):
            click.echo(f"zapfuzz: left out: {found}", err=True)
            continue
        yield found.name, found.blocks, found.notes, found.absent


def _salvage(name: str, blocks: Blocks, dataset: str, out: Path | None, machine: bool) -> bool:
    """Salvage one object, to files or the screen; whether all was well with it."""
    found = salvage(blocks)
    listed = list(as_lines(found, name, dataset))
    if out is None:
        say(salvage_json(found, name) if machine else "\n".join(listed))
    else:
        if out.is_dir():
            out = out / re.sub(r"[^A-Za-z0-9._-]+", "_", Path(name).name if dataset == "" else name)
        for suffix, text in ((".json", salvage_json(found, name)), (".sh", "\n".join(listed))):
            text_to(out.with_name(out.name + suffix), text + "\n", out.name + suffix)
        say(f"{listed[0][2:]}: {out}.json, {out}.sh")
    return found.report.sound and not found.parts


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--block-size",
    type=int,
    default=0,
    callback=_block_size,
    help="Bytes in a block of FILE; by default what its header says.",
)
@click.option("--pool", type=click.Path(path_type=Path), help="A pool's image, imported read-only.")
@click.option("--dataset", default="", help="POOL/NAME of the dataset; by default all of the pool.")
@click.option("--object", "number", type=click.IntRange(1), default=None, help="The object's number.")
@click.option("--all", "every", is_flag=True, help="All ZAP objects of the dataset, or of the pool.")
@click.option("--libzpool", type=click.Path(path_type=Path), help="The library that reads the pool.")
@click.option(
    "--salvage",
    "saved",
    type=click.Path(path_type=Path),
    metavar="DIR-OR-FILE",
    help="Write every entry that can be read to files there; without FILE and --pool, read what is there.",
)
@click.option("--json", "machine", is_flag=True, help="One JSON object for each ZAP, one a line.")
def check(
    file: Path | None,
    block_size: int,
    pool: Path | None,
    dataset: str,
    number: int | None,
    every: bool,
    libzpool: Path | None,
    saved: Path | None,
    machine: bool,
) -> None:
    """Judge a ZAP object: every violation with block, chunk and field, what operations would do on it, and
    the entries that can still be read.

    FILE has the object's blocks one after the other, as `zdb -R` or dmu_read() give them, in either byte
    order. Exit status: 0 if it is sound, 1 if not, 2 if it cannot be read.

    --salvage gets every entry that is whole, whether or not anything leads to it, as JSON and as lines of
    zdb.
    """
    out = saved
    if saved is not None and file is None and pool is None:
        file, out = saved, None
    elif out is not None and out in (file, pool):
        raise click.UsageError("--salvage: expected another place than what is read")
    if (file is None) == (pool is None):
        raise click.UsageError("expected either FILE or --pool IMAGE")
    if file is not None and (dataset or number is not None or every):
        raise click.UsageError("--dataset, --object and --all go with --pool")
    if pool is not None and (number is None) == (not every):
        raise click.UsageError("--pool: expected either --object N or --all")
    if number is not None and not dataset:
        raise click.UsageError("--object N: expected --dataset POOL/NAME as well")
    refuse("block_size", "does nothing with --pool, which knows the size", where=pool is not None)
    refuse("libzpool", "does nothing without --pool, which it reads", where=pool is None)
    refuse(
        "machine", "does nothing where --salvage writes files, of which one is JSON", where=out is not None
    )
    render: Callable[[Report, str], Iterator[str]] = as_text
    if machine:
        render = _machine
    done = 0
    wrong: list[str] = []
    if out is not None:
        try_file(out / ".json" if out.is_dir() else out.with_name(f"{out.name}.json"))
    objects = _objects(file, block_size, pool, dataset, number or 0, libzpool, saved is not None)
    try:
        with working("checking", lambda: f"{done} objects, {len(wrong)} damaged"):
            for name, blocks, notes, absent in objects:
                if saved is not None:
                    sound = _salvage(name, blocks, dataset, out, machine)
                else:
                    report = check_object(blocks)
                    report.notes += notes
                    report.violations += absent_objects(report, absent)
                    sound = report.sound
                    for line in render(report, name):
                        say(line)
                wrong += [] if sound else [name]
                done += 1
    except BadInput as problem:
        click.echo(f"zapfuzz: {problem}", err=True)
        raise SystemExit(Status.BAD_INPUT.number) from None
    if every:
        told = f"{done} ZAP{'s' * (done != 1)}: {done - len(wrong)} sound, {len(wrong)} not"
        click.echo(told + (f": {', '.join(wrong)}" if wrong else ""), err=machine)
    (Status.FOUND if wrong else Status.NOT_FOUND).end()


def _machine(report: Report, name: str) -> Iterator[str]:
    yield as_json(report, name)
