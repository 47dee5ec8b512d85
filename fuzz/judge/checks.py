"""The table of checks: for each verb, the function that holds an answer against the state, and changes the
state as the op has changed the ZAP. The files of the families fill it when they are imported."""

from __future__ import annotations

from collections.abc import Callable

from fuzz.execution.result import Result
from fuzz.judge.state import State
from fuzz.judge.wrong_answers import Wrong
from fuzz.language.by_verb import ByVerb
from fuzz.language.program import Op

Check = Callable[[State, Op, Result], Wrong | None]
"""Says what is wrong with the answer of an op; None if nothing is."""

CHECKS: ByVerb[Check] = ByVerb("the oracle")
"""Complete once `fuzz.judge.oracle` is imported."""
