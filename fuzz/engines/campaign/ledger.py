"""What is known of a campaign, as a sum: the ledger of two parts together is their sum, in whatever order
they come. Knows nothing of files, workers or time but what is written in it.

Times are seconds since 1970 (UTC).
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST_HISTORY = 600
"""Points of the history that a ledger keeps. Where there are more, two become one."""
FADING = 0.95
"""What was brought before counts so much less with each slice of the same arm."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Arm:
    """What a slice of time is spent on. `style` is the only one that new programs are drawn in, "" for each;
    `remedies` are separated by commas."""

    engine: str
    release: str
    style: str = ""
    target: str = "model"
    remedies: str = ""

    def __str__(self) -> str:
        return " / ".join(filter(None, dataclasses.astuple(self)))


@dataclasses.dataclass(slots=True)
class Row:
    """What was done for an arm. `states` counts those that a slice was the first to reach as far as it knew,
    `findings` signatures that were not known then. `lately` and `lately_seconds` fade (FADING): what slices
    brought (`worth`), and in how much time."""

    slices: int = 0
    seconds: float = 0.0
    executions: int = 0
    ops: int = 0
    limits: int = 0
    states: int = 0
    findings: int = 0
    lately: float = 0.0
    lately_seconds: float = 0.0

    def add(self, other: Row) -> None:
        """Add what another part has of the same arm."""
        fading = FADING**other.slices
        self.lately = self.lately * fading + other.lately
        self.lately_seconds = self.lately_seconds * fading + other.lately_seconds
        for name in ("slices", "seconds", "executions", "ops", "limits", "states", "findings"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclasses.dataclass(slots=True)
class Met:
    """How often a failure was met, and when first and last."""

    count: int
    first: float
    last: float

    def add(self, other: Met) -> None:
        """Add what another part has of the same failure."""
        self.count += other.count
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)


@dataclasses.dataclass(slots=True)
class Worked:
    """What a machine has done, and when it was heard of last."""

    slices: int
    executions: int
    last: float

    def add(self, other: Worked) -> None:
        """Add what another part has of the same machine."""
        self.slices += other.slices
        self.executions += other.executions
        self.last = max(self.last, other.last)


@dataclasses.dataclass(frozen=True, slots=True)
class Open:
    """A program whose failure was not cut down: it waits for that, or did not come `again`, when only the
    program is left to show."""

    program: str
    arm: Arm
    again: bool = True


class Standing(enum.Enum):
    """What has become of a failure that a campaign has met."""

    CUT_DOWN = "cut down"
    NOT_MINIMIZED = "not minimized"
    NOT_AGAIN = "did not come again"
    KNOWN_THEN = "known to whoever fuzzed"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """The text of the two files of a reproducer (`fuzz.corpus.reproducer`), and the name of its folder."""

    name: str
    program: str
    reproducer: str


