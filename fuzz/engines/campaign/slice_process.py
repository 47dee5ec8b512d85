"""The process of one slice: `python -m fuzz.engines.campaign.slice_process`, the slice as JSON on standard
input. It prints what it came to (`Brought`), and before that names of parts that it has written meanwhile,
and how far it is.

It is a fuzzing run as any other, in a folder of its own. When that is over, or when its parent is gone, it
writes what it has into the corpus itself. So a worker that is killed takes nothing with it. What a slice left
whose own process was killed is handed in by the next one on the same machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from types import FrameType

from fuzz.corpus.harvest import write_known
from fuzz.corpus.merge import Merging
from fuzz.corpus.places import home
from fuzz.corpus.reproducer import Reproducer
from fuzz.corpus.unminimized import NOT_AGAIN
from fuzz.engines.campaign.corpus import Corpus
from fuzz.engines.campaign.ledger import Ledger
from fuzz.engines.campaign.part import Part
from fuzz.engines.campaign.scratch import (
    FOLDER,
    Counts,
    Scratch,
    hand_in_what_is_left,
    signature_of,
    state_release,
)
from fuzz.engines.campaign.slice import FUZZ, MERGE, MINIMIZE, TOLD, Brought, Slice
from fuzz.engines.campaign.store import NoStore, Store, part_name
from fuzz.engines.engine_config import Config
from fuzz.engines.fuzzing_run import Found, FuzzingRun, Progress, Watchers
from fuzz.engines.history.file import HISTORY
from fuzz.engines.history.write import RunHistory
from fuzz.engines.parallel_processes import EngineProblem
from fuzz.execution.bound_of_time import TimeUp, bounded
from fuzz.judge.signature import Signature
from fuzz.language.byteform import decode, encode
from fuzz.language.syntax import SyntaxProblem
from fuzz.language.write_whole_file import write_whole
from fuzz.targets.base import NoTarget
from fuzz.targets.end_with_parent import end_with
from fuzz.targets.registry import make_target
from zapcore.release import named_release

MOST_INPUTS = 250
"""Programs that libFuzzer begins a slice with: it runs each of them first."""
MANY_OPS = 10_000
POINTS = 12
"""Times at which a slice notes how far it is, for a curve."""


class Over(BaseException):
    """Somebody ends the slice. No Exception, because nothing between may go on after it."""


class Notes:
    """Watches the run, and keeps on disk how far it is. `problems` are what it was told, whole: the program
    of a failure that no disk takes is nowhere else. `unwritten` is whether something of that kind was."""

    def __init__(self, scratch: Scratch, store: Store, work: Slice, known: int) -> None:
        self.scratch = scratch
        self.store = store
        self.work = work
        self._next_told = time.monotonic()
        self._next_point = time.monotonic() + work.seconds / POINTS
        self.counts = Counts(time.time(), time.time(), known=known)
        self.problems: list[str] = []
        self.unwritten = False

    def progress(self, progress: Progress) -> None:
        """Some time has passed."""
        counts, now = self.counts, time.time()
        counts.now = now
        counts.executions, counts.ops, counts.limits = progress.executions, progress.ops, progress.limits
        for text, count in progress.met.items():
            before, first, last = counts.met.get(text, (0, now, now))
            counts.met[text] = (count, first, now if count > before else last)
        if time.monotonic() >= self._next_point:
            self._next_point = time.monotonic() + max(self.work.seconds / POINTS, 1)
            counts.points = counts.until_now(self.scratch.reached())
        with contextlib.suppress(OSError):  # a full disk: the next time, or never
            self.scratch.count(counts)
        if self.work.tell_seconds and time.monotonic() >= self._next_told:
            self._next_told = time.monotonic() + self.work.tell_seconds
            _say(self.scratch.how_far(self.work, counts).to_json())

    def met(self, signature: Signature, known: Reproducer | Path, executions: int, seconds: float) -> None:
        """It is known: only counted."""

    def found(self, found: Found) -> None:
        """A new failure was cut down."""
        if found.folder is None or found.folder.parent != self.scratch.out:
            return  # a full disk: its program is in `problems`
        with contextlib.suppress(OSError, NoStore):  # it is handed in with the rest
            self.scratch.found(str(found.signature), found.folder.name)
            name = part_name("found")
            self.store.write(name, Part(Ledger(findings=self.scratch.ledger(uncounted=True).findings)))
            _say(json.dumps({"part": name}))

    def note(self, text: str) -> None:
        """Something went wrong, but the run goes on."""
        self.problems.append(text)

    def busy(self, what: str, how_far: Callable[[], str]) -> AbstractContextManager[None]:
        """Nobody looks."""
        return contextlib.nullcontext()


def _say(text: str) -> None:
    """Say something to the worker, while the slice goes on."""
    print(TOLD + text, flush=True)


def run(work: Slice) -> Brought:
    """Run a slice, and hand it in. Raises NoStore, NoTarget, EngineProblem."""
    store = Store(work.store)
    problems = hand_in_what_is_left(store)
    if work.what == MERGE:
        return Brought(part=_merge(store, work) or "", problems=tuple(problems))
    scratch = Scratch(home() / FOLDER / part_name(work.name))
    notes, unwritten = None, False
    try:
        scratch.begin(work)
        notes = _fuzz(scratch, store, work)
    finally:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
        try:
            scratch.deliver(store)
        except NoStore as problem:
            problems.append(f"{problem}; {scratch.path} waits for that")
            unwritten = True
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        scratch.close()
    part = "" if unwritten else scratch.name
    return Brought(part, notes.counts.executions, (*problems, *notes.problems), unwritten or notes.unwritten)


def _fuzz(scratch: Scratch, store: Store, work: Slice) -> Notes:
    """A fuzzing run in a folder."""
    arm = work.arm
    part = store.read(work.base) if work.base else None
    known = part.ledger.states.get(state_release(work), set()) if part is not None else set()
    inputs = sorted(part.ledger.inputs) if part is not None else []
    write_known(scratch.states, known)
    for folder in (scratch.corpus, scratch.out):
        folder.mkdir(exist_ok=True)
    seeds = []
    for number, program in enumerate(work.programs):
        seeds.append(scratch.path / f"{number:03d}.zap")
        write_whole(seeds[-1], program.encode("utf-8"))
    if work.what == FUZZ and arm.engine == "atheris":
        for number, data in enumerate(Random(work.seed).sample(inputs, min(MOST_INPUTS, len(inputs)))):
            write_whole(scratch.corpus / f"{number:04d}", data)
    remedies = tuple(filter(None, arm.remedies.split(",")))
    config = Config(
        engine=arm.engine if work.what == FUZZ else "random",
        release=arm.release,
        target=arm.target,
        libzpool=work.libzpool,
        seed=work.seed,
        seconds=work.seconds,
        runs=work.runs if work.what == FUZZ else len(work.programs),
        started=time.monotonic(),
        corpus=str(scratch.corpus),
        seeds=tuple(map(str, seeds)),
        max_ops=work.max_ops if work.what == FUZZ else MANY_OPS,
        known=work.known,
        remedies=remedies,
        style=arm.style,
        states=str(scratch.states),
        harvest=str(scratch.harvest) if work.what == FUZZ else "",
    )
    notes = Notes(scratch, store, work, len(known))
    elsewhere = dict.fromkeys(work.known, Path())
    target = make_target(arm.target, arm.release, work.libzpool, small=True)
    history = _history(config, work, notes)
    watchers = Watchers(notes, *([history] if history is not None else []))
    fuzzing = FuzzingRun(config, target, {}, scratch.out, watchers, 1, elsewhere)
    how = "ended"
    try:
        fuzzing.run()
    except Over:
        how = "it was told to end"
        notes.note(how)
    else:
        _not_again(scratch, work)
    finally:
        notes.progress(fuzzing.status)
        notes.unwritten = bool(fuzzing.unwritten)
        if history is not None:
            history.end(fuzzing, how)
    return notes


def _history(config: Config, work: Slice, notes: Notes) -> RunHistory | None:
    """Each slice is a run in the history of its machine; none where that is another file."""
    try:
        return RunHistory(home() / HISTORY, config, campaign=work.campaign)
    except SyntaxProblem as problem:
        notes.note(str(problem))
        return None


def _not_again(scratch: Scratch, work: Slice) -> None:
    """Programs that were to be cut down and have not failed: they are kept as such."""
    ledger = scratch.ledger(uncounted=True)
    for number, text in enumerate(work.programs if work.what == MINIMIZE else ()):
        if signature_of(text) not in ledger.findings.keys() | ledger.open.keys():
            write_whole(scratch.out / f"{NOT_AGAIN}-{number:03d}.zap", text.encode("utf-8"))


def _merge(store: Store, work: Slice) -> str | None:
    """Leave out the inputs of a base that reach nothing which the others do not, on any release that the
    corpus has states of: all of them share its inputs."""
    corpus = Corpus(store)
    corpus.look()
    if work.base not in corpus.parts:
        return None
    ledger = corpus.parts[work.base].ledger
    with contextlib.suppress(TimeUp), bounded(work.seconds):  # when there is more time it is tried again
        small = {encode(each) for each in Merging(map(decode, ledger.inputs), *_releases(ledger, work)).run()}
        return corpus.write_smaller(work.base, small)
    return None


def _releases(ledger: Ledger, work: Slice) -> list[str]:
    """The releases that there are states of, as far as the model knows them, and the one of a slice."""
    names = {work.arm.release, *(name.partition("+")[0] for name in ledger.states)}
    return sorted({named.name for name in names if (named := named_release(name)) is not None})


def main() -> None:
    """Read a slice, run it, and print what it came to."""
    parent = os.getppid()

    def over(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)  # a second one changes nothing
        raise Over

    work = Slice.from_json(sys.stdin.read())
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, over)
    end_with(parent, signal.SIGTERM)
    try:
        brought = run(work)
    except Over:
        brought = Brought(problems=("it was told to end",))
    except NoStore as problem:
        brought = Brought(problems=(str(problem),), unwritten=True)
    except (NoTarget, EngineProblem) as problem:
        brought = Brought(problems=(str(problem),))
    except OSError as problem:
        brought = Brought(problems=(f"{problem.filename}: {problem.strerror}",), unwritten=True)
    print(brought.to_json(), flush=True)


if __name__ == "__main__":
    main()
