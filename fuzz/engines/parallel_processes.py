"""The processes of a fuzzing run: one or more engines that share one working corpus, the events that they
report, and what is done if one dies.

libFuzzer writes the inputs that it keeps into the folder of the corpus, and once a second it reads what is
new there. So each process goes on from what any of them has found. A process that dies is replaced by one
with another seed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import resource
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fuzz.engines.engine_config import Config
from fuzz.language.problem import Problem
from fuzz.targets.packages.cache_folder import scratch_folder

ENDING_SECONDS = 20
STOPPING_SECONDS = 0.4
"""How long processes may go on with what they are at when a run must end: it has a second in all."""
LATE_SECONDS = 1.5
"""How long after the bound of time one may still be at its last execution."""
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
"""What ends a run and may come at any moment."""
EARLY_SECONDS = 10.0
EARLY_DEATHS = 3
"""If so many processes in a row die so soon after their start, it is no accident, and none is started any
more."""

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""The environment of an engine's process, so that it gives memory back. The values are those with which glibc
begins. If they are not set, glibc raises them to the size of what was freed once, and never gives back what a
single large program needed."""

_SEED_STEP = 0x9E3779B1
_UNCAUGHT = b"=== Uncaught Python exception: ==="
"""What Atheris prints before an exception."""
_LIBFUZZER = re.compile(rb"^#(\d+)\s.*?\bcov: (\d+) ft: \d+ corp: (\d+)/")

Event = dict[str, Any]


class EngineProblem(Problem):
    """The process of an engine did not end as it should. The text has its last lines."""


@dataclasses.dataclass(slots=True)
class Progress:
    """Where a run is, of all its processes. `coverage` counts edges and states that were reached, by the
    process that reached most; both it and `inputs` (the size of the working corpus) are 0 for engines that
    have none. `memory` is the bytes that all processes that run now have in memory, 0 where the system does
    not say it. `met` counts failures by their signature's text, `around` those that a real library was kept
    from (and "limit"). `drawn` counts by what programs were made (`style names`, `mutation swap`, `way
    splice`), `brought` those of them that reached a new state; empty for engines that do not count it."""

    executions: int = 0
    ops: int = 0
    limits: int = 0
    coverage: int = 0
    inputs: int = 0
    memory: int = 0
    met: Counter[str] = dataclasses.field(default_factory=Counter)
    around: Counter[str] = dataclasses.field(default_factory=Counter)
    drawn: Counter[str] = dataclasses.field(default_factory=Counter)
    brought: Counter[str] = dataclasses.field(default_factory=Counter)

    def add(self, other: Progress) -> None:
        """Add what another process has done."""
        self.executions += other.executions
        self.ops += other.ops
        self.limits += other.limits
        self.coverage = max(self.coverage, other.coverage)
        self.inputs = max(self.inputs, other.inputs)
        self.memory += other.memory
        for mine, others in zip(self._counters, other._counters, strict=True):
            mine.update(others)

    @property
    def _counters(self) -> tuple[Counter[str], ...]:
        return self.met, self.around, self.drawn, self.brought

    def copy(self) -> Progress:
        """The same, in which others can be added."""
        mine = [Counter(each) for each in self._counters]
        return dataclasses.replace(self, met=mine[0], around=mine[1], drawn=mine[2], brought=mine[3])


