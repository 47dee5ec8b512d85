"""Puts Atheris's instrumentation into functions that are imported and have run already.

So a run begins at full speed and is instrumented later, and nothing has to be imported a second time.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import FunctionType, ModuleType

from atheris.instrument_bytecode import patch_code

from zapcore.errors import code_replaced
from zapcore.zap import cursor, fat, micro, ptrtbl, shrink

MODULES = (fat, shrink, ptrtbl, cursor, micro)
"""The modules that decide the shape of an object. All others are not instrumented: a branch takes several
times as long with it, and what those modules do shows in the features of
`fuzz.engines.feedback.state_features`."""


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions and methods that a module defines."""
    for value in list(vars(module).values()):
        if getattr(value, "__module__", "") != module.__name__:
            continue
        for member in vars(value).values() if inspect.isclass(value) else (value,):
            found = getattr(member, "fget", None) or getattr(member, "__func__", member)
            if isinstance(found, FunctionType) and found.__module__ == module.__name__:
                yield found


def instrument() -> None:
    """From now on, report to libFuzzer every edge that is taken in MODULES, and the integers that are
    compared there."""
    for module in MODULES:
        for function in _functions(module):
            code_replaced(function, patch_code(function.__code__, trace_dataflow=True))
