"""An op that does not end is a failure like any other.

They protect: that a loop of the model's is stopped and told as the real library's hangs are, that an engine
finds it, that minimizing keeps it, and that long programs are not mistaken for one.
"""

from __future__ import annotations

import subprocess
import sys
import time

from fuzz.bench.time_to_find import SEEDED, hunt
from fuzz.execution.execute import run
from fuzz.faults.seeded import applied
from fuzz.language.program import Op, Program, Zap
from fuzz.minimize.same_failure import minimize_failure
from fuzz.targets.endless_ops import TICK
from fuzz.targets.libzpool.process.message import read_silence
from fuzz.targets.model.target import ModelTarget

SEARCHES = Program(
    (Zap("z", hash64=True),),
    (Op("add", "z", b"a", 1, 1), Op("lookup", "z", b"a", 1, 1), Op("search", "z", fill=7), Op("sync")),
)


def test_a_loop_is_stopped_and_minimized() -> None:
    model = ModelTarget("2.3", block_limit=1 << 10)
    model.patience = 0
    assert run(SEARCHES, model).fine
    with applied("cursor-repeats"):
        failure = run(SEARCHES, model).failure
        assert failure is not None
        assert failure.signature.key == read_silence("", "search", 1).signature.key
        assert failure.signature.stack == ("zap_value_search",)
        small, outcome = minimize_failure(SEARCHES, failure, model)
        assert [op.verb for op in small.ops] == ["add", "search"]
        assert outcome.failure is not None and outcome.failure.signature == failure.signature
    assert run(SEARCHES, model).fine


def test_an_engine_gets_past_a_loop() -> None:
    bug = next(bug for bug in SEEDED if bug.name == "cursor-repeats")
    assert hunt(bug, "random", 2, 20).found


def test_long_programs_are_no_loops() -> None:
    """Ops that are the same object, one after the other, for longer than the patience."""
    model = ModelTarget("2.3", block_limit=1 << 10)
    model.patience = 1
    op = Op("lookup", "z", b"a", 1, 1)
    begun = time.process_time()
    while time.process_time() - begun < 6 * TICK:
        assert run(Program(SEARCHES.zaps, (op,) * 2000), model, judge=False).fine


def test_the_timer_ends_with_the_program() -> None:
    """An interpreter that takes long to end would be killed by it."""
    code = "from fuzz.targets.endless_ops import WATCH; WATCH.start(); "
    code += "big = [{n: [n]} for n in range(400_000)]"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
