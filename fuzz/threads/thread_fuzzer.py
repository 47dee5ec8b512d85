"""Looks for failures of programs with threads: random programs and schedules, and changes of both.

A program begins with a short setup by thread 0. On a fat ZAP it uses few keys, whose hashes begin alike, so
that leaves split and shrink and the table grows; others are about names (`programs_of_names`). Then two or
three threads have up to three ops each. Each program is run with the default schedule, with a few of PCT, and
with a few random ones. If a run leaves the object in a new shape, the program is kept with its schedule, and
later one op or one switch of it is changed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

from fuzz.judge.signature import Failure
from fuzz.language.program import Key, Op, Program, Switch, Zap
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.block_fates import Fate, fate_of
from fuzz.threads.minimize_schedule import with_schedule
from fuzz.threads.parallel_run import has_threads, run_threads
from fuzz.threads.preempt_at_points import Preemption, Recording, Stops
from fuzz.threads.programs_of_names import change_of, program_of_names
from fuzz.threads.scheduling_policies import Pct, Policy, RandomWalk, Replay
from zapcore import layout as L

ZAP = Zap("z", words=1, prehashed=True, hash64=True, leaf_shift=9)
BITS = (63, 62, 61, 60, 59, 58, 57)
LENGTHS = (180, 180, 180, 180, 60, 1)
PCT_DEPTHS = (2, 3, 3, 4)
RUNS_EACH = 6
STOPPED_EACH = 5
OTHERS_EACH = 2
"""With a sync thread: runs with stops while they go on, and with schedules of other policies."""
DRAIN = 0.15
"""Share of programs whose threads empty what a cursor stands in."""

NAMES = 0.4
"""Share of programs on ZAPs of names."""
KEPT = 256
_SHAPE = L.HEADER.span("zt_blk", "zap_num_entries")
"""The bytes of the header that tell the shape: the table, zap_freeblk, and how many leaves and entries there
are."""


class Caught(NamedTuple):
    """A failure of a thread fuzzer: the program with its schedule, and after how many runs and seconds."""

    failure: Failure
    program: Program
    runs: int
    seconds: float


def random_program(rng: random.Random) -> Program:
    """A setup and a parallel section on one fat ZAP of small leaves."""
    keys = near_keys(rng)
    drain = rng.random() < DRAIN
    if drain:  # leaves are full, a cursor is on one of them, and threads empty them
        keys = rng.sample(keys, min(len(keys), rng.randint(2, 3)))
        ops = [Op("add", "z", key, 1, 180) for key in keys]
    else:
        ops = [_setup_op(rng, keys) for _ in range(rng.randint(1, 7))]
    if drain or rng.random() < 0.25:
        ops += [Op("cursor", "c", other="z"), *[Op("next", "c")] * rng.randint(1, 3)]
    weights = _DRAIN_WEIGHTS if drain else _WEIGHTS
    threads = 3 if rng.random() < 0.1 else 2
    hot = keys
    if rng.random() < 0.5:
        hot = [*keys, *[rng.choice(keys)] * len(keys)]  # threads work on one key
    for thread in range(1, threads + 1):
        ops += [_threads_op(rng, hot, thread, weights) for _ in range(rng.randint(1, 3))]
    return Program((ZAP,), tuple(ops))


def near_keys(rng: random.Random) -> list[Key]:
    """A few hashes that agree in many of their top bits; more often than not they differ in three only, so
    that ops meet in the same few leaves."""
    bits: tuple[int, ...] = BITS
    if rng.random() < 0.6:
        first = rng.randint(0, 4)
        bits = BITS[first : first + 3]
    base = 0
    for bit in BITS:
        base |= (rng.random() < 0.4) << bit
    words = {base}
    for _ in range(rng.randint(2, 7)):
        words.add(rng.choice(sorted(words)) ^ 1 << rng.choice(bits))
    return [(word,) for word in sorted(words)]


def _setup_op(rng: random.Random, keys: Sequence[Key]) -> Op:
    verb = rng.choices(("add", "remove", "txg", "sync", "evict"), (12, 4, 1, 1, 0.5))[0]
    if verb == "add":
        return Op("add", "z", rng.choice(keys), 1, rng.choice(LENGTHS))
    return Op(verb, "z", rng.choice(keys)) if verb == "remove" else Op(verb)


_VERBS = (
    *("add", "remove", "update", "lookup", "length", "count"),
    *("next", "retrieve", "txg", "finish", "evict"),
)
_WEIGHTS = (12, 12, 3, 5, 2, 5, 5, 3, 1, 0.5, 0.5)
_DRAIN_WEIGHTS = (3, 16, 1, 1, 1, 1, 6, 4, 1, 0.5, 0.5)


def _threads_op(
    rng: random.Random, keys: Sequence[Key], thread: int, weights: Sequence[float] = _WEIGHTS
) -> Op:
    verb = rng.choices(_VERBS, weights)[0]
    if verb in ("next", "retrieve"):  # the setup's cursor is the first thread's, others have their own
        if thread == 1:
            return Op(verb, "c", thread=1)
        opens = rng.random() < 0.5
        name = f"c{thread}"
        return Op("cursor", name, other="z", thread=thread) if opens else Op(verb, name, thread=thread)
    if verb in ("add", "update"):
        return Op(verb, "z", rng.choice(keys), 1, rng.choice(LENGTHS), rng.randrange(3), thread=thread)
    if verb == "lookup":
        return Op(verb, "z", rng.choice(keys), 1, 180, thread=thread)
    if verb in ("remove", "length"):
        return Op(verb, "z", rng.choice(keys), thread=thread)
    return Op(verb, "z", thread=thread) if verb == "count" else Op(verb, thread=thread)


def keys_to_use(program: Program, rng: random.Random, near: float) -> list[Key]:
    """A program's keys; where it has none, and beside them with probability `near`, keys near each other."""
    keys = sorted({op.key for op in program.ops if op.key is not None}, key=repr) or near_keys(rng)
    return [*keys, *near_keys(rng)] if rng.random() < near else keys


