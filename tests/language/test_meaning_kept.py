"""Protects what must not change: a stored input is the program that it was, and a seed gives the same work.

Every part is a digest over what a fixed set of inputs gives. Only a change that is meant to change the
meaning may change a digest: a new style of drawing moves `drawn` and what follows from it, and nothing may
ever move `stored`. `python -m tests.language.test_meaning_kept tests/data/meaning.json` takes them anew.
"""

from __future__ import annotations

import hashlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from random import Random

import pytest

from fuzz.engines import random_engine, threads_engine, uniform_engine
from fuzz.engines.engine_config import Config
from fuzz.engines.engine_loop import Loop
from fuzz.engines.feedback.state_features import features
from fuzz.execution.execute import run
from fuzz.execution.result import Outcome, Result
from fuzz.generate.mutation import mutate, splice
from fuzz.generate.styles import STYLES
from fuzz.judge.signature import Failure
from fuzz.language.byteform import decode, encode
from fuzz.language.printing import format_program
from fuzz.language.program import Op, Program
from fuzz.language.syntax import load
from fuzz.minimize.same_failure import minimize_failure
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.registry import make_target
from fuzz.threads import parallel_run, thread_fuzzer
from fuzz.threads.minimize_schedule import with_schedule
from fuzz.threads.scheduler import Watcher
from fuzz.threads.scheduling_policies import Policy
from tests.support.cases import only_now
from tests.support.paths import CORPUS, DATA
from zapcore.release import RELEASES


def digest(things: Iterable[object]) -> str:
    """Sixteen digits that any difference changes."""
    hashed = hashlib.sha256()
    for thing in things:
        hashed.update(repr(thing).encode() + b"\0")
    return hashed.hexdigest()[:16]


def plain(thing: object) -> object:
    """Named tuples without their names, which may change."""
    return tuple(map(plain, thing)) if isinstance(thing, tuple) else thing


def model(release: str) -> ModelTarget:
    """A small model, as engines have it."""
    target = make_target("model", release, small=True)
    assert isinstance(target, ModelTarget)
    return target


@cache
def drawn_programs() -> list[Program]:
    """What every style draws."""
    guide = model("2.3")
    return [draw(Random(1000 + number), guide) for _, draw in STYLES.values() for number in range(120)]


def decoded() -> Iterator[str]:
    """Random bytes as programs."""
    for number in range(6000):
        rng = Random(number)
        yield format_program(decode(rng.randbytes(rng.choice((0, 1, 3, 8, 40, 120, 400)))))


def mutated() -> Iterator[str]:
    rng, programs = Random(5), drawn_programs()
    for place, program in enumerate(programs[:500]):
        changed = mutate(program, rng)
        yield format_program(changed)
        yield format_program(splice(changed, programs[-place - 1], rng))


def threaded() -> Iterator[str]:
    """Programs with threads, drawn and mutated."""
    rng = Random(6)
    for _ in range(300):
        program = thread_fuzzer.random_program(rng)
        yield format_program(program)
        yield format_program(thread_fuzzer.mutate(program, rng))


def ran(release: str) -> Iterator[object]:
    """Every result, every feature that guides an engine, and how each program ends."""
    target = model(release)
    for program in drawn_programs()[::6]:
        steps: list[object] = []

        def note(index: int, op: Op, result: Result, steps: list[object] = steps) -> None:
            steps.append((plain(result), sorted(features(target, op))))

        outcome = run(program, target, trace=note)
        yield (str(outcome), outcome.ops, _told(outcome.failure), steps)


def _told(failure: Failure | None) -> object:
    return failure and (plain(failure.signature), failure.text)


def minimized() -> Iterator[str]:
    """What the first failures on a release with a bug come down to."""
    target = model("unfixed")
    left = 4
    for program in drawn_programs():
        outcome = run(program, target, share_audits=True)
        if outcome.failure is not None:
            small, _ = minimize_failure(program.with_ops(program.ops[: outcome.ops]), outcome.failure, target)
            yield format_program(small)
            left -= 1
            if not left:
                return


def executed(engine: str) -> list[str]:
    """What an engine without libFuzzer runs from a seed on; of one with threads also the schedules."""
    programs: list[str] = []

    def record(program: Program) -> None:
        programs.append(format_program(program))

    def execute(loop: Loop, program: Program) -> Outcome:
        record(program)
        return real_execute(loop, program)

    def run_threads(
        program: Program,
        target: ModelTarget,
        *,
        policy: Policy,
        watchers: tuple[Watcher, ...],
        share_audits: bool,
    ) -> parallel_run.ThreadRun:
        done = real_run_threads(program, target, policy=policy, watchers=watchers, share_audits=share_audits)
        record(with_schedule(program, done.schedule))
        return done

    real_execute, real_run_threads = Loop.execute, parallel_run.run_threads
    before = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loop, "execute", execute)
        patch.setattr(thread_fuzzer, "run_threads", run_threads)
        ENGINES[engine](Config(engine, "2.3", seed=7, runs=60, started=time.monotonic()))
    signal.signal(signal.SIGTERM, before)
    return programs


ENGINES: dict[str, Callable[[Config], None]] = {
    "random": random_engine.main,
    "uniform": uniform_engine.main,
    "threads": threads_engine.main,
}


def stored(path: Path) -> Iterator[object]:
    """A program of the corpus: its bytes and its text; what is said about it may change."""
    program = load(path)
    program = Program(program.zaps, program.ops, program.schedule)
    yield encode(program)
    yield format_program(program)


PARTS: dict[str, Callable[[], Iterable[object]]] = {
    "decoded": decoded,
    "drawn": lambda: map(format_program, drawn_programs()),
    "encoded": lambda: map(encode, drawn_programs()),
    "mutated": mutated,
    "threaded": threaded,
    "minimized": minimized,
    **{f"ran on {release}": lambda release=release: ran(release) for release in RELEASES},  # type: ignore[misc]
    **{f"executed by {engine}": lambda engine=engine: executed(engine) for engine in ENGINES},  # type: ignore[misc]
}


def names_of_programs() -> list[str]:
    """The programs of the corpus, by their place in it."""
    return sorted(str(path.relative_to(CORPUS)) for path in CORPUS.rglob("*.zap"))


EXPECTED = json.loads((DATA / "meaning.json").read_text())


SLOW_PARTS = {
    "minimized",
    "ran on 2.3",
    "ran on explicit-evict",
    "ran on master",
    "ran on unfixed",
}
"""Left to the slow tests: what takes seconds, and releases that differ from two others in a line or two."""


@only_now("part", PARTS.keys() - SLOW_PARTS, PARTS)
def test_the_same_inputs_give_the_same(part: str) -> None:
    assert digest(PARTS[part]()) == EXPECTED["parts"][part]


@pytest.mark.parametrize("name", EXPECTED["stored"])
def test_a_stored_program_is_what_it_was(name: str) -> None:
    """Those that were there when the digests were taken; a newer one is added with the next."""
    assert digest(stored(CORPUS / name)) == EXPECTED["stored"][name]


if __name__ == "__main__":
    made = {
        "parts": {name: digest(make()) for name, make in PARTS.items()},
        "stored": {name: digest(stored(CORPUS / name)) for name in names_of_programs()},
    }
    Path(sys.argv[1]).write_text(json.dumps(made, indent=1) + "\n")
