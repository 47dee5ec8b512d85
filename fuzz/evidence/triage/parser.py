"""Lines put together to failures. Knows the forms of heads and frames, and no file, corpus or output.

The kernel prints a failure in several lines, and other processors print between them: lines of one speaker
(host, caller, and the way its lines begin) belong together, and where the log does not name speakers, lines
go to the failure that still waits for one of their kind. A stack that two failures without named speakers
share is marked as mixed.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator

from fuzz.evidence.triage.containers.log_prefixes import Line
from fuzz.evidence.triage.debuggers import PROMPT, Told, told_by_debugger
from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.failed_assertion import (
    Assertion,
    likeness,
    parse_cut_head,
    parse_cut_tail,
    parse_plain,
)
from fuzz.evidence.triage.frame_roles import fault_of, names_zfs
from fuzz.evidence.triage.heads.head import Head
from fuzz.evidence.triage.heads.table import parse_head
from fuzz.evidence.triage.open_failure import OpenFailure, OpenFailures, is_ours
from fuzz.evidence.triage.retold import Retold, merge, twins
from fuzz.evidence.triage.stacks import (
    PLAIN_FRAME,
    Frame,
    is_bottom,
    is_report,
    is_zfs,
    parse_counter,
    parse_frame,
    show_zfs,
)
from fuzz.evidence.triage.trace_lines import (
    DDB_FRAME,
    END,
    HANDLED,
    KEXT,
    LAST_OF_TRACE,
    LOCKS_ONLY,
    MDB_STACK,
    NOISE,
    OF_PROCESSES,
    OTHER_PROCESSOR,
    PROCESS,
    SECTION,
    SYSTEM_CALL,
    THREAD,
    TRACE,
)
from fuzz.evidence.triage.versions import Versions

MAX_OPEN = 16
MAX_FRAMES = 128
MAX_AGE = 2000
"""Lines a failure may stay open for, whoever speaks."""

CONTEXT = 8
"""Lines before a head that can belong to it."""

_ENOUGH_OTHERS, _ENOUGH_AFTER_TRACE = 40, 10
_FIRST_FRAME = 4
"""Lines after a trace's head in which its first frame comes, if it is a bare name."""
_SOON = 100
"""Lines after a failure in which registers are printed again, and of what FreeBSD says of a lock's order."""


_WORDS_FOLLOW = "panic message:"
"""What mdb's ::status says, with the words on the next line."""


