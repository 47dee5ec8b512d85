"""What all engines share: run one program, see how it ends, and report it to the process that watches.

A run goes on after a failure. The first failure of each signature is reported with its program, which is on
disk by then if the signature is not known; the others are only counted. Events are lines of JSON on one file
descriptor.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from fuzz.corpus.harvest import Harvest
from fuzz.engines.cut_before_known_failure import Steering
from fuzz.engines.engine_config import Config
from fuzz.engines.feedback.state_features import features
from fuzz.execution.execute import run
from fuzz.execution.result import Outcome, Result
from fuzz.faults.remedies import switched_on
from fuzz.judge.signature import Failure
from fuzz.language.printing import format_program
from fuzz.language.program import Op, Program, cannot_move, with_hash_bits
from fuzz.language.verb_sets import STEERING
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.registry import make_target

STATUS_SECONDS = 0.5
Observe = Callable[[int], None]


class Stopped(BaseException):
    """The run is over: its bound was reached, or it was told to stop."""


class Loop:
    """Runs programs for an engine. `observe` is called with every feature of the state after every op.

    The remedies of the run, and its mutant, are on for as long as the loop lives, in the whole process.
    """

    def __init__(self, config: Config, observe: Observe | None = None) -> None:
        self.config = config
        self._edits = contextlib.ExitStack()
        self._edits.enter_context(switched_on(config.remedies))
        if config.mutant:
            from fuzz.faults.seeded import applied

            self._edits.enter_context(applied(config.mutant))
        self.target = make_target(
            config.target,
            config.release,
            config.libzpool,
            small=True,
            against=config.against,
            valgrind=config.valgrind,
        )
        self.steering = Steering(self._is_known)
        self.scouts = False
        self.model = self._guide()
        self.executions = 0
        self.ops = 0
        self.limits = 0
        self.met: Counter[str] = Counter()
        self.ways: Counter[tuple[str, frozenset[str]]] = Counter()
        self.drawn: Counter[str] = Counter()
        self.brought: Counter[str] = Counter()
        self.harvest = Harvest(config.states, config.harvest)
        self.seen: set[int] = self.harvest.known()
        self.reached: set[int] = set()
        self.observe = observe
        self.runs = config.runs
        self.deadline = config.started + config.seconds if config.seconds else 0.0
        self.next_status = 0.0
        self.stopping = False
        self.before: Program | None = None
        signal.signal(signal.SIGTERM, self._stop)

    def _guide(self) -> ModelTarget:
        """The model whose states guide the run: the target, its half, or a scout that goes ahead of it."""
        target = self.target
        if isinstance(target, ModelTarget):
            return target
        for library in target.libraries:
            library.starts_anew = False
        from fuzz.targets.both import BothTarget

        if isinstance(target, BothTarget):
            target.trace, target.avoid = self._trace, self.steering.avoid
            return target.model
        scout = make_target("model", self.config.release, small=True)
        assert isinstance(scout, ModelTarget)
        self.scouts = True
        return scout

    def _stop(self, number: int, frame: object) -> None:
        self.stopping = True

    def execute(self, program: Program) -> Outcome:
        """Run a program, count it, report how it failed. Raises Stopped after the last one."""
        if self.config.hash_bits:
            program = with_hash_bits(program, self.config.hash_bits)
        self.reached.clear()
        if self.scouts:
            program = self.steering.cut(program, self.model, self._trace)
        trace = self._trace if self.target is self.model else None
        outcome = run(program, self.target, trace=trace, forgive=self._forgive, share_audits=True)
        self._note_edges()
        self.harvest.gather(program, self.reached - self.seen)
        self.seen |= self.reached
        self.executions += 1
        self.ops += outcome.ops
        self.limits += outcome.limit is not None
        if outcome.failure is not None:
            self.failed(self._culprit(program, outcome), outcome.failure)
        self.before = program
        self.tick()
        return outcome

    def _culprit(self, program: Program, outcome: Outcome) -> Program:
        """The program that caused a failure. If a real library dies before the first op of a program, and
        does not do so again when that program is run again, then it died of what the program before had left
        to be synced."""
        end, failure = outcome.ops, outcome.failure
        while 0 < end < len(program.ops) and program.ops[end - 1].thread and program.ops[end].thread:
            end += 1  # the other threads of the section have run beside it
        cut = program.with_ops(program.ops[:end])
        moves = (op.fill for op in cut.ops if op.verb == "move")
        if any(cannot_move(program, to) != cannot_move(cut, to) for to in moves):
            cut = program  # what comes behind has kept its pool where it is
        assert failure is not None
        if failure.op < 0 and self.before is not None and self.target is not self.model:
            again = run(cut, self.target).failure
            if again is None or again.signature.key != failure.signature.key:
                return self.before.with_ops((*self.before.ops, Op("sync")))
        return cut

    def _trace(self, index: int, op: Op, result: Result) -> None:
        for feature in features(self.model, op):
            self._feature(feature)

    def _note_edges(self) -> None:
        """The edges of C code that were taken for the first time, where a library counts them."""
        for library in self.target.libraries:
            for edge in library.counters.fresh() if library.counters is not None else ():
                self._feature(hash((8, edge)))

    def _feature(self, feature: int) -> None:
        # each feature is observed once an execution: how often it was there says little, and would fill
        # the corpus
        if feature not in self.reached:
            self.reached.add(feature)
            if self.observe is not None:
                self.observe(feature)

    def _is_known(self, text: str) -> bool:
        return text in self.met or text in self.config.known

    def _forgive(self, failure: Failure) -> bool:
        """Whether a program goes on after a failure: it does after a wrong answer that is known, since the
        world goes on as well."""
        text = str(failure.signature)
        if not self._is_known(text):
            return False
        self.met[text] += 1
        return True

    def failed(self, program: Program, failure: Failure) -> None:
        """Count a failure, and report it if it is the first one of its signature. If other forms of a failure
        are looked for, too, then report the first, second, fourth and so on of each way to get there."""
        text = str(failure.signature)
        self.met[text] += 1
        if self.config.forms:
            way = (text, frozenset(op.verb for op in program.ops).intersection(STEERING))
            self.ways[way] += 1
            count = self.ways[way]
            wanted = count & (count - 1) == 0
        else:
            wanted = self.met[text] == 1
        if wanted:
            self.send(
                "failure",
                program=format_program(program),
                signature=failure.signature,
                text=failure.text,
                op=failure.op,
                file=self.keep(program, text),
                executions=self.executions,
                seconds=time.monotonic() - self.config.started,
            )

    def keep(self, program: Program, text: str) -> str:
        """Put a program whose failure nobody knows on disk, whatever becomes of this process and the one that
        watches it. Returns the file; "" where there is none, which is for the watching one to mend."""
        if not self.config.out or text in self.config.known or text in self.config.kept:
            return ""
        from fuzz.corpus.unminimized import UNMINIMIZED, keep_whole

        try:
            return str(keep_whole(program, Path(self.config.out), UNMINIMIZED, text))
        except OSError:
            return ""

    def credit(self, made_by: Iterable[str], new: bool) -> None:
        """Count by what a program was drawn or changed (`style names`, `mutation swap`), and whether it has
        reached a state that none had reached before."""
        names = tuple(made_by)
        self.drawn.update(names)
        if new:
            self.brought.update(names)

    def tick(self) -> None:
        """Called between two programs: report now and then, and stop if it is time to."""
        now = time.monotonic()
        if now >= self.next_status:
            self.next_status = now + STATUS_SECONDS
            self.status()
        done = self.runs and self.executions >= self.runs
        if self.stopping or done or (self.deadline and now >= self.deadline):
            raise Stopped

    def status(self, event: str = "status") -> None:
        """Report how far the run is."""
        self.send(
            event,
            executions=self.executions,
            ops=self.ops,
            limits=self.limits,
            features=len(self.seen),
            met=dict(self.met),
            around=dict(self.steering.around),
            drawn=dict(self.drawn),
            brought=dict(self.brought),
        )

    def send(self, event: str, **fields: object) -> None:
        """Write one event. If nobody reads any more, the run is over."""
        line = json.dumps({"event": event, **fields}) + "\n"
        try:
            data = line.encode()
            while data:
                data = data[os.write(self.config.report, data) :]
        except BrokenPipeError:
            raise Stopped from None
