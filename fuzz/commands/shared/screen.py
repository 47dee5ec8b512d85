"""What a person sees of a fuzzing run: a display at a terminal, plain lines in a log, each failure."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from fuzz.commands.shared import progress as display
from fuzz.commands.shared.live_display import Activity, Far, someone_looks
from fuzz.corpus.reproducer import Reproducer
from fuzz.engines.engine_config import Config
from fuzz.engines.fuzzing_run import Found, FuzzingRun, Progress
from fuzz.judge.signature import Signature
from fuzz.language.printing import format_program

SHORT = 10
"""Ops of a program that is shown where its failure is known."""


class Screen:
    """Watches a run."""

    def __init__(self, config: Config, jobs: int = 1, machine: bool = False) -> None:
        """With `machine`, standard output is for what a machine reads, and all of this goes beside it."""
        self.config = config
        self.err = machine
        self.live = (machine or sys.stdout.isatty()) and someone_looks() and not os.environ.get(display.QUIET)
        self.started = config.started
        self.next_line = 0.0
        self.new = 0
        self.last = ""
        self.status = Progress()
        remedies = f", {' and '.join(config.remedies)} remedied" if config.remedies else ""
        processes = f", {jobs} processes" if jobs > 1 else ""
        self.what = f"fuzzing {config.release} ({config.target}) with {config.engine}, seed {config.seed}"
        self.echo(f"{self.what}{processes}{remedies}")
        self.activity = Activity(self.what, self.started, self.far)
        if self.live:
            display.begin(self.activity)

    def echo(self, text: str) -> None:
        """Print lines above the display."""
        display.say(text, err=self.err)

    def progress(self, progress: Progress) -> None:
        """Show where the run is, if it is time to."""
        self.status = progress
        now = time.monotonic()
        if now < self.next_line:
            return
        self.next_line = now + (display.LIVE_SECONDS if self.live else display.LOG_SECONDS)
        if self.live:
            display.draw()
        else:
            self.echo(self.line(progress, now))

    def far(self) -> Far:
        """The same for the display: how much of its bounds a run has used, what it has done and found."""
        status, config = self.status, self.config
        elapsed = max(time.monotonic() - self.started, 0.001)
        used = [status.executions / config.runs] if config.runs else []
        used += [elapsed / config.seconds] if config.seconds else []
        done = [f"{status.executions:,} executions, {status.executions / elapsed:,.0f} a second"]
        done += [f"coverage {status.coverage:,}"] if status.coverage else []
        done += [f"corpus {status.inputs:,}"] if status.inputs else []
        failures = (
            f"{self.new:,} new failures, {len(status.met):,} kinds, {sum(status.met.values()):,} in all"
        )
        last = [f"last: {self.last}"] if self.last else []
        return Far("", max(used) if used else None, ("; ".join(done), failures, *last))

    def line(self, progress: Progress, now: float) -> str:
        """Elapsed, executions and their rate, coverage, working corpus, failures."""
        elapsed = max(now - self.started, 0.001)
        pieces = [
            f"{elapsed:6.0f} s",
            f"{progress.executions} executions",
            f"{progress.executions / elapsed:.0f}/s",
            f"coverage {progress.coverage}",
            *([f"corpus {progress.inputs}"] if progress.inputs else []),
            f"failures {self.new} new, {sum(progress.met.values())} in all",
        ]
        return "  ".join(pieces)

    def busy(self, what: str, how_far: Callable[[], str]) -> AbstractContextManager[None]:
        """Show how far something is that takes its time."""
        return display.working(what, how_far)

    def met(self, signature: Signature, known: Reproducer | Path, executions: int, seconds: float) -> None:
        """Show that a failure was met that is known, or that an earlier run has found."""
        if isinstance(known, Path):
            told = f"found by an earlier run, kept in {shown(known)}"
        else:
            told = f"known: {known.name}: {known.title}"
            if known.issue:
                told += f" ({known.issue})"
            if len(known.program.ops) <= SHORT:
                told += f"\n\n{format_program(known.program).rstrip()}"
        self.last = str(signature)
        self.echo(f"\nfailure after {executions} executions, {seconds:.1f} s: {signature}\n{told}\n")

    def found(self, found: Found) -> None:
        """Show a failure, its program, and where it is kept."""
        self.new += found.new
        self.last = str(found.signature)
        self.echo("\n".join(_found_lines(found)))

    def note(self, text: str) -> None:
        """Show a line."""
        self.echo(text)

    def summary(self, fuzzing: FuzzingRun) -> None:
        """The last words of a run."""
        display.end(self.activity)
        self.echo(self.line(fuzzing.status, time.monotonic()).strip())
        for how, counts in (("", fuzzing.status.met), ("gone around: ", fuzzing.status.around)):
            for text, count in counts.most_common():
                if text not in fuzzing.known:
                    self.echo(f"{count:8} x {how}{text} ({self._what(fuzzing, text, bool(how))})")
            known = [
                (count, fuzzing.known[text]) for text, count in counts.most_common() if text in fuzzing.known
            ]
            for line in known_table(known, how):
                self.echo(line)
        for path, text in fuzzing.open.items():
            self.echo(f"not minimized: {text}\n  {self._to_minimize(path)}")
        for text in fuzzing.unwritten:
            self.echo(f"not written: {text}")
        if not (fuzzing.status.met or fuzzing.open):
            self.echo("no failures")

    def _what(self, fuzzing: FuzzingRun, text: str, around: bool) -> str:
        if around:
            return "of the model"
        if text in fuzzing.earlier:
            return f"found by an earlier run: {shown(fuzzing.earlier[text])}"
        if text in fuzzing.lost:
            return "did not come again"
        return "new, not minimized" if text in fuzzing.open.values() else "new"

    def _to_minimize(self, path: Path) -> str:
        """The command that goes on with a program that was not cut down."""
        config = self.config
        words = ["zapfuzz", "minimize", shown(path), "--release", config.release]
        words += ["--target", config.target] if config.target != "model" else []
        words += ["--libzpool", config.libzpool] if config.libzpool else []
        words += ["--against", config.against] if config.against else []
        words += ["--valgrind"] if config.valgrind else []
        for remedy in config.remedies:
            words += ["--remedy", remedy]
        return shlex.join(words)


def known_table(met: Sequence[tuple[int, Sequence[Reproducer]]], how: str = "") -> Iterator[str]:
    """How often each failure came that is known, by its name in the corpus, where OpenZFS speaks of it, and
    its title. Several reproducers may have one failure: the first stands for them."""
    if not met:
        return
    rows = [(count, known[0].name, known[0].issue, known[0].title) for count, known in met]
    names, issues = max(len(row[1]) for row in rows), max(len(row[2]) for row in rows)
    yield f"{how}known to the project (`zapfuzz describe NAME` tells all):"
    for count, name, issue, title in rows:
        yield f"{count:8} x {name:{names}}  {issue:{issues}}{'  ' if issues else ''}{title}"


def _found_lines(found: Found) -> Iterator[str]:
    failure = found.outcome.failure
    yield ""
    yield f"failure after {found.executions} executions, {found.seconds:.1f} s:"
    yield failure.text if failure is not None else str(found.outcome)
    yield ""
    yield f"minimized from {found.before} ops to {len(found.program.ops)} in {found.tries} runs:"
    yield ""
    yield format_program(found.program)
    state = "new, kept in" if found.new else "known, kept in"
    yield f"{state} {shown(found.folder) if found.folder else 'no file'}"
    yield ""


def shown(path: Path) -> str:
    """A path as a person would give it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
