"""How soon an engine finds a bug: one process a seed, from an empty corpus, until it reports the bug or has
used up its CPU seconds.

The whole process counts: wall seconds and CPU seconds from its start, with imports and instrumentation.
Executions are what the engine itself had counted when it reported the bug. Hypothesis reports a bug only
after it has made the program smaller.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import os
import resource
import selectors
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

from fuzz.engines.engine_config import Config
from fuzz.execution.execute import run
from fuzz.faults.remedies import switched_on
from fuzz.faults.seeded import BESIDE_SYNC, CONCURRENT, MUTANTS
from fuzz.judge.signature import Failure, Signature
from fuzz.language.program import Program
from fuzz.language.syntax import parse
from fuzz.targets.base import Target
from fuzz.targets.registry import make_target

ENGINES: dict[str, dict[str, Any]] = {
    "atheris": {"engine": "atheris"},
    "plain bytes": {"engine": "atheris", "plain": True},
    "hypothesis": {"engine": "hypothesis"},
    "uniform": {"engine": "uniform"},
    "random": {"engine": "random"},
    "threads": {"engine": "threads"},
    "random schedules": {"engine": "threads", "plain": True},
    "sync": {"engine": "sync"},
}
"""The engines by the name that they have in the table, and what their configurations say. `random` has no
feedback and no corpus but draws programs as ours does; `uniform` draws every op alike. `threads` and `random
schedules` are for bugs that take threads, `sync` for those that take a txg that syncs beside them."""

FIRST = 4
"""If an engine has missed a bug at the first so many seeds, it is not asked for this bug again."""
PATIENCE = 10
"""Wall seconds that a process may take for each CPU second that it has."""

REMEDIES = (
    *("trunc-next-table", "cursor-block-type", "shrink-stale-shift", "free-through-dirty-indirect"),
    *("compare-lengths", "broken-names-differ"),
)
"""On while mutants are looked for: the real bugs of 2.3 that a mutant could be taken for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bug:
    """What is looked for: a real bug of a release, by its signature (kind, place, expression; `shortest` is
    the proven least number of ops, 0 where none is), or a mutant, which is found when a program fails with it
    and not so without. A mutant that only bytes show is looked for beside the real library. `takes` is the
    engine that it takes, if it takes threads."""

    name: str
    release: str
    key: tuple[str, str, str] | None = None
    shortest: int = 0
    mutant: str = ""
    remedies: tuple[str, ...] = ()
    target: str = "model"
    takes: str = ""
    hash_bits: int = 0

    def is_for(self, engine: str) -> bool:
        """Whether that engine can meet it at all."""
        kind = ENGINES[engine]["engine"]
        return self.takes == (kind if kind in ("threads", "sync") else "")


_MAGIC = "zap_leaf_phys(l)->l_hdr.lh_magic == ZAP_LEAF_MAGIC"
REAL = (
    Bug(
        "stale user data",
        "unfixed",
        ("assertion", "zap.c:zap_create_leaf", "NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)"),
        7,
    ),
    Bug("wrong free mark", "2.3", ("invariant", "zap:free-mark", "every block lies below the free mark"), 6),
    Bug(
        "use after free",
        "explicit-evict",
        ("use-after-free", "rwlock:rw_enter", "l->l_rwlock is not freed"),
        7,
    ),
)
"""The real bugs that take several steps in the right order; `--quick` hunts these."""

OTHERS = (
    Bug(
        "cursor on table",
        "2.3",
        ("assertion", "zap_leaf.c:zap_leaf_lookup_closest", _MAGIC),
        remedies=("trunc-next-table",),
    ),
    Bug("cursor after destroy", "2.1", ("assertion", "zap_leaf.c:zap_leaf_lookup_closest", _MAGIC)),
    Bug(
        "serialize after destroy",
        "2.3",
        ("assertion", "zap_micro.c:zap_cursor_serialize", "(zc->zc_hash & zap_maxcd(zc->zc_zap)) == 0"),
    ),
    Bug(
        "lookup widened",
        "2.3",
        ("oracle", "zap:lookup", "widened integers carry bytes of those before them"),
    ),
)
"""The other real bugs that show on the model by one thread."""

