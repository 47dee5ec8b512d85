"""A whole fuzzing run: engines in processes of their own, their events, and what is done with a failure.

Minimizing is done here, in a process that is not instrumented, while the engine goes on.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from fuzz.corpus import Form, Reproducer, folder_name, form, write_reproducer
from fuzz.engines.config import Config
from fuzz.minimize import Stats
from fuzz.program import Program
from fuzz.remedies import switched_on
from fuzz.replay import expectations
from fuzz.reproduce import minimize_failure
from fuzz.run import Outcome
from fuzz.signature import Failure, Signature
from fuzz.syntax import parse
from fuzz.targets.base import TargetLike
from fuzz.targets.select import name_of_expectation

ENDING_SECONDS = 20
_LIBFUZZER = re.compile(rb"^#(\d+)\s.*?\bcov: (\d+) ft: \d+ corp: (\d+)/")


@dataclasses.dataclass(slots=True)
class Progress:
    """Where a run is. `coverage` counts edges and states that were reached; both it and `inputs` (the size of
    the working corpus) are 0 for engines that have none. `met` counts failures by their signature's text."""

    executions: int = 0
    ops: int = 0
    limits: int = 0
    coverage: int = 0
    inputs: int = 0
    met: Counter[str] = dataclasses.field(default_factory=Counter)


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


class EngineProblem(Exception):
    """An engine's process ended as it should not; the text has its last lines."""


class Engine:
    """One engine's process: its events, and what libFuzzer prints about coverage."""

    def __init__(self, config: Config) -> None:
        self.events, report = os.pipe()
        config = dataclasses.replace(config, report=report)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.engines.worker", config.to_json()],
            pass_fds=[report],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us: the engine is told to end after its execution
        )
        os.close(report)
        self.last_lines: deque[bytes] = deque(maxlen=8)
        self.executions = 0
        self.coverage = (0, 0)
        self._reader = threading.Thread(target=self._read_errors, daemon=True)
        self._reader.start()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            match = _LIBFUZZER.match(line)
            if match is not None:
                self.executions = int(match[1])
                self.coverage = (int(match[2]), int(match[3]))
            elif line.strip() and not line.startswith((b"INFO:", b"WARNING:", b"#")):
                self.last_lines.append(line.rstrip())

    def stop(self) -> None:
        """Ask it to end after the execution that is under way."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def end(self) -> str | None:
        """Wait for its end; what went wrong, in one line, or None."""
        try:
            status = self.process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self._reader.join(ENDING_SECONDS)
        os.close(self.events)
        if self.process.stderr is not None:
            self.process.stderr.close()
        if status == 0:
            return None
        lines = b" | ".join(self.last_lines).decode("utf-8", "replace")
        return f"the engine ended with status {status}: {lines or 'no output'}"


class Campaign:
    """One fuzzing run over one engine. `known` are the failures that the release is expected to have."""

    def __init__(
        self,
        config: Config,
        target: TargetLike,
        known: dict[str, list[Reproducer]],
        out: Path,
        watcher: Watcher,
    ) -> None:
        self.config = config
        self.target = target
        self.known = known
        self.out = out
        self.watcher = watcher
        self.status = Progress()
        self.found: list[Found] = []
        self.forms: dict[str, set[Form]] = {
            text: {form(each.program) for each in reproducers} for text, reproducers in known.items()
        }

    @property
    def new(self) -> list[Found]:
        """What was found that was not known before."""
        return [found for found in self.found if found.new]

    def run(self) -> None:
        """Fuzz until the bound or until Ctrl-C, which ends the run as the bound does.

        Raises EngineProblem where the engine did not end as it should.
        """
        engine = Engine(self.config)
        problem: str | None = None
        try:
            self._listen(engine)
        except KeyboardInterrupt:
            engine.stop()
            self._listen(engine)
        finally:
            engine.stop()
            problem = engine.end()
        if problem is not None:
            raise EngineProblem(problem)

    def _listen(self, engine: Engine) -> None:
        for event in _events(engine.events):
            if event is None or event["event"] in ("status", "done"):
                self._progress(event, engine)
            elif event["event"] == "failure":
                self._failure(event)

    def _progress(self, event: dict[str, Any] | None, engine: Engine) -> None:
        if event is not None:
            self.status.executions = event["executions"]
            self.status.ops = event["ops"]
            self.status.limits = event["limits"]
            self.status.coverage = event["features"]
            self.status.met = Counter(event["met"])
        # options of its own may end libFuzzer before we tell the last counts
        self.status.executions = max(self.status.executions, engine.executions)
        if engine.coverage[0]:
            self.status.coverage, self.status.inputs = engine.coverage
        self.watcher.progress(self.status)

    def _failure(self, event: dict[str, Any]) -> None:
        kind, place, expression, stack = event["signature"]
        signature = Signature(kind, place, expression, tuple(stack))
        program = parse(event["program"], "<found>")
        failure = Failure(signature, event["text"], event["op"])
        stats = Stats()
        text = str(signature)
        with switched_on(self.config.remedies):
            small, outcome = minimize_failure(
                program, failure, self.target, keep_form=self.config.forms, stats=stats
            )
        known_here = self.forms.setdefault(text, set())
        new = text not in self.known
        if form(small) in known_here and any(found.signature.key == signature.key for found in self.found):
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
        self.found.append(found)
        self.watcher.found(found)

    def _kept(self, text: str, small: Program) -> Path | None:
        """Where a failure that is known already is kept; of several forms, the one of this program."""
        known = self.known.get(text, [])
        alike = [each.folder for each in known if form(each.program) == form(small)]
        return next(iter([*alike, *(each.folder for each in known)]), None)

    def _keep(self, small: Program, signature: Signature, executions: int) -> Path:
        """Write a reproducer with what every release does on it now."""
        config = self.config
        remedied = [name_of_expectation("model", config.release, config.remedies)] if config.remedies else []
        expect, stack = expectations(small, *remedied)
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


def _events(descriptor: int) -> Iterator[dict[str, Any] | None]:
    """The events that come through a pipe, and None at least twice a second, until its end."""
    waiting = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            if not selector.select(0.5):
                yield None
                continue
            data = os.read(descriptor, 1 << 16)
            if not data:
                return
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                yield json.loads(line)


def new_seed() -> int:
    """A seed for a run that was given none; it is shown, so that the run can be had again."""
    return time.time_ns() & 0x7FFFFFFF or 1
