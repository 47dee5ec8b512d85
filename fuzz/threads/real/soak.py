"""Random programs with threads on the model and on the real library, side by side.

`soak` draws programs, gives each a random schedule, forces that schedule on the library, and compares
outcome, results and blocks with the model's. `zapfuzz soak` is what a user calls.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from fuzz.generate.whole_language import whole_language_program
from fuzz.language.program import Op, Program
from fuzz.language.verb_row import Subject
from fuzz.language.verb_sets import CONCURRENT
from fuzz.language.verbs import VERBS
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.minimize_schedule import with_schedule
from fuzz.threads.parallel_run import run_threads, unread, without_room
from fuzz.threads.programs_beside_sync import program_beside_sync
from fuzz.threads.programs_of_names import program_of_names
from fuzz.threads.real.compare_with_model import Compared, compare
from fuzz.threads.real.held_run import model_for
from fuzz.threads.real.held_target import HeldTarget
from fuzz.threads.scheduling_policies import Pct, RandomWalk
from fuzz.threads.thread_fuzzer import random_program

WORLD = ("txg", "txg", "finish", "sync", "evict")
MOST_BYTES = 250
"""Of a value: larger ones fit in no small leaf, and the table doubles without end (update-too-large)."""
PCT_POINTS = 80
_LEAVES = ("reopen", "move")
"""What ends the process, or the pool, in which threads are held."""


def world_moved(rng: random.Random) -> Program:
    """A program of the thread fuzzer; threads move txgs more often."""
    program = random_program(rng)
    ops = [
        Op(rng.choice(WORLD), thread=op.thread) if op.thread and rng.random() < 0.35 else op
        for op in program.ops
    ]
    return program.with_ops(ops)


def any_kind(rng: random.Random) -> Program:
    """Any ZAPs and verbs; the last ops are those of threads, before which reads fail no more, and there is
    room."""
    program = whole_language_program(rng)
    shift = program.zaps[0].leaf_shift
    zaps = tuple(zap._replace(leaf_shift=shift, usage=0, mos=False, inode=0) for zap in program.zaps)
    program = dataclasses.replace(program, zaps=zaps)
    ops = [
        op
        for op in program.ops
        if op.verb not in _LEAVES and not (op.verb in ("add", "update") and op.size * op.length > MOST_BYTES)
    ]
    cut = rng.randrange(len(ops) // 4, len(ops) + 1)
    tail = [op for op in ops[cut:] if op.verb in CONCURRENT][: rng.randrange(2, 9)]
    threads = rng.choice((2, 2, 2, 3))
    users: dict[str, int] = {}
    made = []
    for op in tail:
        thread = rng.randint(1, threads)
        if VERBS[op.verb].subject is Subject.CURSOR:  # a cursor belongs to one thread
            thread = users.setdefault(op.subject, thread)
        made.append(op._replace(thread=thread))
    heals = [Op("heal", name) for name in unread(ops[:cut])]
    heals += [Op("full", fill=0, extra=28)] * without_room(ops[:cut])
    return program.with_ops([*ops[:cut], *heals, *made])


Kind = Callable[[random.Random], Program]
KINDS: tuple[Kind, ...] = (random_program, world_moved, any_kind, program_of_names, program_of_names)
BESIDE_SYNC = (program_beside_sync,)


def scheduled(rng: random.Random, model: ModelTarget, kinds: Sequence[Kind] = KINDS) -> Program | None:
    """A random program with a random schedule; None where it runs into a limit."""
    program = rng.choice(kinds)(rng)
    policy = RandomWalk(rng) if rng.random() < 0.5 else Pct(rng, 3, PCT_POINTS)
    run = run_threads(program, model, policy=policy)
    return with_schedule(program, run.schedule) if run.outcome.limit is None else None


@dataclasses.dataclass
class Soaked:
    """What was done: `programs`, `turns` of threads and those `exact`, `switches`, `points` compared and
    programs that `differ`; and how often each outcome came."""

    count: Counter[str] = dataclasses.field(default_factory=Counter)
    outcomes: Counter[str] = dataclasses.field(default_factory=Counter)


def soak(
    real: HeldTarget,
    rng: random.Random,
    seconds: float,
    kinds: Sequence[Callable[[random.Random], Program]],
    soaked: Soaked,
) -> Iterator[tuple[Compared, Program]]:
    """Run random programs with threads for a time, and yield each difference and its program."""
    model = model_for(real)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        program = scheduled(rng, model, kinds)
        if program is None:
            continue
        compared = compare(program, real, model)
        run = compared.run
        soaked.outcomes[str(run.outcome)] += 1
        soaked.count.update(programs=1, turns=run.turns, exact=run.exact_turns, switches=len(run.forced))
        soaked.count.update(differ=bool(compared.difference), points=run.compared)
        if compared.difference:
            yield compared, program