SEEDED = tuple(
    Bug(
        name,
        mutant.release,
        mutant=name,
        remedies=() if mutant.differential else REMEDIES,
        target="both" if mutant.differential else "model",
        hash_bits=mutant.hash_bits,
    )
    for name, mutant in MUTANTS.items()
)
"""The mutants."""

CONCURRENT_SEEDED = tuple(
    Bug(name, mutant.release, mutant=name, remedies=REMEDIES, takes="threads")
    for name, mutant in CONCURRENT.items()
)
"""The mutants that take threads."""

SYNC_SEEDED = tuple(
    Bug(name, mutant.release, mutant=name, remedies=REMEDIES, takes="sync")
    for name, mutant in BESIDE_SYNC.items()
)
"""The mutants that take a txg that syncs."""


@dataclasses.dataclass(frozen=True, slots=True)
class Hunt:
    """One seed: whether it was found, after how many executions, wall seconds and CPU seconds (until the cap
    where it was not), and the program and signature as reported."""

    bug: str
    engine: str
    seed: int
    found: bool
    executions: int
    seconds: float
    cpu: float
    program: Program | None = None
    signature: Signature | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """An engine and a bug over all seeds. Medians count a seed that found nothing as one that took the cap or
    longer; `spread` is the least and the most CPU seconds."""

    bug: str
    engine: str
    seeds: int
    found: int
    executions: float
    seconds: float
    cpu: float
    spread: tuple[float, float]

    @property
    def usually(self) -> bool:
        """Whether the medians are of seeds that found it."""
        return 2 * self.found > self.seeds


def hunt(bug: Bug, engine: str, seed: int, cap: float) -> Hunt:
    """Run one engine until it finds the bug, for at most `cap` CPU seconds, rounded up. Raises RuntimeError
    where the engine's process broke."""
    with tempfile.TemporaryDirectory(prefix="zapfuzz-bench-") as scratch:
        return _hunt(bug, engine, seed, cap, scratch)


