"""The programs of the corpus as libFuzzer's inputs in a zip, as OSS-Fuzz wants them:
`python -m fuzz.engines.ossfuzz.seed_corpus FILE`."""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from pathlib import Path

from fuzz.corpus.merge import programs
from fuzz.corpus.places import CORPUS
from fuzz.language.byteform import encode
from fuzz.language.program import Program

MOST_OPS = 160
"""A program that takes long would take long each time that libFuzzer begins."""


def write_seeds(path: Path) -> int:
    """Write the zip; how many inputs it has."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        inputs = {encode(each) for each in programs([CORPUS]) if _fits(each)}
        for data in sorted(inputs):
            zipped.writestr(hashlib.sha1(data).hexdigest(), data)
    return len(inputs)


def _fits(program: Program) -> bool:
    return len(program.ops) <= MOST_OPS and not any(op.thread for op in program.ops)


def main() -> None:
    """Write the zip that the command line names."""
    parser = argparse.ArgumentParser(
        prog="seed_corpus", description="The corpus as libFuzzer's inputs in a zip."
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the zip to write")
    path = parser.parse_args().file
    try:
        print(f"{write_seeds(path)} inputs in {path}")
    except OSError as problem:
        parser.error(f"{path}: {problem.strerror}")


if __name__ == "__main__":
    main()
