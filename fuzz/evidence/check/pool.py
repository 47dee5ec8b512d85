"""ZAP objects out of a pool's image, read by the real library in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from fuzz.corpus.places import ROOT
from fuzz.evidence.check.files import BadInput, Blocks
from fuzz.evidence.check.not_a_zap import LOOKED_AT, no_pool
from fuzz.targets.libzpool.locate import NoLibrary, find_library, python_for


class PoolObject(NamedTuple):
    """An object as it was read. `notes` name blocks that could not be read, and count as zero; `absent` are
    objects that a directory's entries name and that do not exist."""

    name: str
    blocks: Blocks
    notes: list[str]
    absent: frozenset[int]


def read_objects(
    image: Path, dataset: str, number: int, libzpool: Path | None = None
) -> Iterator[PoolObject | str]:
    """The object of a dataset (`MOS` is the pool's own), or (number 0) every ZAP, of all datasets if none is
    named. A text instead of an object says what was left out. Raises BadInput."""
    if not (image.is_file() or image.is_block_device()):
        raise BadInput(f"{image}: no file and no block device; expected a pool's only device, or its image")
    try:
        with image.open("rb") as file:
            if what := no_pool(file.read(LOOKED_AT)):
                raise BadInput(f"{image}: {what}; expected a pool's only device, or its image")
    except OSError as problem:
        raise BadInput(f"{image}: cannot be read: {problem.strerror}") from None
    try:
        library = find_library(path=libzpool)
    except NoLibrary as problem:
        raise BadInput(str(problem)) from None
    with tempfile.TemporaryFile() as printed:
        yield from _read(library, image, dataset, number, printed)


def _read(
    library: Path, image: Path, dataset: str, number: int, printed: BinaryIO
) -> Iterator[PoolObject | str]:
    end, theirs = os.pipe()
    paths = [str(library.parent), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    arguments = [str(library), str(image.resolve()), dataset, str(number), str(theirs)]
    child = subprocess.Popen(
        [*python_for(library), "-P", "-m", "fuzz.evidence.check.pool_child", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=printed,
        stderr=printed,
        pass_fds=(theirs,),
        env=os.environ | {"LD_LIBRARY_PATH": ":".join(paths), "PYTHONPATH": str(ROOT)},
    )
    os.close(theirs)
    try:
        with open(end, "rb") as answers:
            yield from _objects(answers)
        if child.wait():
            printed.seek(0)
            last = printed.read(4096).decode("utf-8", "replace").strip().splitlines()
            raise BadInput(f"{image}: libzpool died: {' '.join(last[:2]) or child.returncode}")
    finally:
        child.kill()
        child.wait()


def _objects(answers: BinaryIO) -> Iterator[PoolObject | str]:
    for line in answers:
        said = json.loads(line)
        if "error" in said:
            raise BadInput(said["error"])
        if "skipped" in said:
            yield said["skipped"]
            continue
        data = answers.read(said["size"] * said["blocks"])
        notes = [f"block {blkid} cannot be read and counts as zero" for blkid in said["unreadable"]]
        yield PoolObject(said["name"], Blocks(data, said["size"]), notes, frozenset(said["absent"]))
