"""A form of a reproducer that runs on a real library by itself: found, run, and held against what it should
say."""

from __future__ import annotations

import signal
import subprocess
from functools import cache
from pathlib import Path

import pytest

from fuzz.corpus.reproducer import FINE, Reproducer
from fuzz.export import compile_and_run_form as run_form
from fuzz.export.compile_and_run_form import NoHeaders
from fuzz.judge.signature import Signature
from fuzz.targets.libzpool.locate import NoLibrary, find_library
from fuzz.targets.libzpool.process.message import strip_values
from tests.support.cases import only_now
from tests.support.missing import missing
from zapcore.release import PINNED

FORMS = pytest.mark.parametrize("form", ["python", "c"])
RELEASES = only_now("release", ["2.4"], PINNED)

FEW, MANY = 300, 20_000
"""Rounds of a program with threads: to see that it runs, and to meet what it is about. On two idle processors
each was met within some hundreds of rounds; threads that share one processor may miss it in MANY."""


@cache
def library_of(release: str) -> Path | None:
    try:
        return find_library(release)
    except NoLibrary:
        return None


def library(release: str) -> Path:
    found = library_of(release)
    if found is None:
        missing(f"libzpool for {release} is not there: run `zapfuzz fetch`")
    assert found is not None
    return found


def command_of(form: str, reproducer: Reproducer, where: Path, folder: Path) -> list[str]:
    """The command that runs a form."""
    try:
        return run_form.command_of(form, reproducer, where, folder)
    except NoHeaders as problem:
        missing(problem)
    except subprocess.CalledProcessError as problem:
        pytest.fail(problem.stderr)


def judge(status: int, printed: str, wanted: str) -> None:
    """Hold the end of a form against what the corpus says."""
    kind, place, expression, _ = Signature.of(wanted)
    if wanted == FINE:
        assert (status, "\nas it should be\n" in printed) == (0, True), printed
    elif kind in ("oracle", "invariant"):
        assert (status, "\nnot as it should be\n" in printed) == (1, True), printed
    elif wanted == "limit" or kind == "hang":
        assert (status, "\n  stopped: " in printed) == (3, True), printed
    elif kind == "signal":
        assert status == -signal.Signals[expression], printed
    else:
        assert kind == "assertion"
        said = expression in printed or expression in map(strip_values, printed.splitlines())
        function = f"{place.partition(':')[2]}()"
        assert (status, function in printed, said) == (-signal.SIGABRT, True, True), printed


def wanted_of(reproducer: Reproducer, release: str) -> str:
    """What the corpus says of the real library of a release."""
    return reproducer.expect[f"libzpool-{PINNED[release]}"]