def mutate(program: Program, rng: random.Random) -> Program:
    """One op changed, put in or taken out, with its keys; or one switch of the schedule."""
    if program.schedule and rng.random() < 0.5:
        return with_schedule(program, mutate_schedule(program.schedule, rng))
    ops = list(program.ops)
    keys = keys_to_use(program, rng, 0.2)
    at = rng.randrange(len(ops))
    thread = ops[at].thread
    if not program.zaps[0].fat:
        new = change_of(program, rng, thread)
    else:
        new = _threads_op(rng, keys, thread) if thread else _setup_op(rng, keys)
    how = rng.random()
    if how < 0.5 or len(ops) > 14:
        ops[at] = new
    elif how < 0.8:
        ops.insert(at, new)
    elif len(ops) > 2:
        del ops[at]
    return Program(program.zaps, tuple(ops), program.schedule)


def mutate_schedule(schedule: Sequence[Switch], rng: random.Random) -> tuple[Switch, ...]:
    """A switch moved, taken out or put in."""
    switches = dict(schedule)
    step, thread = rng.choice(list(schedule))
    how = rng.random()
    if how < 0.7:
        del switches[step]
    if how < 0.4:
        switches[max(0, step + rng.randint(-6, 6))] = thread
    elif how >= 0.7:
        switches[rng.randint(0, step + 20)] = rng.choice(list(switches.values()))
    return tuple(Switch(*item) for item in sorted(switches.items()))


class Kind(NamedTuple):
    """A kind of programs: how one is drawn, how one is changed, and the thread that syncs, 0 if none does:
    then it also begins, now and then, and threads are stopped at points of all kinds."""

    draw: Callable[[random.Random], Program]
    change: Callable[[Program, random.Random], Program]
    sync_thread: int = 0


def any_program(rng: random.Random) -> Program:
    """On a fat ZAP, or about names."""
    return program_of_names(rng) if rng.random() < NAMES else random_program(rng)


WITHOUT_SYNC = Kind(any_program, mutate)


