"""Fuzzing somebody's build for a time: against a release's model, or against another build."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from fuzz.commands.shared.progress import say, working
from fuzz.commands.trial.stage import Difference, Stage
from fuzz.corpus.places import CORPUS
from fuzz.corpus.replay import known_on
from fuzz.corpus.reproducer import Reproducer, corpus_folders, read_reproducer
from fuzz.engines.engine_config import Config
from fuzz.engines.fuzzing_run import Found, FuzzingRun, Progress
from fuzz.judge.signature import Signature
from fuzz.targets.registry import make_target

MINIMIZE_SECONDS = 60.0
"""How long what was found may be cut down when the time is over."""


class _Watcher:
    """Shows how far the run is as other commands do, and each failure in a line."""

    def __init__(self) -> None:
        self.now = Progress()

    def how_far(self) -> str:
        """Programs so far."""
        return f"{self.now.executions:,} programs"

    def progress(self, progress: Progress) -> None:
        """Some time has passed."""
        self.now = progress

    def met(self, signature: Signature, known: Reproducer | Path, executions: int, seconds: float) -> None:
        """A known failure."""

    def found(self, found: Found) -> None:
        """A failure was cut down."""
        if found.new:
            say(f"after {found.executions} programs, {found.seconds:.1f} s: {found.signature}", err=True)

    def note(self, text: str) -> None:
        """Something went wrong, but the run goes on."""
        say(text, err=True)

    def busy(self, what: str, how_far: Callable[[], str]) -> AbstractContextManager[None]:
        """Something else is at work."""
        return working(what, how_far)


def known_to(target: str, release: str) -> dict[str, list[Reproducer]]:
    """The failures that the release is known for; two builds have none, since all that both have is the
    same."""
    if target == "builds":
        return {}
    return known_on([read_reproducer(each) for each in corpus_folders(CORPUS)], target, release, ())


def fuzz_build(config: Config, expected: frozenset[str], expect_file: Path, jobs: int, stage: Stage) -> None:
    """Fuzz until the bound of the configuration. Raises EngineProblem."""
    known = known_to(config.target, config.release)
    config = dataclasses.replace(config, known=(*known, *expected))
    watcher = _Watcher()
    target = make_target(
        config.target,
        config.release,
        config.libzpool,
        small=True,
        against=config.against,
        valgrind=config.valgrind,
    )
    with contextlib.closing(target):
        run = FuzzingRun(
            *(config, target, known, Path(config.out), watcher, jobs, dict.fromkeys(expected, expect_file)),
            extra_seconds=MINIMIZE_SECONDS,
        )
        began = time.monotonic()
        with working("fuzzing", watcher.how_far):
            run.run()
    for text, count in run.status.met.items():
        stage.is_expected(text, expected, count)
    for each in run.new:
        failure = each.outcome.failure
        if failure is not None:
            stage.differences.append(Difference(failure, each.program, each.folder, minimal=True))
    stage.lines.append(
        f"{run.status.executions:,} programs, {run.status.ops:,} ops in {time.monotonic() - began:.0f} s: "
        f"{len(run.new)} differences, {sum(run.status.met.values())} known failures, "
        f"{sum(run.status.around.values())} gone around"
    )
    stage.lines += [f"did not come again: {text}" for text in run.lost if text not in expected]
    stage.lines += [
        f"not minimized: {path}: {text}" for path, text in run.open.items() if text not in expected
    ]
    stage.unfinished = bool([text for text in (*run.lost, *run.open.values()) if text not in expected])