class Parser:
    """Lines in, failures out. Holds at most `MAX_OPEN` of them, and no line."""

    def __init__(self) -> None:
        self._open = OpenFailures()
        self._before: deque[str] = deque(maxlen=CONTEXT)
        self._retold = Retold()
        self._versions = Versions()
        self._clock = 0
        self._words_follow = False
        self._ended = self._locks = -_SOON

    @property
    def active(self) -> bool:
        """True while lines are wanted even though they hold no trigger word."""
        return bool(self._open.items) or self._words_follow

    def feed(self, line: Line) -> Iterator[Event]:
        """Take one line; give the failures that ended with it."""
        self._clock += 1
        if "lock" in line.text or "witness" in line.text:
            self._locks = self._clock if LOCKS_ONLY.search(line.text) else self._locks
        if "db) " in line.text and (prompt := PROMPT.match(line.text)):
            line = line._replace(text=line.text[prompt.end() :])
        if self._words_follow:
            line = line._replace(text=f"{_WORDS_FOLLOW} {line.text.strip()}")
        self._words_follow = _WORDS_FOLLOW in line.text and line.text.strip() == _WORDS_FOLLOW
        if PLAIN_FRAME.match(line.text) is not None:
            self._plain_frame(line)
        else:
            self._other_line(line)
        if line.text.strip():
            self._before.append(line.text)
        for item in self._open.items:
            item.age += 1
            item.done = item.done or item.age > MAX_AGE
        while len(self._open.items) > MAX_OPEN:
            yield from self._finish(self._open.items.pop(0))
        for item in [item for item in self._open.items if item.done]:
            self._open.items.remove(item)
            yield from self._finish(item)

    def _plain_frame(self, line: Line) -> None:
        frame = parse_frame(line.text.strip())
        mine = self._open.of(line)
        if frame is not None:
            self._frame(line, frame, mine, [item for item in mine if item.tracing])

    def _other_line(self, line: Line) -> None:
        self._versions.feed(line.text)
        told = told_by_debugger(line.text) if line.text.lstrip()[:1] in "#*" else None
        head = parse_head(line) if told is None else None
        if told is not None:
            self._debugger(line, told)
        elif head is not None:
            self._head(line, head)
        else:
            self._detail(line)

    def flush(self) -> Iterator[Event]:
        """Nothing follows (for now): give what is open, with what is known of it."""
        while self._open.items:
            yield from self._finish(self._open.items.pop(0))

    def _head(self, line: Line, head: Head) -> None:
        item = self._open.joined(line, head)
        if item is None:
            if head.message and not head.opens and not self._may_open(head):
                return
            item = self._open.begin(line, head, tuple(self._before)[-1:])
            if not head.opens and head.assertion is None and not head.message:
                self._cut_expression(item.event)
        event = item.event
        event.assertion = event.assertion or head.assertion
        event.file, event.source_line = head.file or event.file, head.line or event.source_line
        event.function = (head.function if not head.what else "") or event.function
        event.pid, event.sure = head.pid or event.pid, event.sure or head.sure
        event.process = event.process or head.process
        event.cut = event.cut or head.cut

    @staticmethod
    def _may_open(head: Head) -> bool:
        """True for the message of a kernel that panics by panic() itself, not after what was said before."""
        return head.assertion is None and head.opens is False and head.joins

    def _cut_expression(self, event: Event) -> None:
        """A place whose condition came before: what is left of it, if anything."""
        text = self._before[-1] if self._before else ""
        event.assertion = parse_cut_tail(text) or parse_cut_head(text)
        if event.assertion is None and (" implies (" in text or " is equivalent to (" in text):
            event.assertion = Assertion("", text.strip())
        elif event.assertion is not None or not text:
            event.cut = True

    def _detail(self, line: Line) -> None:
        mine = self._open.of(line)
        text = line.text
        stripped = text.strip()
        if mine and self._section(stripped, mine):
            return
        counter = parse_counter(stripped)
        if counter is not None:
            self._counter(line, counter, mine)
            return
        if not mine and MDB_STACK.match(stripped):
            self._open.begin(line, Head("illumos", what="backtrace")).tracing = self._clock
            return
        if not (mine or "spl_panic" in stripped or "vcmn_err" in stripped or "() at " in stripped):
            return
        if TRACE.search(stripped) and len(stripped) < 120:
            self._trace_begins(mine)
            return
        tracing = [item for item in mine if item.tracing]
        frame = parse_frame(stripped, inside=any(map(self._takes_names, tracing)))
        if frame is not None:
            self._frame(line, frame, mine, tracing)
        elif self._process(stripped, mine):
            return
        elif END.match(stripped):
            for item in tracing[-1:]:
                item.done = True
        elif not NOISE.match(stripped):
            for item in mine:
                self._other(item, text)

    def _takes_names(self, item: OpenFailure) -> bool:
        """Whether a bare name is a frame of its trace. Where frames have offsets, and where none came, it is
        somebody's word, as the thanks below a log."""
        frames = item.event.frames
        return not frames[-1].offset if frames else self._clock - item.tracing < _FIRST_FRAME

    def _section(self, text: str, mine: list[OpenFailure]) -> bool:
        """Lines between the parts of a trace: a handled trap, another processor, what a sanitizer adds."""
        if SECTION.match(text) is None:
            return False
        if KEXT.match(text):
            for item in mine:
                item.event.sure = item.event.sure or item.event.form == "macos"
            return True
        if SYSTEM_CALL.match(text):
            for item in mine:
                if item.event.frames:
                    item.done = True
            return True
        handled = HANDLED.match(text)
        if handled is not None:
            for item in mine:
                if not item.closed:
                    item.event.frames.clear()
                    item.bottom = False
            return handled["function"] is None
        if LAST_OF_TRACE.match(text):
            for item in mine:
                item.closed = item.closed or bool(item.event.frames)
            return True
        if OTHER_PROCESSOR.match(text):
            for item in mine:
                self._another_trace(item)
            return True
        if THREAD.match(text):
            for item in mine:
                item.done = item.done or (
                    item.event.what in ("backtrace", "signal") and bool(item.event.frames)
                )
            return True
        return False

    @staticmethod
    def _another_trace(item: OpenFailure) -> None:
        """Another processor's trace begins: the one so far is kept if ZFS is in it."""
        event = item.event
        if not event.what or item.closed:
            return
        if show_zfs(event.frames) or (event.counter is not None and is_zfs(event.counter)):
            item.closed = bool(event.frames)
        else:
            event.frames.clear()
            event.counter, item.bottom = None, False

    def _counter(self, line: Line, counter: Frame, mine: list[OpenFailure]) -> None:
        """A register that says where the processor was; where no head was seen, the log begins within."""
        waiting = [item for item in mine if item.event.counter is None and not show_zfs(item.event.frames)]
        if waiting:
            waiting[-1].event.counter = counter
        elif not mine and is_zfs(counter) and self._clock - self._ended > _SOON:
            event = self._open.begin(line, Head("kernel", what="oops")).event
            event.counter, event.cut = counter, True

    def _other(self, item: OpenFailure, text: str) -> None:
        item.others += 1
        if item.event.form == "process" and not item.event.frames and len(item.after) < 4:
            item.after.append(text)
        waits = (item.event.form, item.event.what) == ("illumos", "backtrace")
        enough = _ENOUGH_AFTER_TRACE if item.event.frames and not waits else _ENOUGH_OTHERS
        item.done = item.done or (item.bottom and not waits) or item.others > enough

    def _trace_begins(self, mine: list[OpenFailure]) -> None:
        for item in mine:
            if item.bottom or (item.event.form == "debugger" and item.event.frames):
                item.done = True
        waiting = [item for item in mine if not item.tracing and not item.done]
        if waiting:
            max(waiting, key=lambda item: item.named).tracing = self._clock
        else:
            for item in mine:
                self._another_trace(item)
        self._mark_mixed(mine)

    def _mark_mixed(self, mine: list[OpenFailure]) -> None:
        both = [item for item in mine if item.tracing and not item.done]
        for at, item in enumerate(both):
            for other in both[:at]:
                if not twins(item.event, other.event):
                    item.event.mixed = other.event.mixed = True

    def _frame(self, line: Line, frame: Frame, mine: list[OpenFailure], tracing: list[OpenFailure]) -> None:
        chosen = tracing or mine
        if not chosen:
            head = self._head_of_frame(line, frame)
            if head is not None:
                item = self._open.begin(line, head)
                item.tracing = self._clock
                item.event.cut = item.event.sure = True
                item.event.frames.append(frame)
            return
        self._add(max(chosen, key=lambda item: item.tracing), frame)

    def _head_of_frame(self, line: Line, frame: Frame) -> Head | None:
        """What a trace says whose head is lost; FreeBSD prints one for a lock's order, too."""
        if frame.function in ("spl_panic", "vcmn_err"):
            return Head("kernel")
        if not (DDB_FRAME.match(line.text.strip()) and names_zfs(frame.function)):
            return None
        return None if self._clock - self._locks < _SOON else Head("freebsd", what="backtrace")

    def _add(self, item: OpenFailure, frame: Frame) -> None:
        if item.closed:
            return
        if item.bottom and not is_bottom(frame) and frame.reliable:
            item.done = True
            return
        item.tracing = item.tracing or self._clock
        if len(item.event.frames) < MAX_FRAMES:
            item.event.frames.append(frame)
        item.bottom = item.bottom or (is_bottom(frame) and frame.reliable)

    def _debugger(self, line: Line, told: Told) -> None:
        """A frame as a debugger prints it. Number 0 begins a stack."""
        mine = self._open.of(line)
        item = mine[-1] if mine else None
        if told.number == 0 and item is not None and item.event.frames:
            if item.event.form == "debugger":
                item.done = True
                item = None
            elif show_zfs(item.event.frames):
                item.closed = True
        if item is None:
            if told.number > 0 and not is_report(told.frame):
                return
            item = self._open.begin(line, Head("debugger", what="backtrace"))
        item.tracing = item.tracing or self._clock
        event = item.event
        if told.assertion is not None and event.assertion is None and not event.message:
            event.assertion, event.sure = told.assertion, True
        if (told.assertion is not None or told.function) and event.what in ("backtrace", "signal"):
            event.what, event.sure = "", True
        if told.function and not event.function and not event.what:
            event.file, event.source_line, event.function = told.file, told.line, told.function
        self._add(item, told.frame)

    def _process(self, text: str, mine: list[OpenFailure]) -> bool:
        if not any(word in text for word in OF_PROCESSES):
            return False
        for form in PROCESS:
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

    def _finish(self, item: OpenFailure) -> Iterator[Event]:
        """The failure, if it is one of ZFS, not told before, and not the trace of a task that hangs since one
        given before."""
        event = item.event
        if event.form == "process" and event.assertion is None and not event.what:
            after = next((text for text in item.after if text.strip()), "")
            before = item.before[0] if item.before else ""
            chosen = after if likeness(after) >= likeness(before) else before
            event.assertion = parse_plain(chosen) if likeness(chosen) else None
            event.cut = event.cut or event.assertion is None
        self._ended = self._clock
        if not is_ours(event):
            return
        event.versions = self._versions.of(event)
        for other in self._open.items:
            if twins(event, other.event):
                merge(other.event, event)
                return
        if self._retold.new(event):
            if event.what == "backtrace":  # a debugger names what handled the fault, and no head
                kinds = (fault_of(frame.function) for frame in event.frames)
                event = dataclasses.replace(event, what=next(filter(None, kinds), event.what))
            yield event