class ThreadFuzzer:
    """Runs programs until told to stop; the same seed runs the same programs. `policies` is `pct`, `random`
    or `mixed`, for the schedules after the first."""

    def __init__(
        self,
        target: ModelTarget,
        seed: int,
        *,
        policies: str = "mixed",
        keep: bool = True,
        kind: Kind = WITHOUT_SYNC,
    ) -> None:
        self.target = target
        self.kind = kind
        self.rng = random.Random(seed)
        self.preemption = Preemption(self.rng)
        self.policies = policies
        self.keep = keep
        self.kept: list[Program] = []
        self.seen: set[Hashable] = set()
        self.runs = 0

    def caught(self) -> Iterator[Caught | None]:
        """One item a run: a failure, or None."""
        start = time.perf_counter()
        while True:
            program = self._next_program()
            points, again = 60, False
            for policy in self._policies(program):
                if isinstance(policy, Pct):
                    policy = Pct(self.rng, policy.depth, points)
                watchers = (policy,) if isinstance(policy, Recording | Stops) else ()
                done = run_threads(program, self.target, policy=policy, watchers=watchers, share_audits=again)
                again = True
                if isinstance(policy, Stops):
                    policy.ended()
                points = max(done.points, 10)
                self.runs += 1
                if self.keep and done.outcome.limit is None:
                    self._consider(program, done.schedule)
                failure = done.outcome.failure
                if failure is None:
                    yield None
                    continue
                seconds = time.perf_counter() - start
                yield Caught(failure, with_schedule(program, done.schedule), self.runs, seconds)
                if failure.op >= 0 and not program.ops[failure.op].thread:
                    break  # the setup fails, so the schedule does not matter

    def _next_program(self) -> Program:
        rng = self.rng
        if not self.kept or rng.random() < 0.4:
            return self.kind.draw(rng)
        program = rng.choice(self.kept)
        for _ in range(rng.randint(1, 3)):
            changed = self.kind.change(program, rng)
            program = changed if has_threads(changed) else program
        return program

    def _policies(self, program: Program) -> Iterator[Policy]:
        runs = RUNS_EACH - 1
        if self.kind.sync_thread and self.policies == "mixed":
            yield from self._preempting(program)
            for _ in range(STOPPED_EACH):
                yield Stops(self.preemption, program.ops, self._fate_at)
            runs = OTHERS_EACH
        else:
            yield Replay(program.schedule)
        for place in range(runs):
            if self.policies == "random" or (self.policies == "mixed" and place % 2):
                yield RandomWalk(self.rng)
            else:
                yield Pct(self.rng, self.rng.choice(PCT_DEPTHS), 1)

    def _preempting(self, program: Program) -> Iterator[Policy]:
        """The schedule of the program, that in which the sync begins, and some that leave either at a
        point."""
        bases = [program.schedule, (Switch(0, self.kind.sync_thread),)]
        for before in bases:
            recording = Recording(Replay(before), self._fate_at)
            yield recording
            for schedule in self.preemption.schedules(program.ops, recording.points, before):
                yield Replay(schedule)

    def _fate_at(self, thing: object) -> Fate:
        return fate_of(self.target.objset, thing)

    def _consider(self, program: Program, schedule: tuple[Switch, ...]) -> None:
        """Keep a program whose run leaves the object in a shape, after as many switches, not met yet."""
        dnode = self.target.objset.dnodes.get(1)
        header = b"" if dnode is None else dnode.peek(0)
        feature = (header[_SHAPE], len(schedule))
        if feature in self.seen:
            return
        self.seen.add(feature)
        kept = with_schedule(program, schedule)
        if len(self.kept) < KEPT:
            self.kept.append(kept)
        else:
            self.kept[self.rng.randrange(KEPT)] = kept


def first_failure(
    fuzzer: ThreadFuzzer,
    *,
    wanted: Callable[[Failure], bool] = lambda failure: True,
    max_runs: int | None = None,
    max_seconds: float | None = None,
) -> Caught | None:
    """Fuzz until a wanted failure or a limit."""
    start = time.perf_counter()
    for caught in fuzzer.caught():
        if caught is not None and wanted(caught.failure):
            return caught
        if max_runs is not None and fuzzer.runs >= max_runs:
            return None
        if max_seconds is not None and time.perf_counter() - start > max_seconds:
            return None
    return None
