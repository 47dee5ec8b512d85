"""How the model says no: errno results and panics.

An errno is an ordinary answer of the ZAP and is raised as `ZapErrno`. A panic is a failed VERIFY or ASSERT
of OpenZFS (or what a kernel would die of instead: a freed structure touched, a lock waited for for ever) and
ends the world that raised it. Nothing here knows the DMU or the ZAP.
"""

from __future__ import annotations

import enum
import errno
import re
import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType
from typing import NamedTuple, NoReturn, TypeVar

F = TypeVar("F", bound=Callable[..., object])


def errno_name(code: int) -> str:
    """The name of an errno, "success" for 0, and the number itself where the system has no errno of it."""
    return errno.errorcode.get(code, str(code)) if code else "success"


class ZapErrno(Exception):
    """An operation's ordinary errno result (`errno.ENOENT`, ...), as the OpenZFS function returns it."""

    def __init__(self, code: int) -> None:
        # BaseException.__new__() has taken the arguments already: every third op of a program raises one
        self.code = code


class LimitExceeded(Exception):
    """The program asks for more memory or time than its bounds allow; neither a result nor a panic.

    `full_leaf` is how many bits the hashes in a leaf share that was to be split and is as deep as the pointer
    table, which had to grow for it; None where something else met the limit.
    """

    full_leaf: int | None = None


class Kind(enum.StrEnum):
    """What ended a run."""

    ASSERTION = "assertion"
    USE_AFTER_FREE = "use-after-free"
    DEADLOCK = "deadlock"
    INVARIANT = "invariant"
    TYPE_CONFUSION = "type-confusion"
    """A structure is taken for another one: what real code does then is undefined."""
    STALE_BYTES = "stale-bytes"
    """What goes on depends on bytes that nobody wrote: real code goes on with them, the model cannot."""


class Panic(Exception):
    """The model's world has ended.

    `place` is file:function of OpenZFS, `expression` the asserted text as the real macro prints it, `values`
    the two sides where the macro shows them, `stack` OpenZFS's function names, innermost first; `detail` says
    for a failed invariant what was found where.
    """

    def __init__(
        self,
        kind: Kind,
        place: str,
        expression: str,
        *,
        macro: str = "VERIFY",
        values: tuple[str, str] | None = None,
        line: int = 0,
        operator: str = "==",
        detail: str = "",
    ) -> None:
        super().__init__(f"{kind}: {place}: {detail or expression}")
        self.detail = detail
        self.kind = kind
        self.place = place
        self.expression = expression
        self.macro = macro
        self.values = values
        self.operator = operator
        self.line = line
        self.stack = openzfs_stack()

    def kernel_text(self) -> str:
        """The panic as Linux prints it: the failed macro, the place, the call trace."""
        file, _, function = self.place.partition(":")
        # spl/sys/debug.h: an ASSERT is a VERIFY, and of VERIFY3U and its kin the letter is not printed
        macro = re.sub(r"(VERIFY3)[A-Z]$", r"\1", self.macro.replace("ASSERT", "VERIFY"))
        head = f"{macro}({self.expression}) failed"
        if self.values is not None:
            head += f" ({self.values[0]} {self.operator} {self.values[1]})"
        if self.macro == "PANIC":
            head = f"PANIC: {self.expression}"
        if self.kind is not Kind.ASSERTION:
            head = f"{self.kind}: {self.detail or self.expression}"
        if self.kind in (Kind.INVARIANT, Kind.STALE_BYTES):
            return head  # no kernel stands there: what fails is a promise, and code goes on
        where = f"{file}:{self.line}:{function}()" if self.line else f"{file}:{function}()"
        trace = "".join(f"\n {name}" for name in self.stack)
        return f"{head}\nPANIC at {where}\nCall Trace:{trace}"


class _Known(NamedTuple):
    """What a Python function stands for: the file, its functions, and those where the key is of words."""

    file: str
    names: tuple[str, ...]
    words: tuple[str, ...] | None


_NAMES: dict[CodeType, _Known] = {}
_FILES: dict[str, str] = {}


def openzfs(file: str, *names: str, words: tuple[str, ...] | None = None) -> Callable[[F], F]:
    """Say which OpenZFS function a Python function's behaviour comes from; where it does what several do that
    call each other, all of them, innermost first.

    `words` are those that have its place where its argument `key` is of words, not a name; instead of these,
    and of the names then, what its `objset`'s release has. The function itself is returned unchanged, so a
    call costs nothing more; panics read the names of the functions on the stack from this register.
    """

    def register(function: F) -> F:
        code = function.__code__
        _NAMES[code] = _Known(file, names, words)
        _FILES.update(dict.fromkeys((names[0], *(words or ())[:1]), file))
        return function

    return register


def code_replaced(function: FunctionType, code: CodeType) -> None:
    """Give a function other code that does the same, and what is registered of it with that."""
    known = _NAMES.get(function.__code__)
    function.__code__ = code
    if known is not None:
        _NAMES[code] = known


def _functions(known: _Known, frame: FrameType) -> tuple[str, ...]:
    """What one frame stands for."""
    if known.words is None:
        return known.names
    there = frame.f_locals
    names = known.words if isinstance(there["key"], tuple) else known.names
    instead = there["objset"].release.instead
    return tuple(one for name in names for one in instead.get(name, (name,)))


def file_in_model(file: str, function: str) -> str:
    """The file that the model says a function of the ZAP is in, by the base name of the one where it was
    found: master has moved nearly all of them (8ff64005a2, after 2.4). Knows those that are imported."""
    return _FILES.get(function, file) if file.startswith("zap") else file


def openzfs_stack(frame: FrameType | None = None) -> tuple[str, ...]:
    """OpenZFS's names of the functions now on the stack (or on the one that ends in `frame`), innermost
    first."""
    names: list[str] = []
    if frame is None:
        frame = sys._getframe(1)
    while frame is not None:
        known = _NAMES.get(frame.f_code)
        if known is not None:
            names += _functions(known, frame)
        frame = frame.f_back
    return tuple(names)


def openzfs_place(frame: FrameType | None = None) -> str:
    """file:function of the innermost registered function that is running (or that `frame` runs in)."""
    if frame is None:
        frame = sys._getframe(1)
    while frame is not None:
        known = _NAMES.get(frame.f_code)
        if known is not None and (names := _functions(known, frame)):
            return f"{known.file}:{names[0]}"
        frame = frame.f_back
    return "?:?"


def fail(
    expression: str,
    *,
    macro: str = "ASSERT",
    values: tuple[object, object] | None = None,
    operator: str = "==",
    line: int = 0,
    place: str = "",
) -> NoReturn:
    """Panic for a failed assertion in the innermost registered function.

    `line` is the line in the source of 2.3.2 (of the commit before 34906f8bbe for the one VERIFY that only
    `unfixed` has); it is shown and never compared.
    """
    shown = None if values is None else (str(values[0]), str(values[1]))
    raise Panic(
        Kind.ASSERTION,
        place or openzfs_place(),
        expression,
        macro=macro,
        values=shown,
        operator=operator,
        line=line,
    )
