"""Atheris's instrumentation, put into functions that have run already.

So nothing waits for it: a run begins at full speed, and what it met is not imported twice.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import FunctionType, ModuleType

from atheris.instrument_bytecode import patch_code

from zapcore.errors import code_replaced
from zapcore.zap import cursor, fat, micro, ptrtbl, shrink

MODULES = (fat, shrink, ptrtbl, cursor, micro)
"""What decides the shape of an object. Everything else runs plain: an instrumented branch costs as much as
several plain ones, and what the others do shows in the features of `fuzz.engines.features`."""


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
    """From here on libFuzzer hears of every edge in MODULES and of the integers that are compared there."""
    for module in MODULES:
        for function in _functions(module):
            code_replaced(function, patch_code(function.__code__, trace_dataflow=True))
