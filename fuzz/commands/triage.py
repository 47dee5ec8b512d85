"""`zapfuzz triage`: reads logs, says what failed."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from fuzz.commands.shared.ending import Bad, Ended, Status
from fuzz.commands.shared.progress import say, working
from fuzz.corpus.places import CORPUS
from fuzz.evidence.triage.containers.decode import Undecodable
from fuzz.evidence.triage.containers.not_a_log import NotALog
from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.known import Judge, load_corpus
from fuzz.evidence.triage.report import TextReport, as_json
from fuzz.evidence.triage.stream import Log, follow_file, follow_stream, scan
from fuzz.language.write_whole_file import standard_input


class Unreadable(Exception):
    """The log cannot be read; the text says why."""


def _events(name: str, follow: bool, log: Log) -> Iterator[Event]:
    """The failures of a log. Raises Unreadable."""
    try:
        yield from _read(name, follow, log)
    except OSError as problem:
        raise Unreadable(f"cannot be read: {problem.strerror or problem}") from None
    except Undecodable as problem:
        raise Unreadable(f"cannot be read: {problem}") from None
    except NotALog as what:
        raise Unreadable(f"expected a log, found {what}") from None


def _warn(problem: str) -> None:
    click.echo(f"zapfuzz: {problem}", err=True)


def _read(name: str, follow: bool, log: Log) -> Iterator[Event]:
    if name == "-":
        descriptor = standard_input()
        read = functools.partial(os.read, descriptor)
        yield from follow_stream(descriptor, log) if follow else scan(read, log)
    elif follow:
        yield from follow_file(name)
    else:
        with open(name, "rb", buffering=0) as file:
            yield from scan(file.read, log)


@click.command("triage")
@click.argument("log", metavar="[FILE|-]", default="-")
@click.option("--follow", is_flag=True, help="Go on as the log grows; renamed and emptied files are noticed.")
@click.option("--json", "machine", is_flag=True, help="One JSON object a failure, one a line.")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path),
    default=None,
    help="The folder with regressions/ and findings/; by default the project's own.",
)
def triage(log: str, follow: bool, machine: bool, corpus: Path | None) -> None:
    """Find ZFS failures in a kernel, system or ztest log and say what is known of each.

    Exit status: 0 if there is none, 1 if there is one, 2 if the log cannot be read, or has no text.
    """
    if corpus is not None and not corpus.is_dir():
        raise click.UsageError(f"--corpus {corpus}: expected a folder with regressions/ and findings/")
    known, problems = load_corpus(corpus if corpus is not None else CORPUS)
    for problem in problems:
        click.echo(f"zapfuzz: {problem}", err=True)
    judge, text = Judge(known), TextReport()
    found = 0

    name = "standard input" if log == "-" else log
    reading = Log(_warn if log == "-" else lambda problem: _warn(f"{log}: {problem}"))

    def how_far() -> str:
        lines = "" if follow else f"{reading.lines:,} lines, "
        return f"{lines}{found} failure{'s' * (found != 1)} so far"

    try:
        with _told_when_ended(how_far) if follow else working("reading the log", how_far):
            for event in _events(log, follow, reading):
                found += 1
                verdict = judge(event)
                say(as_json(event, verdict) if machine else text.render(event, verdict))
    except BrokenPipeError:
        raise
    except Unreadable as problem:
        raise Bad(f"{name}: {problem}") from None
    except OSError as problem:
        raise Bad(f"standard output: {problem.strerror or problem}") from None
    if not found and not machine and not follow:
        say(f"no failure of ZFS in {reading.lines:,} line{'s' * (reading.lines != 1)} of {name}")
    (Status.FOUND if found else Status.NOT_FOUND).end()


@contextlib.contextmanager
def _told_when_ended(how_far: Callable[[], str]) -> Iterator[None]:
    """What follows a log waits: there is nothing to be said until a signal ends it."""
    try:
        yield
    except Ended as ended:
        ended.told = True
        click.echo(f"zapfuzz: ended by {ended}: {how_far()}", err=True)
        raise
