"""One thing whose speed is measured, in a process of its own: `python -m fuzz.bench.speed_lane KIND RELEASE`.

Batches of programs come over standard input, pickled. For each batch, the wall and CPU seconds that it took
go back as JSON. All lanes get the same batches of new programs. These are made in another process, so that no
cache knows them yet. Nothing of zapcore may be imported before a lane has instrumented it.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from fuzz.execution.result import Result
    from fuzz.language.program import Op, Program

EMPTY_RUNS = 20_000
"""Executions of the empty target that are one batch."""


class Pipe:
    """Batches come in, and seconds go out. What libraries print goes to standard error."""

    def __init__(self) -> None:
        self._in: BinaryIO = sys.stdin.buffer
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def batch(self) -> list[Program] | None:
        """The next batch; None at the end."""
        try:
            programs: list[Program] = pickle.load(self._in)
        except EOFError:
            return None
        return programs

    def answer(self, begun: tuple[float, float]) -> None:
        """The batch that began at these clocks is done."""
        took = [now - then for now, then in zip(clocks(), begun, strict=True)]
        self._out.write(json.dumps(took) + "\n")
        self._out.flush()


def clocks() -> tuple[float, float]:
    """Wall seconds, and this thread's CPU seconds: the process's move in ticks while the model's watch looks
    at them."""
    return time.perf_counter(), time.thread_time()


def _serve(pipe: Pipe, run_all: Callable[[list[Program]], object]) -> None:
    while (programs := pipe.batch()) is not None:
        begun = clocks()
        run_all(programs)
        pipe.answer(begun)


def _model(release: str, judge: bool) -> Callable[[Program], object]:
    from fuzz.execution.execute import run
    from fuzz.targets.registry import make_target

    target = make_target("model", release, small=True)
    return lambda program: run(program, target, judge=judge, share_audits=True)


def _model_lane(judge: bool) -> Callable[[Pipe, str], None]:
    def serve(pipe: Pipe, release: str) -> None:
        one = _model(release, judge)
        _serve(pipe, lambda programs: [one(program) for program in programs])

    return serve


def _libzpool(pipe: Pipe, release: str) -> None:
    from fuzz.targets.libzpool import LibzpoolTarget

    with LibzpoolTarget(release) as target:
        _serve(pipe, lambda programs: list(target.run_many(programs)))


def _fuzz(target: Callable[[bytes], None]) -> None:
    import atheris

    atheris.Setup([sys.argv[0], "-rss_limit_mb=2048", "-seed=1", "-max_len=64"], target)
    atheris.Fuzz()


def _atheris_lane(judge: bool) -> Callable[[Pipe, str], None]:
    """The model, instrumented as the engine has it; each execution of libFuzzer is the next program of the
    batch. Judged, the features of the state are observed too, as they are when it fuzzes."""

    def serve(pipe: Pipe, release: str) -> None:
        from fuzz.engines.feedback.atheris_instrumentation import instrument
        from fuzz.engines.feedback.libfuzzer_counters import reserve
        from fuzz.engines.feedback.state_features import features
        from fuzz.execution.execute import run
        from fuzz.targets.model.target import ModelTarget
        from fuzz.targets.registry import make_target

        instrument()
        observe = reserve()
        model = make_target("model", release, small=True)
        assert isinstance(model, ModelTarget)

        def trace(index: int, op: Op, result: Result) -> None:
            for feature in features(model, op):
                observe(feature)

        waiting: list[Program] = []
        begun: tuple[float, float] | None = None

        def target(data: bytes) -> None:
            nonlocal begun
            if not waiting:
                if begun is not None:
                    pipe.answer(begun)
                batch = pipe.batch()
                if batch is None:
                    os._exit(0)
                waiting.extend(reversed(batch))
                begun = clocks()
            run(waiting.pop(), model, judge=judge, trace=trace if judge else None, share_audits=True)

        _fuzz(target)

    return serve


def _empty(pipe: Pipe, release: str) -> None:
    """An Atheris target that does nothing; a batch is EMPTY_RUNS executions, whatever it holds."""
    left = 0
    begun: tuple[float, float] | None = None

    def target(data: bytes) -> None:
        nonlocal left, begun
        left -= 1
        if left <= 0:
            if begun is not None:
                pipe.answer(begun)
            if pipe.batch() is None:
                os._exit(0)
            left = EMPTY_RUNS
            begun = clocks()

    _fuzz(target)


LANES: dict[str, Callable[[Pipe, str], Any]] = {
    "model plain": _model_lane(False),
    "model judged": _model_lane(True),
    "atheris plain": _atheris_lane(False),
    "atheris judged": _atheris_lane(True),
    "libzpool": _libzpool,
    "atheris empty": _empty,
}
"""What can be measured, by name."""


if __name__ == "__main__":
    LANES[sys.argv[1]](Pipe(), sys.argv[2])
