"""A campaign: gives slices to the workers of a cluster until its time is over, and puts together what they
bring.

Nothing is known here alone. Slices write parts into the corpus themselves; this reads them, decides by them
what to do next, and writes their sum now and then. So a campaign that ends, however it does, goes on from the
corpus; and two on one corpus need not know of each other.
"""

from __future__ import annotations

import dataclasses
import json
import queue
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Protocol

from fuzz.engines.campaign.at_work import AtWork, Meanwhile, tell_seconds
from fuzz.engines.campaign.cluster import Cluster, Ended, NoCluster
from fuzz.engines.campaign.corpus import Corpus
from fuzz.engines.campaign.ledger import Arm, Finding, Open
from fuzz.engines.campaign.shares import pick
from fuzz.engines.campaign.slice import FUZZ, MERGE, MINIMIZE, Slice
from fuzz.engines.campaign.store import NoStore, Store

LOOK_SECONDS = 20.0
"""From one look at what others have written to the next."""
LEAST_SECONDS = 2.0
"""A slice for less is not worth its start."""
PATIENCE_SECONDS = 60.0
"""How long to try to reach a scheduler again that was there."""
MINIMIZE_SECONDS = 600.0
"""How long one failure may be cut down."""
MERGE_SECONDS = 900.0
"""How long making the inputs fewer may take."""
MANY_INPUTS = 400
"""From so many inputs on they are made fewer, whenever there are twice as many as were left the last time."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign is to do: for `seconds`, or `runs` executions (0 for no bound), slices of
    `slice_seconds`, of each of the `arms`. `known` says for each the failures that need no report."""

    store: str
    arms: tuple[Arm, ...]
    known: Mapping[Arm, tuple[str, ...]]
    name: str
    seed: int
    started: float
    seconds: float = 0.0
    runs: int = 0
    slice_seconds: float = 60.0
    scheduler: str = ""
    workers: int = 1
    libzpool: str | None = None
    max_ops: int = 160


class Watcher(Protocol):
    """Who is told how it goes."""

    def found(self, signature: str, finding: Finding) -> None:
        """A failure was cut down that was not in the corpus."""

    def note(self, text: str) -> None:
        """Something went wrong, but the campaign goes on."""


