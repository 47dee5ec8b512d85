"""A whole fuzzing run: the engines in processes of their own, the events that they report, and what is done
with a failure.

Minimizing is done here, in a process that is not instrumented, while the engine goes on.
"""

from __future__ import annotations

import dataclasses
import time
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from fuzz.corpus.replay import expectations
from fuzz.corpus.reproducer import Form, Reproducer, folder_name, form, write_reproducer
from fuzz.engines.engine_config import Config
from fuzz.engines.parallel_processes import EngineProblem, Jobs, Progress
from fuzz.execution.result import Outcome
from fuzz.faults.remedies import switched_on
from fuzz.judge.signature import Failure, Signature
from fuzz.language.printing import format_program
from fuzz.language.program import Program
from fuzz.language.syntax import parse, save
from fuzz.minimize.minimize import Stats
from fuzz.minimize.same_failure import minimize_failure
from fuzz.targets.base import Target
from fuzz.targets.libzpool.plain_target import HarnessError
from fuzz.targets.registry import KERNEL_KINDS, name_of_expectation


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A failure that an engine reported, cut down. `folder` is where it is kept; `new` whether it was not
    known before this run; `executions` and `seconds` since the start of the run, when it was met first."""

    signature: Signature
    program: Program
    outcome: Outcome
    before: int
    tries: int
    executions: int
    seconds: float
    folder: Path | None
    new: bool


class Watcher(Protocol):
    """Who is told how a run goes."""

    def progress(self, progress: Progress) -> None:
        """Some time has passed."""

    def found(self, found: Found) -> None:
        """A failure was met for the first time in this run, or another form of one."""

    def note(self, text: str) -> None:
        """Something went wrong, but the run goes on."""


class Campaign:
    """One fuzzing run of one engine, in one or more processes. `known` has the failures that the release is
    expected to have. `lost` has failures that it is not expected to have and that did not happen again when
    their programs were run again."""

    def __init__(
        self,
        config: Config,
        target: Target,
        known: dict[str, list[Reproducer]],
        out: Path,
        watcher: Watcher,
        jobs: int = 1,
    ) -> None:
        self.config = config
        self.target = target
        self.known = known
        self.out = out
        self.watcher = watcher
        self.jobs = jobs
        self.status = Progress()
        self.interrupted = False
        self.found: list[Found] = []
        self.lost: list[str] = []
        self.forms: dict[str, set[Form]] = {
            text: {form(each.program) for each in reproducers} for text, reproducers in known.items()
        }

    @property
    def new(self) -> list[Found]:
        """What was found that was not known before."""
        return [found for found in self.found if found.new]

    def run(self) -> None:
        """Fuzz until the bound or until Ctrl-C, which ends the run as the bound does.

        Raises EngineProblem if the process of an engine did not end as it should and could not be replaced.
        """
        jobs = Jobs(self.config, self.jobs, self.watcher.note)
        try:
            self._listen(jobs)
        except KeyboardInterrupt:
            self.interrupted = True
            jobs.stop()
            self._listen(jobs)
        finally:
            jobs.close()
            self.status = jobs.progress

    def _listen(self, jobs: Jobs) -> None:
        for event in jobs.events():
            self.status = jobs.progress
            if event is not None and event["event"] == "failure":
                self._failure(event)
            else:
                self.watcher.progress(self.status)

    def _failure(self, event: dict[str, Any]) -> None:
        kind, place, expression, stack = event["signature"]
        signature = Signature(kind, place, expression, tuple(stack))
        program = parse(event["program"], "<found>")
        failure = Failure(signature, event["text"], event["op"])
        stats = Stats()
        text = str(signature)
        if not self.config.forms and any(str(found.signature) == text for found in self.found):
            return  # another process has met it before
        if text in self.known and (self.interrupted or any(op.thread for op in program.ops)):
            return  # it is counted; somebody waits for the end, or cutting down a schedule takes its time
        path = self._kept_whole(program, "unminimized") if text not in self.known else None
        if self.interrupted and path is not None:
            self._left(text, path, "the run was ended")
            return
        try:
            with switched_on(self.config.remedies):
                small, outcome = minimize_failure(
                    program, failure, self.target, keep_form=self.config.forms, stats=stats
                )
        except (ValueError, HarnessError) as problem:
            self._not_again(text, program, problem)
            _drop(path)
            return
        except KeyboardInterrupt:
            if path is not None:
                self._left(text, path, "the run was ended")
            raise
        if outcome.failure is None:  # it depends on what memory happens to hold: what was seen is reported
            outcome = outcome._replace(failure=failure)
        known_here = self.forms.setdefault(text, set())
        new = text not in self.known
        if form(small) in known_here and any(found.signature.key == signature.key for found in self.found):
            _drop(path)
            return
        other_form = self.config.forms and form(small) not in known_here
        folder = self._kept(text, small)
        if (new and not known_here) or other_form:
            folder = self._keep(small, signature, event["executions"])
        known_here.add(form(small))
        found = Found(
            *(signature, small, outcome, len(program.ops), stats.tried, event["executions"]),
            *(event["seconds"], folder, new or other_form),
        )
        _drop(path)
        self.found.append(found)
        self.watcher.found(found)

    def _kept_whole(self, program: Program, what: str) -> Path:
        """A program as it was found, on disk before anything else is done with it."""
        self.out.mkdir(parents=True, exist_ok=True)
        digest = sha256(format_program(program).encode()).hexdigest()[:6]
        path = self.out / f"{what}-{digest}.zap"
        save(path, program)
        return path

    def _left(self, text: str, path: Path, why: str) -> None:
        """A failure that is new and was not cut down: it counts, and its program stays."""
        self.lost.append(text)
        self.watcher.note(f"not minimized: {text}: {why}; `zapfuzz minimize {path}` goes on with it")

    def _not_again(self, text: str, program: Program, problem: Exception) -> None:
        """A failure did not happen again when its program was run again. On a real library it may depend on
        time. It is reported and kept in `lost`, and the run goes on."""
        path = self._kept_whole(program, "not-again")
        if text not in self.known:
            self.lost.append(text)
        why = "it did not come again" if isinstance(problem, ValueError) else str(problem)
        self.watcher.note(f"not minimized: {text}: {why}; its program is kept in {path}")

    def _kept(self, text: str, small: Program) -> Path | None:
        """Where a failure that is known already is kept; of several forms, the one of this program."""
        known = self.known.get(text, [])
        alike = [each.folder for each in known if form(each.program) == form(small)]
        return next(iter([*alike, *(each.folder for each in known)]), None)

    def _keep(self, small: Program, signature: Signature, executions: int) -> Path:
        """Write a reproducer with what every release does on it now."""
        config = self.config
        more = [name_of_expectation("model", config.release, config.remedies)]
        if config.target in KERNEL_KINDS:
            more.append(name_of_expectation(config.target, config.release))
        expect, stack = expectations(small, *more)
        folder = self.out / folder_name(signature, small)
        reproducer = Reproducer(
            program=small,
            title=f"{signature.kind} in {signature.place.rpartition(':')[2]}: {signature.expression}",
            origin=f"found by the {config.engine} engine on "
            f"{name_of_expectation('model', config.release, config.remedies)} "
            f"(seed {config.seed}, {executions} executions), minimized",
            expect=expect,
            stack=stack,
        )
        write_reproducer(reproducer, folder)
        return folder


def _drop(path: Path | None) -> None:
    if path is not None:
        path.unlink(missing_ok=True)


def new_seed() -> int:
    """A seed for a run that was given none. It is shown to the user, so that the run can be repeated."""
    return time.time_ns() & 0x7FFFFFFF or 1


__all__ = ["Campaign", "EngineProblem", "Found", "Progress", "Watcher", "new_seed"]
