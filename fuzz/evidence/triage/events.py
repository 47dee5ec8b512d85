"""Lines put together to failures. Knows the forms of heads and frames, and no file, corpus or output.

The kernel prints a failure in several lines, and other processors print between them: lines of one speaker
(host and caller) belong together, and where the log does not name speakers, lines go to the failure that
still waits for one of their kind. A stack that two failures without named speakers share is marked as mixed.
"""

from __future__ import annotations

import dataclasses
import re
from collections import deque
from collections.abc import Iterator

from fuzz.evidence.triage.expressions import (
    Assertion,
    canonical,
    likeness,
    parse_cut_head,
    parse_cut_tail,
    parse_plain,
)
from fuzz.evidence.triage.heads import Head, parse_head
from fuzz.evidence.triage.lines import Line
from fuzz.evidence.triage.stacks import Frame, is_bottom, is_zfs, parse_frame, signature_stack
from fuzz.judge.signature import Signature

MAX_OPEN = 16
MAX_FRAMES = 128
MAX_AGE = 2000
"""Lines a failure may stay open for, whoever speaks."""

CONTEXT = 8
"""Lines before a head that can belong to it."""

_TRACE = re.compile(r"(?:Call [Tt]race|KDB: stack backtrace|[Bb]acktrace.{0,60}):?\s*$")
_END = re.compile(r"</TASK>|---\[ end|--- trap|KDB: enter|Aborted|child died|Uptime:|INFO: task ")
_NOISE = re.compile(
    r"$|<|Hardware name|Tainted|In memory cgroup|R[IS]P:|Code:|[A-Z][A-Z0-9]{1,2}: |Modules linked|Registers:"
    r"|[r?]\w{1,3}: 0x|time = |Showing stack|SPL:|Sched_clock|\(?[0-9a-f]{8,16}\)?(?: |$)|Workqueue:|Stack:"
    r"|Message from syslogd|pstate:|[xl][r\d]\d?\s*:|sp :|pc :|Solaris|CPU\d*:|  *PID:|\[\.\.\.|Kernel Ext"
)
_PROCESS = (
    re.compile(
        r"CPU: (?P<cpu>\d+)(?: UID: \d+)? PID: (?P<pid>\d+) Comm: (?P<name>.+?)(?: +(?:Not t|T)ainted|$)"
    ),
    re.compile(r"P(?:id|ID): (?P<pid>\d+),? +(?:comm|COMM): (?P<name>\S+)"),
    re.compile(r"TID: \d+ +NAME: (?P<name>\S+)"),
    re.compile(r"Showing stack for process (?P<pid>\d+)"),
    re.compile(r"cpuid = (?P<cpu>\d+)"),
)
_NUMBER = re.compile(r"\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b")
_ENOUGH_OTHERS, _ENOUGH_AFTER_TRACE = 40, 10


@dataclasses.dataclass(slots=True)
class Event:
    """One failure as a log tells it. `line` counts from 1, `offset` in bytes; `cut` if a part is lost,
    `mixed` if frames of another failure may be among its own."""

    line: int
    offset: int
    host: str
    caller: str
    form: str
    assertion: Assertion | None = None
    message: str = ""
    file: str = ""
    source_line: int = 0
    function: str = ""
    process: str = ""
    pid: int = 0
    cpu: int = -1
    frames: list[Frame] = dataclasses.field(default_factory=list)
    sure: bool = False
    cut: bool = False
    mixed: bool = False

    @property
    def place(self) -> str:
        """file:function, the base name of the file; `?` for what the log does not say.

        FreeBSD prints no place: the function is then the innermost one of the stack, which is the caller of
        the failed function where the compiler put the one into the other.
        """
        file = self.file.rpartition("/")[2] or "?"
        function = self.function
        if not function:
            stack = self.stack
            function = stack[0] if stack else "?"
        return f"{file}:{function}"

    @property
    def stack(self) -> tuple[str, ...]:
        """OpenZFS's functions, innermost first."""
        return signature_stack(self.frames)

    @property
    def expression(self) -> str:
        """The condition without values, or the message of a panic that has none, its numbers as N."""
        if self.assertion is not None:
            return self.assertion.expression
        return _NUMBER.sub("N", self.message)

    @property
    def signature(self) -> Signature:
        """What makes this failure the same as another one."""
        kind = "panic" if self.assertion is None and self.message else "assertion"
        return Signature(kind, self.place, self.expression, self.stack)