def _hunt(bug: Bug, engine: str, seed: int, cap: float, scratch: str) -> Hunt:
    begun = time.monotonic()
    reports, end = os.pipe()
    corpus = os.path.join(scratch, "corpus")  # as `zapfuzz fuzz` has one
    os.mkdir(corpus)
    config = Config(
        release=bug.release,
        seed=seed,
        started=begun,
        forms=True,  # another failure of the same signature may be the one that is looked for
        remedies=bug.remedies,
        target=bug.target,
        mutant=bug.mutant,
        hash_bits=bug.hash_bits,
        corpus=corpus,
        report=end,
        **ENGINES[engine],
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "fuzz.engines.engine_process_main", config.to_json()],
        pass_fds=[end],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "TMPDIR": scratch},  # it is killed, and leaves its files
    )
    os.close(end)
    whole = math.ceil(cap)
    resource.prlimit(process.pid, resource.RLIMIT_CPU, (whole, resource.RLIM_INFINITY))
    executions = 0
    last: tuple[Program, Signature] | None = None
    try:
        for event in _events(reports, begun + PATIENCE * whole):
            executions = event["executions"]
            if event["event"] == "failure":
                signature = _signature(event["signature"])
                program = parse(event["program"], "<found>")
                if is_found(bug, program, signature):
                    last = program, signature
                    break
        seconds = time.monotonic() - begun
    finally:
        os.close(reports)
        os.kill(process.pid, signal.SIGKILL)  # Popen.kill() would wait, and forget what it used
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if last is None and process.returncode not in (-signal.SIGXCPU, -signal.SIGKILL):
        raise RuntimeError(f"{engine} on {bug.name}, seed {seed}: ended with status {process.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    return Hunt(bug.name, engine, seed, last is not None, executions, seconds, cpu, *(last or ()))


def _signature(fields: list[Any]) -> Signature:
    kind, place, expression, stack = fields
    return Signature(kind, place, expression, tuple(stack))


_one_at_a_time = threading.Lock()
"""Remedies are switched on for the whole process."""


def is_found(bug: Bug, program: Program, signature: Signature) -> bool:
    """Whether a failure, with which `program` ends, is the bug's. A mutant's is only what it causes: without
    it the same program comes to its end. One that meets a real bug or a bound before that shows nothing."""
    if bug.key is not None:
        return signature.key == bug.key
    if bug.target == "both" and signature.kind != "difference":
        return False

    def pass_by(failure: Failure) -> bool:
        return failure.signature.key != signature.key

    with _one_at_a_time, switched_on(bug.remedies):
        return run(program, _without_mutant(bug.target, bug.release), forgive=pass_by).fine


@functools.cache
def _without_mutant(kind: str, release: str) -> Target:
    """The same one each time: a real library is a process."""
    return make_target(kind, release, small=True)


def _events(descriptor: int, deadline: float) -> Iterator[dict[str, Any]]:
    """Events of an engine's process, until its end or the deadline."""
    waiting = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                return
            data = os.read(descriptor, 1 << 16)
            if not data:
                return
            *lines, waiting = (waiting + data).split(b"\n")
            yield from map(json.loads, lines)


def hunts(bugs: Iterable[Bug], caps: Mapping[str, float], seeds: int, jobs: int = 1) -> Iterator[Hunt]:
    """Every bug by every engine of `caps`, each seed for at most so many CPU seconds, `jobs` at a time.

    An engine that has missed a bug at more than half of the seeds, or at the first FIRST ones, is not asked
    again: its median is beyond the bound, or as good as surely. Whoever stops asking waits for the hunts that
    are under way.
    """
    stop = threading.Event()
    pool = ThreadPoolExecutor(jobs)
    wait = True
    try:
        waiting = [
            pool.submit(_seeds, bug, engine, caps, seeds, stop)
            for bug, engine in product(bugs, caps)
            if bug.is_for(engine)
        ]
        for each in waiting:
            yield from each.result()
    except (Exception, GeneratorExit):
        raise
    except BaseException:
        wait = False  # a signal: the process ends, and its hunts with it
        raise
    finally:
        stop.set()
        pool.shutdown(wait=wait, cancel_futures=True)


def _seeds(bug: Bug, engine: str, caps: Mapping[str, float], seeds: int, stop: threading.Event) -> list[Hunt]:
    done: list[Hunt] = []
    for seed in range(1, seeds + 1):
        if stop.is_set():
            break
        try:
            done.append(hunt(bug, engine, seed, caps[engine]))
        except RuntimeError:  # a real library that hangs on a busy machine; not twice
            done.append(hunt(bug, engine, seed, caps[engine]))
        missed = sum(not each.found for each in done)
        if 2 * missed > seeds or missed == seed == FIRST:
            break
    return done


def rows(all_: Sequence[Hunt]) -> list[Row]:
    """The hunts of each bug and engine together."""
    groups: dict[tuple[str, str], list[Hunt]] = {}
    for each in all_:
        groups.setdefault((each.bug, each.engine), []).append(each)
    return [_row(*name, group) for name, group in groups.items()]


def _row(bug: str, engine: str, group: list[Hunt]) -> Row:
    # what was not found would have taken longer than any that was
    ranked = sorted(group, key=lambda each: (not each.found, each.cpu))
    middle = ranked[(len(ranked) - 1) // 2 : len(ranked) // 2 + 1]
    cpus = [each.cpu for each in group]
    by_count = sorted(group, key=lambda each: (not each.found, each.executions))
    counts = by_count[(len(group) - 1) // 2 : len(group) // 2 + 1]
    return Row(
        bug,
        engine,
        len(group),
        sum(each.found for each in group),
        statistics.mean(each.executions for each in counts),
        statistics.mean(each.seconds for each in middle),
        statistics.mean(each.cpu for each in middle),
        (min(cpus), max(cpus)),
    )


def totals(all_: Sequence[Row]) -> dict[str, tuple[float, int]]:
    """For each engine the sum of its median CPU seconds over all bugs, and how many of them it did not find
    in most seeds (the sum counts what they took until the cap, so it is a lower bound)."""
    found: dict[str, tuple[float, int]] = {}
    for row in all_:
        cpu, missed = found.get(row.engine, (0.0, 0))
        found[row.engine] = (cpu + row.cpu, missed + (not row.usually))
    return found
