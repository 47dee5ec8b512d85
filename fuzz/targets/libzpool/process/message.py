"""Reading what a dying libzpool prints, into a Failure. Text only; needs no library.

Two shapes: 2.2 and later print `ASSERT at FILE:LINE:FUNCTION()` and then the expression with its values,
2.1 and earlier the other way round. VERIFY and ASSERT cannot be told apart there, so the kind is `assertion`
for both. `panic()` and `cmn_err(CE_PANIC)` print `error: ...`, in 2.4 `libzpool: PANIC: ...`.
"""

from __future__ import annotations

import re
import signal

from fuzz.judge.signature import Failure, Signature
from fuzz.targets.libzpool.function_names_on_stack import FRAME_MARK, LOST_MARK, SIGNAL_MARK
from zapcore.zap import file_in_model

_PLACE = re.compile(r"^ASSERT at (?P<file>[^:\n]+):(?P<line>\d+):(?P<function>\w+)\(\)", re.M)
_PANIC = re.compile(r"^(?:error|libzpool: PANIC): (?P<text>.*)$", re.M)
_SUSPENDED = re.compile(r"^(?:libzpool: )?WARNING: Pool '[^']*' .*suspended", re.M)
_FAILMODE = re.compile(r"^(?:error|libzpool: PANIC): Pool '[^']*' .*failure mode", re.M)
_FRAME = re.compile(r"^(?:\S*/)?(?P<object>[^\s/(]+)(?P<rest>\([^)]*\)\[0x[0-9a-f]+\])$")
_HEX = re.compile(r"\b(?:0x[0-9a-f]+|\d+)\b")
_NAMED = re.compile(r"(?<=\w=)[0-9a-f]+\b")
_NOT_STACK = frozenset({"libspl_assertf", "libspl_assert", "libspl_backtrace", "panic", "vpanic", "cmn_err"})
_NUMBER = r"(?:0x[0-9a-fA-F]+|\(nil\)|\(null\)|-?\d+)"
_VERIFY3 = re.compile(r"VERIFY3[BSUP]\((.+), (==|!=|<=|>=|<|>), (.+)\) failed \(")
_VERIFY0 = re.compile(r"VERIFY0P?\((.+)\) failed \(")
_SIGNAL = re.compile(rf"^{SIGNAL_MARK}(\d+)", re.M)
_SHOWN = re.compile(rf" \({_NUMBER} (?:==|!=|<=|>=|<|>) {_NUMBER}\)")


def strip_values(text: str) -> str:
    """The expression as C has it, without the values that VERIFY3's kin print after it.

    What follows the values (the text of VERIFY3UF and its kin) goes too: it is made of values. 2.4 prints the
    macro, and what it was given. A message in place of an expression (zfs_panic_recover) has numbers behind
    their names.
    """
    if told := _VERIFY3.match(text):
        return " ".join(told.groups())
    if told := _VERIFY0.match(text):
        return f"{told[1]} == 0"
    shown = _SHOWN.search(text)
    return _NAMED.sub("N", text[: shown.start()] if shown else text).strip()


def stack_names(text: str) -> tuple[str, ...]:
    """The functions that the worker's handler found on the stack, innermost first."""
    lines = (line for line in text.splitlines() if line.startswith(FRAME_MARK))
    names = [line[len(FRAME_MARK) :].strip() for line in lines]
    return tuple(name for name in names if name not in _NOT_STACK)


def _expression(text: str, place: re.Match[str]) -> str:
    """The line after the place (2.2 and later), or before it (2.1)."""
    after = text[place.end() :].lstrip("\n").split("\n", 1)[0]
    if after.startswith((SIGNAL_MARK, FRAME_MARK)) or not after.strip():
        return text[: place.start()].rstrip("\n").rpartition("\n")[2]
    return after


def _assertion(text: str) -> Signature | None:
    place = _PLACE.search(text)
    if place is None:
        return None
    function = place["function"]
    stack = stack_names(text)
    if function not in stack[:1]:
        stack = (function, *stack)
    file = file_in_model(place["file"].rpartition("/")[2], function)
    return Signature("assertion", f"{file}:{function}", strip_values(_expression(text, place)), stack)


def _panic(text: str) -> Signature | None:
    panic = _PANIC.search(text)
    if panic is None:
        return None
    stack = stack_names(text)
    where = f"?:{stack[0]}" if stack else "?:panic"
    return Signature("assertion", where, _HEX.sub("N", panic["text"]).strip(), stack)


def readable(text: str) -> str:
    """The text without the frames of other shared objects and without folders, and what the worker's handler
    noted in words: what a person reads."""
    lines = []
    for line in text.splitlines():
        frame = _FRAME.match(line)
        if told := _SIGNAL.match(line):
            lines.append(f"{signal.Signals(int(told[1])).name} in {' < '.join(stack_names(text)) or '?'}")
        elif line.startswith(FRAME_MARK):
            continue
        elif frame is None:
            lines.append(line.removeprefix(LOST_MARK))
        elif frame["object"].startswith("libzpool"):
            lines.append(frame["object"] + frame["rest"])
    return "\n".join(lines).strip()


def read_death(text: str, status: int, verb: str = "", op: int = -1) -> Failure:
    """What a worker died of: what it printed, else the signal, else that it is gone.

    `status` is its exit status as subprocess gives it (minus the signal's number).
    """
    if _FAILMODE.search(text):
        return Failure(Signature("suspended", f"?:{verb}", "pool suspended"), readable(text), op)
    found = _assertion(text) or _panic(text)
    if found is None and status < 0:
        told = _SIGNAL.search(text)
        number = int(told[1]) if told else -status
        stack = stack_names(text)
        place = f"?:{stack[0]}" if stack else f"?:{verb}"
        kind = "died" if number == signal.SIGKILL else "signal"
        found = Signature(kind, place, signal.Signals(number).name, stack)
    if found is None:
        lost = re.search(rf"^{LOST_MARK}(.+)", text, re.M)
        found = Signature("died", f"?:{verb}", lost[1] if lost else f"exit status {status}")
    return Failure(found, readable(text) or str(found), op)


def last_words(text: str) -> str:
    """What a worker that ended before it was ready has to say, in one line: its failed assertion, or else
    what it printed last."""
    found = _assertion(text) or _panic(text)
    return str(found) if found is not None else text.strip().rpartition("\n")[2]


def read_silence(text: str, verb: str, seconds: float, op: int = -1) -> Failure:
    """What an op is that did not come back in time: a suspended pool if the library said so, else a hang."""
    if _SUSPENDED.search(text):
        return Failure(Signature("suspended", f"?:{verb}", "pool suspended"), text.strip(), op)
    said = f"{verb}: no answer within {seconds:g} s\n{text}".strip()
    return Failure(Signature("hang", f"?:{verb}", "no answer"), said, op)