@dataclasses.dataclass(slots=True)
class _Open:
    """An event that lines may still be added to. `tracing` and `named` say which of several began its trace,
    or was named by a process line, last; 0 is never."""

    event: Event
    tracing: int = 0
    named: int = 0
    bottom: bool = False
    done: bool = False
    others: int = 0
    age: int = 0
    before: tuple[str, ...] = ()
    after: list[str] = dataclasses.field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        return (self.event.host, self.event.caller)


class Parser:
    """Lines in, failures out. Holds at most `MAX_OPEN` of them, and no line."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._before: deque[str] = deque(maxlen=CONTEXT)
        self._stacks: deque[tuple[str, ...]] = deque(maxlen=256)
        self._clock = 0

    @property
    def active(self) -> bool:
        """True while lines are wanted even though they hold no trigger word."""
        return bool(self._open)

    def remember(self, line: Line) -> None:
        """A line before a head: only what it says is kept, for a while."""
        self._before.append(line.text)

    def feed(self, line: Line) -> Iterator[Event]:
        """Take one line; give the failures that ended with it."""
        self._clock += 1
        head = parse_head(line)
        if head is not None:
            self._head(line, head)
        else:
            self._detail(line)
        self._before.append(line.text)
        for item in self._open:
            item.age += 1
            item.done = item.done or item.age > MAX_AGE
        while len(self._open) > MAX_OPEN:
            yield from self._finish(self._open.pop(0))
        for item in [item for item in self._open if item.done]:
            self._open.remove(item)
            yield from self._finish(item)

    def flush(self) -> Iterator[Event]:
        """Nothing follows (for now): give what is open, with what is known of it."""
        while self._open:
            yield from self._finish(self._open.pop(0))

    def _head(self, line: Line, head: Head) -> None:
        inner = head.form == "kernel" and head.assertion is not None
        item = self._unexplained(line) if head.opens and inner else None
        item = item if head.opens else self._waiting(line, head)
        if item is None:
            if head.message and not head.opens:
                return
            item = self._begin(line, head)
            if not head.opens and head.assertion is None:
                self._cut_expression(item.event)
        event = item.event
        event.assertion = event.assertion or head.assertion
        event.file, event.source_line = head.file or event.file, head.line or event.source_line
        event.function = head.function or event.function
        event.pid, event.sure = head.pid or event.pid, event.sure or head.sure
        event.cut = event.cut or head.cut

    def _begin(self, line: Line, head: Head) -> _Open:
        event = Event(
            line.number, line.offset, line.host, line.caller, head.form, message=head.message, cpu=head.cpu
        )
        item = _Open(event)
        if head.form == "process" and head.assertion is None:
            item.before = tuple(self._before)[-1:]
        self._open.append(item)
        return item

    def _unexplained(self, line: Line) -> _Open | None:
        """A process's failure whose assertion comes next, by its macro (libspl since 2.4)."""
        for item in self._mine(line):
            event = item.event
            if event.form == "process" and event.assertion is None and not event.frames and not event.pid:
                return item
        return None

    def _waiting(self, line: Line, head: Head) -> _Open | None:
        """The oldest open failure of this speaker that this head completes."""
        for item in self._mine(line):
            event = item.event
            if head.pid and event.pid and head.pid != event.pid:
                continue
            if head.message:
                if head.message == event.message:
                    return item
            elif head.assertion is not None and event.assertion is not None:
                if canonical(head.assertion.expression) == canonical(event.assertion.expression):
                    return item
            elif not event.function or (event.function, event.source_line) == (head.function, head.line):
                return item
        return None

    def _cut_expression(self, event: Event) -> None:
        """A place whose condition came before: what is left of it, if anything."""
        text = self._before[-1] if self._before else ""
        event.assertion = parse_cut_tail(text) or parse_cut_head(text)
        if event.assertion is None and (" implies (" in text or " is equivalent to (" in text):
            event.assertion = Assertion("", text.strip())
        elif event.assertion is not None or not text:
            event.cut = True

    def _mine(self, line: Line) -> list[_Open]:
        key = (line.host, line.caller)
        return [item for item in self._open if item.key == key or not any(key)]

    def _detail(self, line: Line) -> None:
        mine = self._mine(line)
        text = line.text
        stripped = text.strip()
        if _TRACE.match(stripped):
            self._trace_begins(mine)
            return
        tracing = [item for item in mine if item.tracing]
        frame = parse_frame(stripped, inside=bool(tracing))
        if frame is not None:
            self._frame(line, frame, mine, tracing)
        elif self._process(stripped, mine):
            return
        elif _END.match(stripped):
            for item in tracing[-1:]:
                item.done = True
        elif not _NOISE.match(stripped):
            for item in mine:
                self._other(item, text)

    def _other(self, item: _Open, text: str) -> None:
        item.others += 1
        if item.event.form == "process" and not item.event.frames and len(item.after) < 4:
            item.after.append(text)
        enough = _ENOUGH_AFTER_TRACE if item.event.frames else _ENOUGH_OTHERS
        item.done = item.done or item.bottom or item.others > enough

    def _trace_begins(self, mine: list[_Open]) -> None:
        for item in mine:
            if item.bottom:
                item.done = True
        waiting = [item for item in mine if not item.tracing and not item.done]
        if waiting:
            max(waiting, key=lambda item: item.named).tracing = self._clock
        self._mark_mixed(mine)

    def _mark_mixed(self, mine: list[_Open]) -> None:
        both = [item for item in mine if item.tracing and not item.done]
        if len(both) > 1:
            for item in both:
                item.event.mixed = True

    def _frame(self, line: Line, frame: Frame, mine: list[_Open], tracing: list[_Open]) -> None:
        chosen = tracing or mine
        if not chosen:
            if frame.function == "spl_panic":
                item = self._begin(line, Head("kernel"))
                item.tracing = self._clock
                item.event.cut = True
                item.event.frames.append(frame)
            return
        item = max(chosen, key=lambda item: item.tracing)
        if item.bottom and not is_bottom(frame) and frame.reliable:
            item.done = True
            return
        item.tracing = item.tracing or self._clock
        if len(item.event.frames) < MAX_FRAMES:
            item.event.frames.append(frame)
        item.bottom = item.bottom or (is_bottom(frame) and frame.reliable)

    def _process(self, text: str, mine: list[_Open]) -> bool:
        for form in _PROCESS:
            match = form.search(text)
            if match is None:
                continue
            found = match.groupdict()
            pid = int(found["pid"][:9]) if found.get("pid") else 0
            fitting = [item for item in mine if item.event.pid in (0, pid) or not pid]
            if fitting:
                item = next((item for item in fitting if pid and item.event.pid == pid), fitting[0])
                item.named, event = self._clock, item.event
                event.pid = event.pid or pid
                event.process = event.process or (found.get("name") or "").strip()
                if found.get("cpu"):
                    event.cpu = int(found["cpu"][:9])
            return True
        return False

    def _finish(self, item: _Open) -> Iterator[Event]:
        """The failure, if it is one of ZFS and not the trace of a task that hangs since one given before."""
        event = item.event
        if event.form == "process" and event.assertion is None:
            after = next((text for text in item.after if text.strip()), "")
            before = item.before[0] if item.before else ""
            chosen = after if likeness(after) >= likeness(before) else before
            event.assertion = parse_plain(chosen) if likeness(chosen) else None
            event.cut = event.cut or event.assertion is None
        stack = event.stack
        if not (event.sure or any(is_zfs(frame) for frame in event.frames)):
            return
        nameless = event.assertion is None and not event.message and not event.file
        if nameless and (not stack or stack in self._stacks):
            return
        self._stacks.append(stack)
        yield event
