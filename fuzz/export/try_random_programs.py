"""Exports of random programs, run on a real library: none may call it wrong where model and library agree.

    python -m fuzz.export.try_random_programs --release 2.3 --form python --count 2000

A program of which the model meets a failure, or on which model and library differ, is counted and gone
around; answers that the oracle denies must be what the export complains of, and nothing else.
"""

from __future__ import annotations

import argparse
import collections
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from fuzz.corpus.reproducer import FINE, Reproducer
from fuzz.execution.execute import run
from fuzz.export.compile_and_run_form import LIBRARY_FORMS, NoHeaders, command_of, ran
from fuzz.export.expected_answers import NoForm
from fuzz.generate.styles import STYLES, Draw, some_program
from fuzz.judge.signature import Failure
from fuzz.language.printing import format_program
from fuzz.language.program import Program
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.libzpool.locate import NoLibrary, find_library
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.registry import make_target
from zapcore.errors import LimitExceeded
from zapcore.release import PINNED

RIGHT, WRONG = "right", "WRONG"


class Tried(NamedTuple):
    """A program and what became of its export: RIGHT, WRONG, or why it was gone around; what it printed."""

    program: Program
    verdict: str
    printed: str = ""


def try_programs(
    form: str, release: str, seed: int, numbers: Sequence[int], by_name: bool, draw: Draw = some_program
) -> Iterator[Tried]:
    """Draw programs, export each in a form (`by_name`: for the release by its name, else for every one), and
    run it on the library of a release. Raises NoLibrary, NoHeaders."""
    library = find_library(release)
    model = make_target("model", release, small=True)
    assert isinstance(model, ModelTarget)
    with LibzpoolTarget(path=library) as real, tempfile.TemporaryDirectory(prefix="zapfuzz-") as folder:
        both = BothTarget(model, real)
        for number in numbers:
            program = draw(Random(f"{seed}:{number}"), model)
            why, denied = _agree(program, model, both)
            if why:
                yield Tried(program, why)
                continue
            reproducer = Reproducer(program, f"random program {number}", {release: FINE})
            try:
                command = command_of(form, reproducer, library, Path(folder), release if by_name else "")
            except NoForm:
                yield Tried(program, "has no form")
                continue
            except subprocess.CalledProcessError as refused:
                yield Tried(program, WRONG, f"does not compile:\n{refused.stdout}{refused.stderr}")
                continue
            status, printed = ran(command, library)
            complaints = [line for line in printed.splitlines() if line.startswith("  ")]
            as_it_is = status == 1 and all(any(text in line for text in denied) for line in complaints)
            right = as_it_is if denied else status == 0 and not complaints
            yield Tried(program, RIGHT if right else WRONG, f"status {status}\n{printed}")


def _agree(program: Program, model: ModelTarget, both: BothTarget) -> tuple[str, list[str]]:
    """Why a program says nothing of an export (or nothing), and which answers the oracle denies."""
    denied: list[str] = []

    def forgive(failure: Failure) -> bool:
        denied.append(failure.text.partition(": ")[2])
        return failure.signature.kind == "oracle"

    outcome = run(program, model, forgive=forgive)
    if outcome.failure is not None:
        return f"the model fails: {outcome.failure.signature.kind}", []
    if outcome.limit is not None:
        return "the model meets a limit", []
    try:
        both.compared(program, judge=False)
    except Failure as failure:
        return f"model and library: {failure.signature.kind}", []
    except LimitExceeded:
        return "model and library: a limit", []
    return "", denied


def main(arguments: list[str] | None = None) -> int:
    """Print what became of them, and each export that was wrong; 1 if one was."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.export.try_random_programs")
    parser.add_argument("--release", action="append", choices=list(PINNED))
    parser.add_argument("--form", action="append", choices=LIBRARY_FORMS)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--style", choices=list(STYLES), help="draw all in one way")
    parser.add_argument("--by-name", action="store_true", help="export with --release")
    chosen = parser.parse_args(arguments)
    try:
        return _try(chosen)
    except (NoLibrary, NoHeaders) as problem:
        parser.error(str(problem))


def _try(chosen: argparse.Namespace) -> int:
    wrong = 0
    draw = STYLES[chosen.style][1] if chosen.style else some_program
    for release in chosen.release or list(PINNED):
        for form in chosen.form or LIBRARY_FORMS:
            counts: collections.Counter[str] = collections.Counter()
            numbers = range(chosen.first, chosen.first + chosen.count)
            for tried in try_programs(form, release, chosen.seed, numbers, chosen.by_name, draw):
                counts[tried.verdict] += 1
                if tried.verdict == WRONG:
                    print(f"{format_program(tried.program)}\n{tried.printed}", flush=True)
            wrong += counts[WRONG]
            told = ", ".join(f"{verdict} {count}" for verdict, count in counts.most_common())
            print(f"{form} on {release}: {sum(counts.values())} programs: {told}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