def memory_of(pid: int) -> int:
    """The bytes that a process has in memory; 0 where it has ended or the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return 0


class Engine:
    """One engine's process: its events, and what libFuzzer prints about coverage."""

    def __init__(self, job: int, config: Config) -> None:
        self.job = job
        self.config = config
        self.events, report = os.pipe()
        config = dataclasses.replace(config, report=report)
        self._folders = contextlib.ExitStack()
        scratch = self._folders.enter_context(scratch_folder("engine"))
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "fuzz.engines.engine_process_main",
                config.to_json(),
                str(os.getpid()),
            ],
            pass_fds=[report],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # where Atheris tells of exceptions
            stderr=subprocess.STDOUT,
            # Ctrl-C goes to this process only, which tells the engine to end after its execution
            start_new_session=True,
            env={**ALLOCATOR, **os.environ, "TMPDIR": str(scratch)},  # it leaves its files there
        )
        os.close(report)
        self.begun = time.monotonic()
        self.cut_off = False
        self.last_lines: deque[bytes] = deque(maxlen=8)
        self.exception = b""
        self._told = Progress()
        self._executions = 0
        self._coverage = (0, 0)
        self._partial = b""
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        before = b""
        for line in self.process.stdout:
            match = _LIBFUZZER.match(line)
            if _UNCAUGHT in before:
                self.exception = line.rstrip()
            before = line
            if match is not None:
                self._executions = int(match[1])
                self._coverage = (int(match[2]), int(match[3]))
            elif line.strip() and not line.startswith((b"INFO:", b"WARNING:", b"#")):
                self.last_lines.append(line.rstrip())

    @property
    def progress(self) -> Progress:
        """What it has done so far. If the user gave options to libFuzzer, it may end before it has reported
        its last counts."""
        now = dataclasses.replace(self._told)
        if self._coverage[0]:
            now.coverage, now.inputs = self._coverage
        now.executions = max(now.executions, self._executions)
        now.memory = memory_of(self.process.pid)
        return now

    def read(self) -> list[Event] | None:
        """The events that have arrived. None if the process has ended."""
        data = os.read(self.events, 1 << 16)
        if not data:
            return None
        *lines, self._partial = (self._partial + data).split(b"\n")
        events: list[Event] = [json.loads(line) for line in lines]
        for event in events:
            if event["event"] in ("status", "done"):
                self._told = Progress(
                    *(event["executions"], event["ops"], event["limits"], event["features"], 0, 0),
                    *(Counter(event[name]) for name in ("met", "around", "drawn", "brought")),
                )
        return events

    def stop(self) -> None:
        """Ask it to end after the execution that it is at."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it where it stands."""
        if self.process.poll() is None:
            self.cut_off = True
            self.process.kill()

    def end(self, patience: float = ENDING_SECONDS) -> str | None:
        """Wait for its end. Returns one line that says what went wrong, or None."""
        try:
            status = self.process.wait(max(patience, 0.0))
        except subprocess.TimeoutExpired:
            self.kill()
            status = self.process.wait()
        self._reader.join(max(patience, STOPPING_SECONDS))
        os.close(self.events)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._folders.close()
        self._remove_half_written()
        if status == 0:
            return None
        if self.cut_off:
            return "it was still at something when the time was over, and was ended"
        lines = (self.exception or b" | ".join(self.last_lines)).decode("utf-8", "replace")
        return f"the engine ended with status {status}: {lines or 'no output'}"

    def _remove_half_written(self) -> None:
        """Files that it was about to write beside their places (`write_whole`)."""
        for folder in filter(None, (self.config.corpus, self.config.out)):
            for path in Path(folder).glob(f".*.{self.process.pid}"):
                path.unlink(missing_ok=True)


def config_of_job(config: Config, job: int, jobs: int, life: int = 0) -> Config:
    """The configuration of one of the processes: its share of the runs, and a seed of its own. A process that
    replaces one that died gets another seed. The very first process has the seed of the run."""
    seed = (config.seed + _SEED_STEP * (job + jobs * life)) & 0x7FFFFFFF or 1
    runs = (config.runs + jobs - 1 - job) // jobs
    return dataclasses.replace(config, seed=seed, runs=runs)


