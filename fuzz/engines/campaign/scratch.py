"""The folder of one slice on the machine of its worker: all that it has brought is there at every moment, so
that a slice whose process was killed is handed in by the next one on that machine.

`delivering` is there from before a part is written. If it is, and the part is nowhere, then it was written,
put together with others and removed; or never written. What could be counted twice then is left out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fuzz.corpus.harvest import harvested
from fuzz.corpus.places import home
from fuzz.corpus.reproducer import PROGRAM_FILE, REPRODUCER_FILE
from fuzz.corpus.unminimized import NOT_AGAIN, UNMINIMIZED
from fuzz.engines.campaign.at_work import HowFar
from fuzz.engines.campaign.ledger import Finding, Ledger, Met, Open, Row, Worked, worth
from fuzz.engines.campaign.part import Part
from fuzz.engines.campaign.slice import FUZZ, Slice
from fuzz.engines.campaign.store import NoStore, Store, part_name
from fuzz.language.write_whole_file import write_whole
from fuzz.targets.registry import name_of_expectation

FOLDER = "slices"
LOCK, SLICE, COUNTS, FOUND = "lock", "slice.json", "counts.json", "found"
HARVEST, STATES, DELIVERING = "harvest", "states", "delivering"


@dataclasses.dataclass(slots=True)
class Counts:
    """How far a slice is. `met` is of each failure how often, and when first and last; `known` is how many
    states were known when it began, `points` how far it was before (`Ledger.history`)."""

    begun: float
    now: float
    executions: int = 0
    ops: int = 0
    limits: int = 0
    known: int = 0
    met: dict[str, tuple[int, float, float]] = dataclasses.field(default_factory=dict)
    points: list[tuple[float, int, int]] = dataclasses.field(default_factory=list)

    def until_now(self, states: int) -> list[tuple[float, int, int]]:
        """The points with one more: where it is now, when it has reached so many states that nobody knew."""
        before = self.points or [(self.begun, 0, self.known)]
        return [*before, (self.now, self.executions - sum(each[1] for each in before), self.known + states)]


class Scratch:
    """The folder of a slice. Nobody else touches it as long as this process lives."""

    def __init__(self, path: Path) -> None:
        """Raises OSError; BlockingIOError where another process has it."""
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise

    @property
    def name(self) -> str:
        """The name of the part that it becomes."""
        return self.path.name

    @property
    def out(self) -> Path:
        """Where failures are kept."""
        return self.path / "out"

    @property
    def corpus(self) -> Path:
        """The inputs that libFuzzer has."""
        return self.path / "corpus"

    @property
    def harvest(self) -> Path:
        """Programs that reached what nobody had reached."""
        return self.path / HARVEST

    @property
    def states(self) -> Path:
        """The states that others had reached when it began."""
        return self.path / STATES

    def begin(self, work: Slice) -> None:
        """Note what is to be done. Raises OSError."""
        write_whole(self.path / SLICE, work.to_json().encode())

    def count(self, counts: Counts) -> None:
        """Note how far it is. Raises OSError."""
        write_whole(self.path / COUNTS, json.dumps(dataclasses.asdict(counts)).encode())

    def found(self, signature: str, folder: str) -> None:
        """Note that a reproducer is whole. Until then its program is there as it was found. Raises
        OSError."""
        with (self.path / FOUND).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"signature": signature, "folder": folder}) + "\n")

    def deliver(self, store: Store) -> None:
        """Hand in what is here, and remove the folder; an empty slice leaves nothing. Raises NoStore; the
        folder stays then."""
        mark = self.path / DELIVERING
        late = mark.exists() and store.read(self.name) is None
        ledger = self.ledger(uncounted=late)
        if ledger != Ledger():
            name = self.name if not late else part_name("again")
            with contextlib.suppress(OSError):  # a full disk: it is handed in all the same
                mark.touch()
            try:
                store.write(name, Part(ledger))
            except NoStore:
                mark.unlink(missing_ok=True)
                raise
        shutil.rmtree(self.path, ignore_errors=True)

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._lock)

    def ledger(self, uncounted: bool = False) -> Ledger:
        """What the slice has brought so far; if `uncounted`, without everything that is a number of
        something."""
        ledger = Ledger()
        try:
            work = Slice.from_json((self.path / SLICE).read_text("utf-8"))
            row: dict[str, Any] = json.loads((self.path / COUNTS).read_text("utf-8"))
            counts = Counts(**row)
        except (OSError, ValueError, KeyError, TypeError):
            return ledger  # it had not begun
        states: set[int] = set()
        for each in harvested(self.harvest):
            ledger.inputs.add(each.data)
            states.update(each.states)
        if states:
            ledger.states[state_release(work)] = states
        self._failures(work, ledger)
        if not uncounted:
            _count(work, counts, len(states), ledger)
        return ledger

    def reached(self) -> int:
        """How many states it was the first to reach, as far as it knows."""
        return sum(len(each.states) for each in harvested(self.harvest))

    def how_far(self, work: Slice, counts: Counts) -> HowFar:
        """What of this can be told before the slice is over."""
        states = self.reached()
        unknown = [text for text, (count, _, _) in counts.met.items() if count and text not in work.known]
        ledger = Ledger(open={text: Open("", work.arm) for text in unknown if work.what == FUZZ})
        _count(work, counts, states, ledger)
        return HowFar(work.number, self.name, states, ledger)

    def _failures(self, work: Slice, ledger: Ledger) -> None:
        """Reproducers, and programs that were not cut down or did not fail again."""
        told = self.path / FOUND
        for line in told.read_text("utf-8").splitlines() if told.exists() else ():
            try:
                row = json.loads(line)
                folder = self.out / row["folder"]
                texts = [(folder / file).read_text("utf-8") for file in (PROGRAM_FILE, REPRODUCER_FILE)]
            except (OSError, ValueError, KeyError):
                continue
            ledger.findings[row["signature"]] = Finding(folder.name, *texts)
        for what in (UNMINIMIZED, NOT_AGAIN):
            for path in sorted(self.out.glob(f"{what}-*.zap")):
                text = path.read_text("utf-8")
                ledger.open[signature_of(text)] = Open(text, work.arm, again=what == UNMINIMIZED)


def _count(work: Slice, counts: Counts, states: int, ledger: Ledger) -> None:
    """Add what is a number of something."""
    remedies = filter(None, work.arm.remedies.split(","))
    release = name_of_expectation(work.arm.target, work.arm.release, remedies)
    seconds = max(counts.now - counts.begun, 0.001)
    if work.what == FUZZ:
        findings = len(ledger.findings.keys() | ledger.open.keys())
        ledger.rows[work.arm] = Row(
            *(1, seconds, counts.executions, counts.ops, counts.limits, states, findings),
            *(worth(states, findings), seconds),
        )
        ledger.met[release] = {text: Met(*met) for text, met in counts.met.items() if met[0]}
        ledger.history = counts.until_now(states)
    ledger.workers[work.worker or "?"] = Worked(1, counts.executions, counts.now)


def signature_of(text: str) -> str:
    """The failure of a program that was kept as it was found (`fuzz.corpus.unminimized`)."""
    return text.partition("\n")[0].removeprefix("# ").strip()


def state_release(work: Slice) -> str:
    """Under which name the states of a slice are: those of a release differ with what was changed in it."""
    return "+".join(filter(None, (work.arm.release, work.arm.remedies.replace(",", "+"))))


def left_behind(url: str) -> Iterator[Scratch]:
    """The folders of slices for a store whose processes are gone."""
    top = home() / FOLDER
    for path in sorted(top.iterdir()) if top.is_dir() else ():
        try:
            scratch = Scratch(path)
        except OSError:
            continue  # it is at work
        try:
            work = Slice.from_json((path / SLICE).read_text("utf-8"))
        except (OSError, ValueError, KeyError, TypeError):
            shutil.rmtree(path, ignore_errors=True)
            scratch.close()
            continue
        if work.store == url:
            yield scratch
        scratch.close()


def hand_in_what_is_left(store: Store) -> list[str]:
    """Hand in what slices have left whose processes were killed. Returns sentences about what still waits."""
    problems = []
    for scratch in left_behind(store.url):
        try:
            scratch.deliver(store)
        except NoStore as problem:
            problems.append(f"{scratch.path} is not handed in yet: {problem}")
    return problems
