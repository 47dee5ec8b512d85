"""Hypothesis: a rule-based state machine over the same ops, judged op by op.

Bundles hold the keys that were added, so that removes and lookups meet them. A run that fails becomes a
program as every other engine reports it. Hypothesis has shrunk it by then, and our minimizer goes on from
there; until then the program is on disk as it was met.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from fuzz.corpus import places
from fuzz.engines.engine_config import Config
from fuzz.engines.engine_loop import Loop, Stopped
from fuzz.engines.seeds import seed_programs
from fuzz.execution.execute import judge_op
from fuzz.execution.result import Outcome
from fuzz.generate.leaf_programs import Theme, near_keys, op_of, random_zap, sizes_that_matter
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Failure
from fuzz.language.program import Key, Op, Program, Zap
from fuzz.language.verb_sets import FOR_THREADS
from fuzz.language.verbs import VERBS
from fuzz.targets.base import Target
from zapcore.errors import LimitExceeded

ZAP = "z"
STEPS = 50
EXAMPLES = 200
CURSORS = st.sampled_from(("c", "d"))
_WITH_RULES = {"add", "remove", "update", "lookup", "length", "count", "txg", "finish", "sync", "evict"}
_WITH_RULES |= {"cursor", "next", "retrieve", "close"}
OTHERS = tuple(verb for verb in VERBS if verb not in _WITH_RULES | FOR_THREADS)
"""Verbs that one rule draws from, as the random generator makes them."""


Met = Callable[[Program, Failure], None]
"""Told of each example that fails in a way that is not known, before Hypothesis shrinks it."""


class FoundFailure(Exception):
    """Carries a failure through Hypothesis, which sets attributes of the exceptions that it handles."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.signature))
        self.failure = failure


class ZapMachine(RuleBasedStateMachine):
    """One ZAP, a few keys that lie near each other, two value lengths. Subclasses say on which target.

    `program` is what was run so far. `known` holds signatures as text: an example that meets one of them ends
    there, and is no failure. `met` is told of the others.
    """

    target: Target
    known: frozenset[str] = frozenset()
    met: Met | None = None

    absent = Bundle("absent")
    present = Bundle("present")

    def __init__(self) -> None:
        super().__init__()
        self.zap = Zap(ZAP)
        self.ops: list[Op] = []
        self.oracle: Oracle | None = None
        self.outcome: Outcome | None = None
        self.lengths: tuple[int, ...] = (1,)
        self.keys: list[Key] = []

    @property
    def program(self) -> Program:
        """Header and ops of this example."""
        return Program((self.zap,), tuple(self.ops))

    @initialize(target=absent, number=st.integers(0, (1 << 32) - 1))
    def create(self, number: int) -> Any:
        """Draw a header line, keys and lengths as the random generator does."""
        rng = Random(number)
        self.zap = random_zap(rng, ZAP, 10)
        self.lengths = tuple(sizes_that_matter(self.zap, rng) for _ in range(2))
        header = Program((self.zap,), ())
        self.oracle = Oracle(header, self.target.release)
        try:
            self.target.begin(header)
        except LimitExceeded as limit:
            self.outcome = Outcome(None, str(limit), 0)
        self.keys = list(dict.fromkeys(near_keys(self.zap, rng.choice((2, 3, 4, 6)), rng)))
        return multiple(*self.keys)

    def step(self, op: Op) -> None:
        """Run one op, judged, unless this example is over. Raises FoundFailure for what is not known."""
        if self.oracle is None or self.outcome is not None:
            return
        self.ops.append(op)
        try:
            judge_op(op, self.target, self.oracle)
        except LimitExceeded as limit:
            self.outcome = Outcome(None, str(limit), len(self.ops))
        except Failure as failure:
            failure = Failure(failure.signature, failure.text, len(self.ops) - 1)
            if failure.signature.kind == "oracle" and str(failure.signature) in self.known:
                return
            self.outcome = Outcome(failure, None, len(self.ops))
            if str(failure.signature) not in self.known:
                if self.met is not None:
                    self.met(self.program, failure)
                raise FoundFailure(failure) from None

    @rule(target=present, key=consumes(absent), which=st.integers(0, 1))
    def add(self, key: Key, which: int) -> Key:
        """Add a key that is not there."""
        self.step(Op("add", ZAP, key, 1, self.lengths[which]))
        return key

    @rule(target=absent, key=consumes(present))
    def remove(self, key: Key) -> Key:
        """Remove a key that is there."""
        self.step(Op("remove", ZAP, key))
        return key

    @rule(verb=st.sampled_from(("add", "remove")))
    def all(self, verb: str) -> None:
        """Add or remove every key, whether it is there or not. After that the bundles may be wrong about a
        key, and Hypothesis only guesses which keys are there."""
        for key in self.keys:
            self.step(Op(verb, ZAP, key, *((1, self.lengths[0]) if verb == "add" else ())))

    @rule(key=present, which=st.integers(0, 1))
    def update(self, key: Key, which: int) -> None:
        """Give a key another value."""
        self.step(Op("update", ZAP, key, 1, self.lengths[which], 7))

    @rule(key=st.one_of(present, absent))
    def look(self, key: Key) -> None:
        """Look up a key that may or may not be there."""
        self.step(Op("lookup", ZAP, key, 1, 8192))
        self.step(Op("length", ZAP, key))

    @rule(verb=st.sampled_from(("txg", "txg", "finish", "sync", "evict")))
    def time(self, verb: str) -> None:
        """Let time pass."""
        self.step(Op(verb))

    @rule(cursor=CURSORS)
    def open(self, cursor: str) -> None:
        """Open a cursor and ask for its first entry."""
        self.step(Op("cursor", cursor, other=ZAP))
        self.step(Op("next", cursor))

    @rule(cursor=CURSORS, verb=st.sampled_from(("next", "next", "retrieve", "close")))
    def walk(self, cursor: str, verb: str) -> None:
        """Use a cursor that may or may not be open."""
        self.step(Op(verb, cursor))

    @rule()
    def count(self) -> None:
        """Count the entries."""
        self.step(Op("count", ZAP))

    @rule(verb=st.sampled_from(OTHERS), number=st.integers(0, (1 << 32) - 1))
    def another(self, verb: str, number: int) -> None:
        """Any other verb on the same keys."""
        about = Theme({ZAP: self.zap}, {ZAP: self.keys}, {ZAP: list(self.lengths)}, [], [])
        self.step(op_of(Random(number), verb, about))

    def teardown(self) -> None:
        """Let go of the world."""
        self.target.end()