class Jobs:
    """The processes of a run. `died` is called for each that had to be replaced, with one line that says
    why."""

    def __init__(self, config: Config, jobs: int, died: Callable[[str], None]) -> None:
        self._config = config
        self._jobs = min(jobs, config.runs) if config.runs else jobs
        self._died = died
        self._past = Progress()
        self._lives = 0
        self._early = 0
        self._stopping = False
        self._waiting: deque[tuple[Engine, Event]] = deque()
        self._selector = selectors.DefaultSelector()
        self._engines: list[Engine] = []
        for job in range(self._jobs):
            self._start(job, config_of_job(config, job, self._jobs))

    def _start(self, job: int, config: Config) -> None:
        engine = Engine(job, config)
        self._engines.append(engine)
        self._selector.register(engine.events, selectors.EVENT_READ, engine)

    @property
    def progress(self) -> Progress:
        """What all processes have done, including those that have died."""
        total = self._past.copy()
        for engine in self._engines:
            total.add(engine.progress)
        return total

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [engine.process.pid for engine in self._engines]

    def events(self) -> Iterator[Event | None]:
        """The events of all processes, until the last has ended, and None at least twice a second.

        If an event has `executions`, they are those of all processes. After an exception this may be called
        again, and goes on. Raises EngineProblem if a process has died and cannot be replaced.
        """
        while self._engines or self._waiting:
            while self._waiting:
                engine, event = self._waiting[0]
                if "executions" in event:
                    others = self.progress.executions - engine.progress.executions
                    event = {**event, "executions": event["executions"] + others}
                yield event
                self._waiting.popleft()  # not sooner: a signal may have ended what is done with it
            ready = self._selector.select(0.5) if self._engines else []
            self._end_what_is_late()
            for key, _ in ready:
                if not self._read(key.data):
                    self._ended(key.data)
            if not ready:
                yield None

    def _read(self, engine: Engine) -> bool:
        """Take in the events that have arrived; no signal comes between. False if the process has ended."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            events = engine.read()
            self._waiting.extend((engine, event) for event in events or ())
            return events is not None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _end_what_is_late(self) -> None:
        config = self._config
        if config.seconds and time.monotonic() > config.started + config.seconds + LATE_SECONDS:
            for engine in self._engines:
                engine.kill()

    def last_events(self) -> Iterator[Event]:
        """End all processes at once: those that do not end by themselves soon are killed. What they have
        reported until then, and what was taken in before and is not done yet."""
        self.stop()
        deadline = time.monotonic() + STOPPING_SECONDS
        while self._engines or self._waiting:
            while self._waiting:
                yield self._waiting.popleft()[1]
            left = deadline - time.monotonic()
            if left <= 0:
                for engine in self._engines:
                    engine.kill()
            for key, _ in self._selector.select(max(left, STOPPING_SECONDS / 4)) if self._engines else ():
                if not self._read(key.data):
                    self._selector.unregister(key.data.events)
                    self._engines.remove(key.data)
                    key.data.end(deadline - time.monotonic())
                    self._past.add(key.data.progress)

    def _ended(self, engine: Engine) -> None:
        """A process has ended. Count what it did, and replace it if it should not have ended."""
        self._selector.unregister(engine.events)
        self._engines.remove(engine)
        problem = engine.end()
        done = engine.progress
        self._past.add(done)
        now = time.monotonic()
        config = self._config
        over = self._stopping or (config.seconds and now >= config.started + config.seconds)
        if problem is None:
            return
        if engine.cut_off:
            self._died(f"process {engine.job + 1} of {self._jobs}: {problem}")
            return
        self._early = self._early + 1 if now - engine.begun < EARLY_SECONDS else 0
        if not done.executions or self._early >= EARLY_DEATHS:
            raise EngineProblem(problem)
        left = engine.config.runs - done.executions
        if over or (config.runs and left <= 0):
            self._died(f"process {engine.job + 1} of {self._jobs}: {problem}")
            return
        self._lives += 1
        self._died(f"process {engine.job + 1} of {self._jobs}: {problem}; started again")
        fresh = config_of_job(config, engine.job, self._jobs, self._lives)
        self._start(engine.job, dataclasses.replace(fresh, runs=max(left, 0)))

    def stop(self) -> None:
        """Ask all processes to end, and do not replace any from now on."""
        self._stopping = True
        for engine in self._engines:
            engine.stop()

    def close(self) -> None:
        """End all processes. Events that were not read yet are lost."""
        for _ in self.last_events():
            pass
        self._selector.close()
