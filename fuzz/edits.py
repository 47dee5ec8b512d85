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
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Edit(NamedTuple):
    """`where` is module:function or module:Class.method, the module without its leading `zapcore.`; `old`
    occurs once in the function's source, blanks at the start of its lines not counted from the margin."""

    where: str
    old: str
    new: str


class EditProblem(Exception):
    """The model has changed and an edit fits no longer; the text says which and why."""


def _owner(edit: Edit) -> tuple[Any, Any, str]:
    """The module, what in it owns the function (the module or a class), and the function's name."""
    place, _, path = edit.where.partition(":")
    module = importlib.import_module(f"zapcore.{place}")
    *classes, name = path.split(".")
    owner: Any = module
    for each in classes:
        owner = getattr(owner, each)
    return module, owner, name


@functools.cache
def changed(edit: Edit) -> tuple[Callable[..., object], Callable[..., object]]:
    """The original function and the changed one. Raises EditProblem."""
    module, owner, name = _owner(edit)
    original = vars(owner).get(name)
    if original is None:
        raise EditProblem(f"{edit.where}: no such function")
    source = textwrap.dedent(inspect.getsource(original))
    if source.count(edit.old) != 1:
        raise EditProblem(f"{edit.where}: expected once, found {source.count(edit.old)} times: {edit.old!r}")
    scope: dict[str, Any] = {}
    text = "from __future__ import annotations\n" + source.replace(edit.old, edit.new)
    exec(compile(text, f"<edit of {edit.where}>", "exec"), vars(module), scope)
    return original, scope[name]


@contextlib.contextmanager
def applied(*edits: Edit) -> Iterator[None]:
    """The model with these changes, for as long as the context lasts. Raises EditProblem."""
    with contextlib.ExitStack() as undo:
        for edit in edits:
            original, new = changed(edit)
            _, owner, name = _owner(edit)
            for place in (owner, *_zapcore_modules()):
                for alias, value in list(vars(place).items()):
                    if value is original:
                        setattr(place, alias, new)
                        undo.callback(setattr, place, alias, original)
            if vars(owner)[name] is not new:
                raise EditProblem(f"{edit.where}: changed by another edit already")
        yield


def _zapcore_modules() -> Iterator[Any]:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "zapcore":
            yield module
