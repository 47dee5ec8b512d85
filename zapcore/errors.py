"""How the model says no: errno results and panics.

An errno is an ordinary answer of the ZAP, and is raised as `ZapErrno`. A panic ends the world that raises it.
It is a VERIFY or ASSERT of OpenZFS that fails, or something else that a kernel would die of: the use of a
freed structure, or a wait for a lock that nobody will ever let go. Nothing here knows the DMU or the ZAP.
"""

from __future__ import annotations

import enum
import errno
import re
import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType
from typing import NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., object])


def errno_name(code: int) -> str:
    """The name of an errno, "success" for 0, and the number itself where the system has no errno of it."""
    return errno.errorcode.get(code, str(code)) if code else "success"


class ZapErrno(Exception):
    """An operation's ordinary errno result (`errno.ENOENT`, ...), as the OpenZFS function returns it."""

    def __init__(self, code: int) -> None:
        # No call of super().__init__(): BaseException.__new__() has stored the arguments already, and every
        # third op of a program raises a ZapErrno, so that the call would cost time.
        self.code = code


class UnreadAbove(ZapErrno):
    """EIO, because an indirect block above the one that was asked for cannot be read. `why` is what that read
    gave."""

    def __init__(self, why: int) -> None:
        super().__init__(errno.EIO)
        self.why = why


class LimitExceeded(Exception):
    """The program asks for more memory or time than its bounds allow. This is neither a result nor a panic.

    `full_leaf` is set if the pointer table could not grow, though a full leaf needed a larger table to be
    split: it is how many first bits all hashes in that leaf have in common. It is None if something else met
    the limit.
    """

    full_leaf: int | None = None


class Kind(enum.StrEnum):
    """What ended a run."""

    ASSERTION = "assertion"
    USE_AFTER_FREE = "use-after-free"
    DEADLOCK = "deadlock"
    INVARIANT = "invariant"
    TYPE_CONFUSION = "type-confusion"
    """A structure is taken for one of another type. What real code does then is undefined."""
    STALE_BYTES = "stale-bytes"
    """What happens next depends on bytes that nobody wrote. Real code goes on with whatever they are; the
    model cannot know them."""
    SUSPENDED = "suspended"
    """A read that must succeed has failed: the pool is suspended, and who reads waits until somebody clears
    it."""


class Panic(Exception):
    """The model's world has ended.

    `place` is OpenZFS's file:function. `expression` is the asserted text as the real macro prints it, and
    `values` are its two sides if the macro prints them. `stack` has the names of OpenZFS's functions, the
    innermost first. `detail` says what was found where if an invariant does not hold.
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
        # spl/sys/debug.h prints an ASSERT as a VERIFY, and VERIFY3U, VERIFY3P and so on without the last
        # letter
        macro = re.sub(r"(VERIFY3)[A-Z]$", r"\1", self.macro.replace("ASSERT", "VERIFY"))
        head = f"{macro}({self.expression}) failed"
        if self.values is not None:
            head += f" ({self.values[0]} {self.operator} {self.values[1]})"
        if self.macro == "PANIC":
            head = f"PANIC: {self.expression}"
        if self.kind is not Kind.ASSERTION:
            head = f"{self.kind}: {self.detail or self.expression}"
        if self.kind in (Kind.INVARIANT, Kind.STALE_BYTES):
            return head  # a kernel does not stop here: a promise is broken, and its code goes on
        where = f"{file}:{self.line}:{function}()" if self.line else f"{file}:{function}()"
        trace = "".join(f"\n {name}" for name in self.stack)
        return f"{head}\nPANIC at {where}\nCall Trace:{trace}"


class _Known(NamedTuple):
    """What a Python function stands for: OpenZFS's file, the functions in it, and the functions if the key is
    words."""

    file: str
    names: tuple[str, ...]
    words: tuple[str, ...] | None
    thread: bool = False


_NAMES: dict[CodeType, _Known] = {}
_FILES: dict[str, str] = {}


def openzfs(
    file: str, *names: str, words: tuple[str, ...] | None = None, thread: bool = False
) -> Callable[[F], F]:
    """Say which function of OpenZFS a Python function's behaviour comes from. If it does the work of several
    functions that call each other, all of them are named, the innermost first.

    `words` are the functions that do it if the argument `key` is words and not a name. Such a function has
    arguments `key` and `objset`; some releases have other functions in place of the named ones, and
    `objset.release.instead` says which. `thread` says that it runs in a thread of its own, whose stack begins
    here.

    The function itself is returned unchanged, so that a call of it takes no more time. A panic looks up the
    functions on the stack in the register that this fills.
    """

    def register(function: F) -> F:
        code = function.__code__
        _NAMES[code] = _Known(file, names, words, thread)
        _FILES.update(dict.fromkeys((names[0], *(words or ())[:1]), file))
        return function

    return register


def code_replaced(function: FunctionType, code: CodeType) -> None:
    """Replace a function's code by other code that does the same, and register that code under the same
    names."""
    known = _NAMES.get(function.__code__)
    function.__code__ = code
    if known is not None:
        _NAMES[code] = known


def _functions(known: _Known, frame: FrameType) -> tuple[str, ...]:
    """The functions of OpenZFS that one frame of the stack stands for, the innermost first."""
    if known.words is None:
        return known.names
    there = frame.f_locals
    names = known.words if isinstance(there["key"], tuple) else known.names
    instead = there["objset"].release.instead
    return tuple(one for name in names for one in instead.get(name, (name,)))


def file_in_model(file: str, function: str) -> str:
    """The file that the model names for a function of the ZAP, given the file where the function was found.

    They can differ: master has moved nearly all functions of the ZAP to other files (8ff64005a2, after 2.4).
    Only functions of modules that are imported are known; for others the given file is returned.
    """
    return _FILES.get(function, file) if file.startswith("zap") else file


def openzfs_stack(frame: FrameType | None = None) -> tuple[str, ...]:
    """The functions of OpenZFS that the Python functions now on the stack stand for, the innermost first.
    With `frame`, those on the stack that ends in this frame."""
    names: list[str] = []
    if frame is None:
        frame = sys._getframe(1)
    while frame is not None:
        known = _NAMES.get(frame.f_code)
        if known is not None:
            names += _functions(known, frame)
            if known.thread:
                break
        frame = frame.f_back
    return tuple(names)


def openzfs_place(frame: FrameType | None = None) -> str:
    """OpenZFS's file:function for the innermost registered function on the stack, or on the stack that ends
    in `frame`."""
    if frame is None:
        frame = sys._getframe(1)
    while frame is not None:
        known = _NAMES.get(frame.f_code)
        if known is not None and (names := _functions(known, frame)):
            return f"{known.file}:{names[0]}"
        frame = frame.f_back
    return "?:?"


compiled_out: Callable[[str, str, str], bool] | None = None
"""Says of a failed assertion (its expression, macro, and place if that is not the running function's) whether
the build lacks it, so that the code goes on; it may raise what then becomes of it. None: every build has it.
Set by `zapcore.verify.trial_world` only, to see what a release build does on damage."""


def fail(
    expression: str,
    *,
    macro: str = "ASSERT",
    values: tuple[object, object] | None = None,
    operator: str = "==",
    line: int = 0,
    place: str = "",
) -> None:
    """Panic for a failed assertion in the innermost registered function; go on where that is compiled out.

    `line` is the line in the source of 2.3.2, or for the one VERIFY that only the release `unfixed` has, in
    that of the commit before 34906f8bbe. It is shown to people, and never compared.
    """
    if compiled_out is not None and compiled_out(expression, macro, place):
        return
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
