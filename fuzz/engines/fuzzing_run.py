"""A whole fuzzing run: the engines in processes of their own, the events that they report, and what is done
with a failure.

Minimizing is done here, in a process that is not instrumented, while the engine goes on. A failure is on disk
before that; a signal or the bound of time ends it wherever it is, and the program stays as it was found.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from fuzz.corpus.elsewhere import Kept, keep, try_folder
from fuzz.corpus.merge import remove_torn
from fuzz.corpus.replay import expectations
from fuzz.corpus.reproducer import Form, Reproducer, folder_name, form, write_reproducer
from fuzz.corpus.unminimized import NOT_AGAIN, UNMINIMIZED, keep_whole, waiting
from fuzz.engines.engine_config import Config
from fuzz.engines.parallel_processes import EngineProblem, Jobs, Progress
from fuzz.execution.bound_of_time import TimeUp, bounded
from fuzz.execution.execute import run
from fuzz.execution.result import Outcome
from fuzz.faults.remedies import switched_on
from fuzz.judge.signature import Failure, Signature
from fuzz.language.printing import format_program
from fuzz.language.program import Program
from fuzz.language.syntax import SyntaxProblem, load, parse
from fuzz.minimize.minimize import Stats
from fuzz.minimize.same_failure import minimize_failure
from fuzz.targets.base import NoTarget, Target
from fuzz.targets.libzpool.plain_target import HarnessError
from fuzz.targets.registry import KERNEL_KINDS, name_of_expectation

TRY_SECONDS = 5.0
"""From one look at the working corpus to the next."""


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

    def met(self, signature: Signature, known: Reproducer | Path, executions: int, seconds: float) -> None:
        """A failure that is known, or that an earlier run has kept there, was met for the first time in this
        run."""

    def found(self, found: Found) -> None:
        """A new failure was cut down, or another form of one."""

    def note(self, text: str) -> None:
        """Something went wrong, but the run goes on."""

    def busy(self, what: str, how_far: Callable[[], str]) -> AbstractContextManager[None]:
        """For as long as something goes on during which nothing else is told."""


class Watchers:
    """Several who are told, as one. The first is also told what goes on in between."""

    def __init__(self, *watchers: Watcher) -> None:
        self.watchers = watchers

    def progress(self, progress: Progress) -> None:
        """Tell each."""
        for watcher in self.watchers:
            watcher.progress(progress)

    def met(self, signature: Signature, known: Reproducer | Path, executions: int, seconds: float) -> None:
        """Tell each."""
        for watcher in self.watchers:
            watcher.met(signature, known, executions, seconds)

    def found(self, found: Found) -> None:
        """Tell each."""
        for watcher in self.watchers:
            watcher.found(found)

    def note(self, text: str) -> None:
        """Tell each."""
        for watcher in self.watchers:
            watcher.note(text)

    def busy(self, what: str, how_far: Callable[[], str]) -> AbstractContextManager[None]:
        """Tell the first."""
        return self.watchers[0].busy(what, how_far)


class FuzzingRun:
    """One fuzzing run of one engine, in one or more processes. `known` has the failures that the release is
    expected to have. `lost` has failures that it is not expected to have and that did not happen again when
    their programs were run again; `earlier` says where those are that earlier runs of this user have found,
    `again` which of them came again; `open` has those, by files, that were not cut down.
    `unwritten` are sentences about what could not be written where it should be. When the time is over, what
    is not cut down is given `extra_seconds`."""

    def __init__(
        self,
        config: Config,
        target: Target,
        known: dict[str, list[Reproducer]],
        out: Path,
        watcher: Watcher,
        jobs: int = 1,
        earlier: Mapping[str, Path] = MappingProxyType({}),
        extra_seconds: float = 0.0,
    ) -> None:
        self.config = dataclasses.replace(config, out=str(out), kept=tuple(earlier))
        self.earlier = dict(earlier)
        self.again: set[str] = set()
        self.target = target
        self.known = known
        self.out = out
        self.watcher = watcher
        self.jobs = jobs
        self.extra_seconds = extra_seconds
        self.status = Progress()
        self.found: list[Found] = []
        self.lost: list[str] = []
        self.open: dict[Path, str] = {}
        self.unwritten: list[str] = []
        self.forms: dict[str, set[Form]] = {
            text: {form(each.program) for each in reproducers} for text, reproducers in known.items()
        }
        self._told: set[str] = set()
        self._next_try = 0.0
        self._corpus_full = False
        self._before = set(waiting(out))
        self._left = {path: text for text, path in earlier.items() if path.is_file()}

    @property
    def new(self) -> list[Found]:
        """What was found that was not known before."""
        return [found for found in self.found if found.new]

    def run(self) -> None:
        """Fuzz until the bound, or until a signal raises something, which passes through when all processes
        have ended and what they had found is kept.

        Raises EngineProblem if the process of an engine did not end as it should and could not be replaced.
        """
        jobs = Jobs(self.config, self.jobs, self.watcher.note)
        try:
            for event in jobs.events():
                self.status = jobs.progress
                if event is not None and event["event"] == "failure":
                    self._failure(event)
                else:
                    self._go_on_with_what_was_left()
                    self._try_corpus()
                    self.watcher.progress(self.status)
            while self._go_on_with_what_was_left():
                pass
        finally:
            for event in jobs.last_events():
                if event["event"] == "failure":
                    self._kept_for_later(event)
            jobs.close()
            self.status = jobs.progress
            self._try_corpus(now=True)
            if self._corpus_full:
                remove_torn(Path(self.config.corpus))
            self.open |= {path: text for path, text in self._left.items() if text in self.again}
            for path in set(waiting(self.out)) - self._before - set(self.open):
                self.open[path] = "what a process found that was ended"
        self._use_extra_time()

    def _use_extra_time(self) -> None:
        """Cut down what there was no time for."""
        if not (self.extra_seconds and self.open):
            return
        late = time.monotonic() - self.config.started + self.extra_seconds
        self.config = dataclasses.replace(self.config, seconds=late)
        self._left, self.open = {path: text for path, text in self.open.items() if path.is_file()}, {}
        while self._go_on_with_what_was_left():
            pass
        self.open |= self._left

    def _try_corpus(self, now: bool = False) -> None:
        """See now and then whether the working corpus can be written to: libFuzzer does not say if not."""
        if self.config.corpus and not self._corpus_full and (now or time.monotonic() > self._next_try):
            self._next_try = time.monotonic() + TRY_SECONDS
            try:
                try_folder(Path(self.config.corpus))
            except OSError as problem:
                self._corpus_full = True
                self.unwritten.append(f"{problem.filename}: {problem.strerror}")
                self.watcher.note(f"{self.unwritten[-1]}; inputs are lost from now on")

    def _kept_for_later(self, event: dict[str, Any]) -> None:
        """A failure that arrived when the run was over: its program is on disk, and that is all."""
        text = str(_signature(event))
        if text in self.earlier:
            self.again.add(text)
        elif text not in self.known and text not in self._done:
            self._kept_whole(parse(event["program"], "<found>"), text, event.get("file", ""))

    def _go_on_with_what_was_left(self) -> bool:
        """Cut down one of the programs that earlier runs had no time for, if it fails here as it did there:
        it may be of another release or target. Whether there may be another one."""
        if not self._left:
            return False
        path, text = self._left.popitem()
        try:
            with self.watcher.busy(f"running {path.name}", str), self._in_time():
                program = load(path)
                with switched_on(self.config.remedies):
                    failure = run(program, self.target).failure
        except TimeUp:
            self._left[path] = text
            self.target.close()
            return False
        except (SyntaxProblem, NoTarget, HarnessError):
            return True
        if failure is None or str(failure.signature) != text:
            return True
        self.watcher.note(f"going on with {path}, which there was no time to minimize")
        self.earlier.pop(text, None)
        self.again.discard(text)
        signature = failure.signature
        self._failure(
            {
                "signature": (signature.kind, signature.place, signature.expression, list(signature.stack)),
                "text": failure.text,
                "op": failure.op,
                "program": format_program(program),
                "file": str(path),
                "executions": self.status.executions,
                "seconds": time.monotonic() - self.config.started,
            }
        )
        return True

    @property
    def _done(self) -> set[str]:
        """Signatures of which all is done that can be: cut down, or not met again."""
        return {*(str(found.signature) for found in self.found), *self.lost}

    def _failure(self, event: dict[str, Any]) -> None:
        signature, text = _signature(event), str(_signature(event))
        if text in self.earlier:
            if text not in self.again:
                self.again.add(text)
                self.watcher.met(signature, self.earlier[text], event["executions"], event["seconds"])
            return
        program = parse(event["program"], "<found>")
        known = self.known.get(text, [])
        path = None if known else self._kept_whole(program, text, event.get("file", ""))
        if known and text not in self._told:
            self._told.add(text)
            self.watcher.met(signature, known[0], event["executions"], event["seconds"])
        met = text in self._done or text in {each for file, each in self.open.items() if file != path}
        if not self.config.forms and (known or met):
            self._drop(path)  # another process has met it before
            return
        if known and any(op.thread for op in program.ops):
            return  # cutting down a schedule takes its time
        failure = Failure(signature, event["text"], event["op"])
        stats = Stats()
        try:
            with self.watcher.busy(f"minimizing {text}", lambda: _how_far(stats, program)), self._in_time():
                with switched_on(self.config.remedies):
                    small, outcome = minimize_failure(
                        program, failure, self.target, keep_form=self.config.forms, stats=stats
                    )
                if outcome.failure is None:  # it depends on what memory holds: what was seen is reported
                    outcome = outcome._replace(failure=failure)
                wanted = self._is_new_form(text, small)
                reproducer = self._reproducer(small, signature, event["executions"]) if wanted else None
        except TimeUp:
            self.target.close()
            return
        except (ValueError, HarnessError) as problem:
            self._not_again(text, program, problem)
            self._drop(path)
            return
        self._cut_down(signature, small, reproducer, outcome, len(program.ops), stats, event)
        self._drop(path)

    def _is_new_form(self, text: str, small: Program) -> bool:
        """Whether a program is to be kept: nothing like it is known."""
        forms = self.forms.get(text, set())
        return form(small) not in forms if self.config.forms else text not in self.known and not forms

    def _cut_down(
        self,
        signature: Signature,
        small: Program,
        reproducer: Reproducer | None,
        outcome: Outcome,
        before: int,
        stats: Stats,
        event: dict[str, Any],
    ) -> None:
        """Write a reproducer, if there is to be one, and tell of it."""
        text = str(signature)
        known_here = self.forms.setdefault(text, set())
        if form(small) in known_here and any(found.signature.key == signature.key for found in self.found):
            return
        new = text not in self.known or (self.config.forms and form(small) not in known_here)
        folder = self._kept(text, small)
        if reproducer is not None:
            name = folder_name(signature, small)
            folder = self._said(keep(self.out, lambda out: write_reproducer(reproducer, out / name)), small)
        known_here.add(form(small))
        found = Found(
            *(signature, small, outcome, before, stats.tried, event["executions"]),
            *(event["seconds"], folder, new),
        )
        self.found.append(found)
        self.watcher.found(found)

    def _in_time(self) -> AbstractContextManager[None]:
        """Raises TimeUp inside when the run's time is over."""
        config = self.config
        return bounded(config.started + config.seconds - time.monotonic() if config.seconds else None)

    def _kept_whole(self, program: Program, text: str, file: str) -> Path | None:
        """A program as it was found, on disk before anything else is done with it: mostly its engine has
        written it. None where no disk takes it: it is shown then."""
        path = Path(file) if file else self._keep(program, UNMINIMIZED, text)
        if path is not None:
            self.open[path] = text
        return path

    def _keep(self, program: Program, what: str, text: str) -> Path | None:
        return self._said(keep(self.out, lambda folder: keep_whole(program, folder, what, text)), program)

    def _said(self, kept: Kept, program: Program) -> Path | None:
        """Where something is; if that is not where it should be, say so, and show the program."""
        if kept.problem is not None:
            self.unwritten.append(str(kept))
            self.watcher.note(f"{kept}\n{format_program(program)}")
        return kept.path

    def _drop(self, path: Path | None) -> None:
        if path is not None:
            path.unlink(missing_ok=True)
            self.open.pop(path, None)

    def _not_again(self, text: str, program: Program, problem: Exception) -> None:
        """A failure did not happen again when its program was run again. On a real library it may depend on
        time. It is reported and kept in `lost`, and the run goes on."""
        path = self._keep(program, NOT_AGAIN, text)
        if text not in self.known:
            self.lost.append(text)
        why = "it did not come again" if isinstance(problem, ValueError) else str(problem)
        self.watcher.note(f"not minimized: {text}: {why}; its program is kept in {path or 'no file'}")

    def _kept(self, text: str, small: Program) -> Path | None:
        """Where a failure that is known already is kept; of several forms, the one of this program."""
        known = self.known.get(text, [])
        alike = [each.folder for each in known if form(each.program) == form(small)]
        return next(iter([*alike, *(each.folder for each in known)]), None)

    def _reproducer(self, small: Program, signature: Signature, executions: int) -> Reproducer:
        """A reproducer with what every release does on it now."""
        config = self.config
        more = [name_of_expectation("model", config.release, config.remedies)]
        if config.target in KERNEL_KINDS:
            more.append(name_of_expectation(config.target, config.release))
        expect, stack = expectations(small, *more)
        return Reproducer(
            program=small,
            title=f"{signature.kind} in {signature.place.rpartition(':')[2]}: {signature.expression}",
            origin=f"found by the {config.engine} engine on "
            f"{name_of_expectation('model', config.release, config.remedies)} "
            f"(seed {config.seed}, {executions} executions), minimized",
            expect=expect,
            stack=stack,
        )


def _signature(event: dict[str, Any]) -> Signature:
    kind, place, expression, stack = event["signature"]
    return Signature(kind, place, expression, tuple(stack))


def _how_far(stats: Stats, program: Program) -> str:
    done = f", {stats.part:.0%}" if stats.part is not None else ""
    return f"{stats.tried} programs tried, {stats.left or len(program.ops)} ops left{done}"


def new_seed() -> int:
    """A seed for a run that was given none. It is shown to the user, so that the run can be repeated."""
    return time.time_ns() & 0x7FFFFFFF or 1


__all__ = ["EngineProblem", "Found", "FuzzingRun", "Progress", "Watcher", "Watchers", "new_seed"]
