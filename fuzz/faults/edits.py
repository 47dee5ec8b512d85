"""Changing one function of the model from outside, for mutants and remedies.

An edit names a function of zapcore, a piece of its text and what stands there instead. The changed function
is compiled in its own module and put wherever the original is known; leaving the context puts the original
back. The model's files stay what they are. Edits come from this project's own tables, never from input.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from types import FunctionType as Function
from typing import Any, NamedTuple, cast


class Edit(NamedTuple):
    """`where` is module:function or module:Class.method, the module without its leading `zapcore.`; `old`
    occurs once in the function's source, blanks at the start of its lines not counted from the margin."""

    where: str
    old: str
    new: str


class EditProblem(Exception):
    """The model has changed and an edit fits no longer; the text says which and why."""


def _owner(edit: Edit) -> tuple[Any, str]:
    """What owns the function (a module or a class), and the function's name."""
    place, _, path = edit.where.partition(":")
    *classes, name = path.split(".")
    owner: Any = importlib.import_module(f"zapcore.{place}")
    for each in classes:
        owner = getattr(owner, each)
    return owner, name


class _Changed(NamedTuple):
    """A function that is in use now, made of an original by edits."""

    original: Function
    edits: tuple[Edit, ...]


_in_use: dict[Function, _Changed] = {}


@functools.cache
def changed(original: Function, edits: tuple[Edit, ...]) -> Function:
    """The function with these edits of its text. Raises EditProblem where one does not fit."""
    source = textwrap.dedent(inspect.getsource(original))
    for where, old, new in edits:
        if source.count(old) != 1:
            raise EditProblem(f"{where}: expected once, found {source.count(old)} times: {old!r}")
        source = source.replace(old, new)
    scope: dict[str, Any] = {}
    code = compile("from __future__ import annotations\n" + source, f"<{edits[0].where}, edited>", "exec")
    exec(code, original.__globals__, scope)
    return cast("Function", scope[original.__name__])


@contextlib.contextmanager
def applied(*edits: Edit) -> Iterator[None]:
    """The model with these changes, for as long as the context lasts. Raises EditProblem.

    Contexts nest, also on one function; they must be left in the reverse order.
    """
    with contextlib.ExitStack() as undo:
        for edit in edits:
            owner, name = _owner(edit)
            now = vars(owner).get(name)
            if now is None:
                raise EditProblem(f"{edit.where}: no such function")
            original, before = _in_use.get(now, _Changed(now, ()))
            new = changed(original, (*before, edit))
            _in_use[new] = _Changed(original, (*before, edit))
            for place in (owner, *_modules("zapcore")):
                for alias, value in list(vars(place).items()):
                    if value is now:
                        setattr(place, alias, new)
                        undo.callback(setattr, place, alias, now)
        undo.callback(_forget_answers)
        _forget_answers()
        yield


def _modules(*roots: str) -> Iterator[Any]:
    for name, module in list(sys.modules.items()):
        if name.startswith(roots):
            yield module


def _forget_answers() -> None:
    """What one form of a function has computed and remembers is not an answer of another's. Caches without
    bound have tables, which no edit changes."""
    for module in _modules("zapcore.", "fuzz.judge."):
        for value in vars(module).values():
            if hasattr(value, "cache_clear") and value.cache_parameters()["maxsize"]:
                value.cache_clear()