class Campaign:
    """One campaign. `unwritten` are sentences about what could not be written; `new` are signatures that this
    campaign has brought into the corpus."""

    def __init__(self, plan: Plan, watcher: Watcher, connect: Callable[[], Cluster] | None = None) -> None:
        self.plan = plan
        self.watcher = watcher
        self.corpus = Corpus(Store(plan.store))
        self.new: list[str] = []
        self.unwritten: list[str] = []
        self.workers = 0
        self.executions = 0
        self._cluster: Cluster
        self._meanwhile = Meanwhile()
        self._connect = connect or (lambda: Cluster(plan.scheduler, plan.workers, plan.name))
        self._rng = Random(plan.seed)
        self._number = 0
        self._tried: set[str] = set()
        self._told: set[str] = set()
        self._noted: set[str] = set()
        self._next_look = 0.0
        self._next_base = 0.0
        self._fewest = MANY_INPUTS // 2

    def begin(self) -> None:
        """Reach the corpus and the workers. Raises NoStore, NoCluster."""
        self.corpus.store.prepare()
        self.corpus.look()
        self._told = set(self.corpus.ledger.findings)
        self._next_look = time.monotonic() + LOOK_SECONDS
        self._cluster = self._connect()

    def run(self) -> None:
        """Until the time is over. Raises NoCluster if the scheduler is gone for long."""
        try:
            while not self._over() or self._cluster.running:
                try:
                    self._turn(self._cluster)
                except NoCluster as gone:
                    self._cluster.close()
                    self._cluster = self._again(gone)
        finally:
            self._cluster.close()
        self._look()
        self._base(now=True)

    def _time_left(self) -> float:
        plan = self.plan
        return plan.started + plan.seconds - time.monotonic() if plan.seconds else float("inf")

    def _over(self) -> bool:
        return self._time_left() <= 0 or 0 < self.plan.runs <= self.executions

    def _again(self, gone: NoCluster) -> Cluster:
        """The scheduler is gone: its slices hand in what they have all the same. Raises NoCluster."""
        until = time.monotonic() + min(PATIENCE_SECONDS, max(self._time_left(), 0))
        self._note(f"{gone}; waiting for it")
        while time.monotonic() < until:
            try:
                return self._connect()
            except NoCluster:
                time.sleep(1)
        raise gone

    def _turn(self, cluster: Cluster) -> None:
        """Give away what there are workers for, and take in what is ready."""
        self.workers = sum(cluster.workers().values())
        for _ in range(cluster.free()):
            work = self._next(cluster)
            if work is None:
                break
            cluster.submit(work)
        for ended in cluster.ended(0.25):
            self._ended(ended)
        while True:
            try:
                self._told_by_slice(cluster, json.loads(cluster.told.get_nowait()))
            except queue.Empty:
                break
        if time.monotonic() >= self._next_look:
            self._look()
            self._base()

    def _next(self, cluster: Cluster) -> Slice | None:
        """The next piece of work; None if there is no time for one."""
        plan, ledger, left = self.plan, self.corpus.ledger, self._time_left()
        runs = plan.runs - self.executions - sum(each.runs for each in cluster.running if each.what == FUZZ)
        if left < LEAST_SECONDS or (plan.runs and runs <= 0):
            return None
        self._number += 1
        work = Slice(
            *(FUZZ, plan.name, self._number, plan.store, plan.arms[0]),
            seed=self._rng.randrange(1, 1 << 31),
            seconds=min(plan.slice_seconds, left),
            runs=-(-runs // max(self.workers, 1)) if plan.runs else 0,
            base=self.corpus.base(),
            libzpool=plan.libzpool,
            max_ops=plan.max_ops,
            tell_seconds=tell_seconds(self.workers),
        )
        for text, open_ in ledger.waiting().items():
            if text not in self._tried:
                self._tried.add(text)
                return self._minimizing(work, open_)
        busy = {each.what for each in cluster.running}
        if work.base and len(ledger.inputs) > 2 * self._fewest and MERGE not in busy:
            self._fewest = len(ledger.inputs)
            return dataclasses.replace(work, what=MERGE, seconds=min(MERGE_SECONDS, left))
        arm = pick(plan.arms, ledger.rows, self._rng)
        known = dict.fromkeys((*plan.known.get(arm, ()), *ledger.findings, *ledger.open))
        return dataclasses.replace(work, arm=arm, known=tuple(known))

    def _minimizing(self, work: Slice, open_: Open) -> Slice:
        known = self.plan.known.get(open_.arm, ())
        return dataclasses.replace(
            work,
            what=MINIMIZE,
            runs=1,
            seconds=min(MINIMIZE_SECONDS, self._time_left()),
            arm=open_.arm,
            programs=(open_.program,),
            known=known,
        )

    def _ended(self, ended: Ended) -> None:
        brought = ended.brought
        self._meanwhile.over(ended.work.number)
        if ended.work.what == FUZZ:  # a run that looks again at what is minimized is none of those asked for
            self.executions += brought.executions
        for problem in brought.problems:
            self._note(problem)
        if brought.unwritten:
            self.unwritten.extend(brought.problems)
        if brought.part:
            self._take(brought.part)
            if ended.work.what == MERGE:
                self._fewest = max(len(self.corpus.ledger.inputs), MANY_INPUTS // 2)

    def at_work(self) -> list[AtWork]:
        """The slices that go on, and how far each is."""
        return self._meanwhile.at_work(self._cluster.running, self.corpus)

    def _told_by_slice(self, cluster: Cluster, said: dict[str, Any]) -> None:
        """A part is written, or a slice is so far."""
        if "number" in said:
            self._meanwhile.hear(said, cluster.running)
        else:
            self._take(said["part"])

    def _take(self, part: str) -> None:
        self._trying(lambda: self.corpus.take(part))

    def _look(self) -> None:
        self._next_look = time.monotonic() + LOOK_SECONDS
        before = set(self.corpus.torn)
        self._trying(self.corpus.look)
        for name in sorted(before & self.corpus.torn):  # nobody writes it any more
            self._note(f"part {name} is cut short: what can be read of it is taken")

    def _base(self, now: bool = False) -> None:
        """Write the sum now and then, and remove what is in another part for long."""
        if now or time.monotonic() >= self._next_base:
            self._next_base = time.monotonic() + self.plan.slice_seconds
            self._trying(self.corpus.write_base)
            self._trying(self.corpus.remove_covered)

    def _trying(self, what: Callable[[], object]) -> None:
        """What goes on without the corpus for a while: all of it is read again later."""
        try:
            what()
        except NoStore as problem:
            self.unwritten.append(str(problem))
            self._note(str(problem))
            return
        for text, finding in self.corpus.ledger.findings.items():
            if text not in self._told:
                self._told.add(text)
                self.new.append(text)
                self.watcher.found(text, finding)

    def _note(self, text: str) -> None:
        """Say something, once."""
        if text not in self._noted:
            self._noted.add(text)
            self.watcher.note(text)
