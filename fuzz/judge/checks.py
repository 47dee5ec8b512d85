"""The table of checks: for each verb, the function that holds an answer against the state, and changes the
state as the op has changed the ZAP. The files of the families fill it when they are imported.

An op that is several calls of the ZAP is judged call by call, because between two of them those of other
threads may come (`fuzz.threads.linearizability`). Its check is a generator: it stops after each call, and
ends with what is wrong. Without threads it is run to its end at once."""

from __future__ import annotations

from collections.abc import Callable, Generator

from fuzz.execution.result import Result
from fuzz.judge.state import State
from fuzz.judge.wrong_answers import Wrong
from fuzz.language.by_verb import ByVerb
from fuzz.language.program import Op

Check = Callable[[State, Op, Result], Wrong | None]
"""Says what is wrong with the answer of an op; None if nothing is."""

CHECKS: ByVerb[Check] = ByVerb("the oracle")
"""Complete once `fuzz.judge.oracle` is imported."""

Stepwise = Generator[None, None, Wrong | None]
Steps = Callable[[State, Op, Result], Stepwise]
STEPS: dict[str, Steps] = {}
"""The checks of verbs that are several calls."""


def in_steps(*verbs: str) -> Callable[[Steps], Steps]:
    """Register the generator below for these verbs, and as their check."""

    def register(steps: Steps) -> Steps:
        @CHECKS.of(*verbs)
        def at_once(state: State, op: Op, result: Result) -> Wrong | None:
            return to_the_end(steps(state, op, result))

        STEPS.update(dict.fromkeys(verbs, steps))
        return steps

    return register


def to_the_end(stepwise: Stepwise) -> Wrong | None:
    """All calls, one after the other."""
    try:
        while True:
            next(stepwise)
    except StopIteration as ended:
        wrong: Wrong | None = ended.value
        return wrong