@dataclasses.dataclass(slots=True)
class Ledger:
    """Everything that one part knows, or all of them. `met` is by release (as [expect] calls it) and by the
    text of the signature, `open` and `findings` by that text, `states` by release, `inputs` are programs in
    byte form. A point of `history` is a time of a slice, its executions since its point before, and
    how many states were known then; its first one is its beginning."""

    rows: dict[Arm, Row] = dataclasses.field(default_factory=dict)
    met: dict[str, dict[str, Met]] = dataclasses.field(default_factory=dict)
    workers: dict[str, Worked] = dataclasses.field(default_factory=dict)
    open: dict[str, Open] = dataclasses.field(default_factory=dict)
    findings: dict[str, Finding] = dataclasses.field(default_factory=dict)
    states: dict[str, set[int]] = dataclasses.field(default_factory=dict)
    inputs: set[bytes] = dataclasses.field(default_factory=set)
    history: list[tuple[float, int, int]] = dataclasses.field(default_factory=list)

    def add(self, other: Ledger) -> None:
        """Add what another part knows. A signature has one finding: the first that there is stays."""
        for arm, row in other.rows.items():
            self.rows.setdefault(arm, Row()).add(row)
        for release, rows in other.met.items():
            mine = self.met.setdefault(release, {})
            for text, met in rows.items():
                if text in mine:
                    mine[text].add(met)
                else:
                    mine[text] = dataclasses.replace(met)
        for name, worked in other.workers.items():
            if name in self.workers:
                self.workers[name].add(worked)
            else:
                self.workers[name] = dataclasses.replace(worked)
        for text, each in other.open.items():
            if text not in self.open or self.open[text].again > each.again:
                self.open[text] = each  # whoever has tried knows better
        for text, finding in other.findings.items():
            self.findings.setdefault(text, finding)
        for release, states in other.states.items():
            self.states.setdefault(release, set()).update(states)
        self.inputs |= other.inputs
        self.history = thinned(sorted([*self.history, *other.history]))

    @property
    def executions(self) -> int:
        """Of all arms."""
        return sum(row.executions for row in self.rows.values())

    @property
    def seconds(self) -> float:
        """Of all slices, one after the other."""
        return sum(row.seconds for row in self.rows.values())

    def waiting(self) -> dict[str, Open]:
        """What is to be cut down yet."""
        return {text: each for text, each in self.open.items() if each.again and text not in self.findings}

    def met_in_all(self) -> dict[str, Met]:
        """How often each failure was met on all releases, by the text of its signature."""
        all_: dict[str, Met] = {}
        for rows in self.met.values():
            for text, met in rows.items():
                if text in all_:
                    all_[text].add(met)
                else:
                    all_[text] = dataclasses.replace(met)
        return all_

    def failures(self) -> tuple[str, ...]:
        """The texts of all failures that anything is known of."""
        return tuple(dict.fromkeys((*self.met_in_all(), *self.findings, *self.open)))

    def standing(self, text: str) -> Standing:
        """What has become of a failure."""
        if text in self.findings:
            return Standing.CUT_DOWN
        if text in self.waiting():
            return Standing.NOT_MINIMIZED
        return Standing.NOT_AGAIN if text in self.open else Standing.KNOWN_THEN

    def over_time(self) -> list[tuple[float, int, int]]:
        """The history as it grew: times, all executions until then, and the states that were known."""
        executions, known, points = 0, 0, []
        for at, more, states in self.history:
            executions, known = executions + more, max(known, states)
            points.append((at, executions, known))
        return points

    def as_data(self) -> dict[str, Any]:
        """All but what has lines of its own in a part: states, inputs, and what is open or found."""
        return {
            "rows": [
                [*dataclasses.astuple(arm), dataclasses.asdict(row)] for arm, row in sorted(self.rows.items())
            ],
            "met": {
                release: {text: dataclasses.astuple(met) for text, met in rows.items()}
                for release, rows in self.met.items()
            },
            "workers": {name: dataclasses.astuple(worked) for name, worked in self.workers.items()},
            "history": self.history,
        }

    def take(self, data: Mapping[str, Any]) -> None:
        """Set what `as_data` gave. Raises ValueError, KeyError, TypeError."""
        self.rows = {Arm(*row[:-1]): Row(**row[-1]) for row in data["rows"]}
        self.met = {
            release: {text: Met(*met) for text, met in rows.items()} for release, rows in data["met"].items()
        }
        self.workers = {name: Worked(*worked) for name, worked in data["workers"].items()}
        self.history = [(at, executions, known) for at, executions, known in data["history"]]


def total(ledgers: Iterable[Ledger]) -> Ledger:
    """The sum of some."""
    all_ = Ledger()
    for each in ledgers:
        all_.add(each)
    return all_


def thinned(history: list[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
    """At most LONGEST_HISTORY points that come to the same, and begin when they do."""
    while len(history) > LONGEST_HISTORY:
        pairs = [history[at : at + 2] for at in range(1, len(history), 2)]
        history = [
            history[0],
            *((pair[-1][0], sum(each[1] for each in pair), max(each[2] for each in pair)) for pair in pairs),
        ]
    return history


def worth(states: int, findings: int) -> float:
    """What a slice has brought, in one number. A failure that nobody knows is what it is all for."""
    return states + 100.0 * findings
