"""Whether somebody's build reads what a machine of the other byte order has written."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

from fuzz.commands.trial.stage import Difference, Stage
from fuzz.corpus.places import ROOT
from fuzz.judge.signature import Failure, Signature
from fuzz.language.program import Program
from fuzz.language.syntax import parse
from fuzz.targets.libzpool.locate import python_for
from fuzz.targets.libzpool.watched.watch import watch_of

_PLACE = "byte-order:compare"
_MODULE = "fuzz.targets.libzpool.byte_order"
DEADLINE = 120.0
"""Seconds for all blocks; one is enough where the library does not hang."""
_LAST_LINES = 8


def turned_blocks(library: Path, expected: frozenset[str], stage: Stage) -> Iterator[str]:
    """Have the library turn blocks around, and yield how many it has turned. Raises NoTarget where what
    watches it is not here."""
    watch = watch_of(library)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LD_LIBRARY_PATH": str(library.parent)}
    environment.pop("LD_PRELOAD", None)  # a fuzzer's own must not reach the library's process
    environment |= watch.environment if watch is not None else {}
    command = [*python_for(library), "-P", "-m", _MODULE, str(library)]
    with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, env=environment) as process:
        try:
            answers, printed = process.communicate(timeout=DEADLINE)
            end = f"status {process.returncode}"
        except subprocess.TimeoutExpired:
            process.kill()
            answers, printed = process.communicate()
            end = f"no end within {DEADLINE:g} s"
    met: dict[str, int] = {}
    for line in answers.splitlines():
        if not line.startswith("{"):  # the library's own
            continue
        said = json.loads(line)
        if "met" in said:
            met = said["met"]
        else:
            _tell(said["kind"], said["text"], parse(said["program"], "<byte order>"), expected, stage)
    if process.returncode:
        last = "\n".join(printed.strip().splitlines()[-_LAST_LINES:])
        _tell("the end", f"{end}\n{last}".strip(), Program((), ()), expected, stage)
    count = ", ".join(f"{number} {kind}" for kind, number in sorted(met.items()))
    stage.lines.append(f"blocks of the other byte order: {count or 'it did not end'}")
    yield f"{sum(met.values())} blocks"


def _tell(kind: str, text: str, program: Program, expected: frozenset[str], stage: Stage) -> None:
    signature = Signature("difference", _PLACE, kind)
    if not stage.is_expected(str(signature), expected):
        stage.differences.append(Difference(Failure(signature, text, len(program.ops)), program))
