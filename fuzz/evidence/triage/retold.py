"""One failure that a log tells in two places, told from the same failure twice. Knows no line.

A console and syslog both write what the kernel says, one with the kernel's time stamps and one without; a
crash
dump's tools print the panic's text, the message buffer and a backtrace. Those are one failure. Two
processes that
fail alike, or one kernel that fails alike at another time, are two.
"""

from __future__ import annotations

from collections import deque

from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.failed_assertion import canonical
from fuzz.evidence.triage.heads.linux import ONLY_WAITING

_REMEMBERED = 64
_NEAR = 20_000
"""Lines within which a crash dump tells one panic again."""

_AT_ONCE = 4
"""Lines in which older releases say twice that a pool waits: its MMP thread and zio_suspend()."""
_LAST_WORDS = ("freebsd", "illumos", "macos", "windows", "debugger")
"""Systems whose kernel says nothing more after a panic, so that a second one with the same values is the
first."""


def twins(one: Event, other: Event) -> bool:
    """True if both tell one failure, as far as they can be compared."""
    if one.what == other.what == "suspended" and one.message == other.message:
        apart = one.stamp and other.stamp and one.stamp != other.stamp
        at_once = one.stamp and other.stamp and abs(float(one.stamp) - float(other.stamp)) < 1
        return (
            at_once or abs(one.line - other.line) < _AT_ONCE or (one.channel != other.channel and not apart)
        )
    if one.stamp and other.stamp and one.stamp != other.stamp:
        return False
    if one is other or not _same_words(one, other) or not _compatible(one, other):
        return False
    if one.channel != other.channel or (one.host and other.host and one.host != other.host):
        if one.stamp and other.stamp:
            return True
        return not (one.host and other.host and one.host != other.host)
    if one.form in _LAST_WORDS and other.form in _LAST_WORDS and abs(one.line - other.line) < _NEAR:
        # savecore tells it after the next start, without a stack
        apart = one.clock and other.clock and one.clock != other.clock
        return not (apart and one.stack and other.stack)
    return False


def merge(kept: Event, other: Event) -> None:
    """What `other` says of the failure that `kept` tells too, added where `kept` does not say it."""
    kept.line, kept.offset = min((kept.line, kept.offset), (other.line, other.offset))
    kept.retold += other.retold + 1
    for name in (
        "file",
        "function",
        "process",
        "message",
        "assertion",
        "source_line",
        "pid",
        "counter",
        "stamp",
        "host",
    ):
        if not getattr(kept, name):
            setattr(kept, name, getattr(other, name))
    if kept.cpu < 0:
        kept.cpu = other.cpu
    if len(other.stack) > len(kept.stack):
        kept.frames = other.frames
    kept.cut, kept.sure = kept.cut and other.cut, kept.sure or other.sure
    kept.mixed = kept.mixed and other.mixed


class Retold:
    """Remembers the failures given so far, as far as is needed to know them again."""

    def __init__(self) -> None:
        self._given: deque[tuple[tuple[str, ...], Event]] = deque(maxlen=_REMEMBERED)
        self._stacks: deque[tuple[str, ...]] = deque(maxlen=256)

    def new(self, event: Event) -> bool:
        """True if this failure was not told before, which it now is. What only waits for a thread that failed
        before, on the same stack or after it, is no failure of its own."""
        stack = event.stack
        nameless = event.assertion is None and not event.message and not event.file and not event.what
        waits = event.what in ONLY_WAITING
        if (nameless or waits) and (not stack or (stack in self._stacks and nameless)):
            return False
        if waits:
            for _, before in self._given:
                if self._waits_for(event, before) or self._waits_on(event, before):
                    return False
        words = _words(event)
        for others, before in self._given:
            if (words == others or not (words and others)) and twins(event, before):
                return False
        self._stacks.append(stack)
        self._given.append((words, event))
        return True

    @staticmethod
    def _waits_on(event: Event, before: Event) -> bool:
        """True if a task that is said to wait waits still, where it did."""
        same = (event.host, event.pid, event.process) == (before.host, before.pid, before.process)
        if event.what not in ONLY_WAITING or before.what not in ONLY_WAITING or not (same and event.pid):
            return False
        later = not (event.stamp and before.stamp) or float(before.stamp) <= float(event.stamp)
        return later and event.stack[:_NEXT] == before.stack[:_NEXT]

    @staticmethod
    def _waits_for(event: Event, before: Event) -> bool:
        """True if `before` stopped a thread for ever, in the same run of the same kernel."""
        if before.what in (*ONLY_WAITING, "ubsan", "kcsan", "warning", "fortify", "rcu-stall"):
            return False
        if before.host and event.host and before.host != event.host:
            return False
        if before.form != "kernel" or event.line - before.line > _NEAR:
            return False
        return not (before.stamp and event.stamp and float(event.stamp) < float(before.stamp))


def _words(event: Event) -> tuple[str, ...]:
    """What `_same_words` asks first: where two are not the same, the failures are not. Empty where it does
    not decide."""
    if event.what == _BACKTRACE:
        return ()
    if event.what:
        return event.what, event.detail
    if event.assertion is not None:
        return "assertion", canonical(event.assertion.expression)
    return ("message", event.message) if event.message else ()


def _same_words(one: Event, other: Event) -> bool:
    """The same kind, condition or message, and function where both say it."""
    if _BACKTRACE in (one.what, other.what):
        # A trace by frame pointers lacks the function in which the fault was; a debugger shows it.
        return bool(one.stack and other.stack) and (
            one.stack[0] in other.stack[:_NEXT] or other.stack[0] in one.stack[:_NEXT]
        )
    if one.what != other.what:
        return False
    if one.what:
        where = {event.place.rpartition(":")[2] for event in (one, other)} - {"?"}
        return one.detail == other.detail and len(where) < 2
    if one.assertion is not None and other.assertion is not None:
        return canonical(one.assertion.expression) == canonical(other.assertion.expression)
    if one.message or other.message:
        return one.assertion is other.assertion and one.message == other.message
    return bool(one.source_line) and (one.place, one.source_line) == (other.place, other.source_line)


_BACKTRACE = "backtrace"
_NEXT = 3
"""Frames from the innermost among which a debugger's trace and a kernel's meet."""


def _compatible(one: Event, other: Event) -> bool:
    """Nothing that one of them says is said otherwise by the other."""
    for name in ("pid", "function", "source_line", "caller"):
        ours, theirs = getattr(one, name), getattr(other, name)
        if ours and theirs and ours != theirs and (name != "caller" or one.channel == other.channel):
            return False
    ours = one.assertion.values if one.assertion is not None else None
    theirs = other.assertion.values if other.assertion is not None else None
    return ours is None or theirs is None or ours == theirs