def find_failure(
    target: Target, number: int, *, known: frozenset[str] = frozenset(), examples: int = EXAMPLES
) -> tuple[Program, Failure] | None:
    """Let Hypothesis search once for a failure that is not known. Returns the shrunk program and the failure,
    or None."""
    for program, failure in _search(target, number, known, examples, lambda machine: None):
        return program, failure
    return None


def _search(
    target: Target, number: int, known: frozenset[str], examples: int, after: Any, met: Met | None = None
) -> Iterator[tuple[Program, Failure]]:
    last: list[ZapMachine] = []

    class Machine(ZapMachine):
        def __init__(self) -> None:
            super().__init__()
            self.target = target
            self.known = known
            self.met = met
            last[:] = [self]

        def teardown(self) -> None:
            super().teardown()
            after(self)

    config = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    try:
        run_state_machine_as_test(seed(number)(Machine), settings=config)
    except FoundFailure as found:
        # Hypothesis runs the smallest failing example last
        yield last[0].program, found.failure


class Shrinking:
    """Failures that Hypothesis is shrinking: each is on disk as it was met first."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.first: dict[str, tuple[Program, Failure, str]] = {}

    def met(self, program: Program, failure: Failure) -> None:
        """An example fails."""
        text = str(failure.signature)
        if text not in self.first:
            self.first[text] = program, failure, self.loop.keep(program, text)

    def shrunk(self, program: Program, failure: Failure) -> None:
        """What is left of it: that is reported instead."""
        self.loop.failed(program, failure)
        first, _, file = self.first.pop(str(failure.signature), (program, failure, ""))
        if file and first != program:
            Path(file).unlink(missing_ok=True)

    def left(self) -> None:
        """The run is over: what was not shrunk to the end is reported as it was met."""
        for program, failure, _ in self.first.values():
            self.loop.failed(program, failure)


def main(config: Config) -> None:
    """Search again and again until the bound, each time from another seed."""
    set_hypothesis_home_dir(places.cache() / "hypothesis")  # by default it is in whatever folder this is
    loop = Loop(config)
    shrinking = Shrinking(loop)
    try:
        for program in seed_programs(config):
            loop.execute(program)
        for number in range(config.seed, 1 << 62):
            known = frozenset(config.known) | frozenset(loop.met)
            search = _search(loop.target, number, known, EXAMPLES, _counter(loop), shrinking.met)
            for program, failure in search:
                shrinking.shrunk(program, failure)
    except Stopped:
        with contextlib.suppress(Stopped):
            shrinking.left()
        loop.status("done")


def _counter(loop: Loop) -> Any:
    """A function that counts an example as an execution, and counts the known failure that it met, if any."""

    def after(machine: ZapMachine) -> None:
        loop.executions += 1
        loop.ops += len(machine.ops)
        outcome = machine.outcome
        if outcome is not None and outcome.failure is not None:
            text = str(outcome.failure.signature)
            if text in machine.known:
                loop.met[text] += 1
        loop.tick()

    return after
