"""The programs of the corpus as libFuzzer's inputs in a zip, as OSS-Fuzz wants them:
`python -m fuzz.engines.ossfuzz.seed_corpus FILE`."""

from __future__ import annotations

import hashlib
import sys
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


if __name__ == "__main__":
    print(f"{write_seeds(Path(sys.argv[1]))} inputs in {sys.argv[1]}")
