"""Failures that are being told: what of each has come, and to which of them a line or a head belongs. Knows
no form of either."""

from __future__ import annotations

import dataclasses

from fuzz.evidence.triage.containers.log_prefixes import Line
from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.failed_assertion import canonical
from fuzz.evidence.triage.heads.head import Head
from fuzz.evidence.triage.stacks import Frame, is_report, is_zfs, show_zfs


@dataclasses.dataclass(slots=True)
class OpenFailure:
    """An event that lines may still be added to. `tracing` and `named` say which of several began its trace,
    or was named by a process line, last; 0 is never. A `closed` one takes no more frames. `key` is whose it
    is: host and caller."""

    event: Event
    tracing: int = 0
    named: int = 0
    bottom: bool = False
    closed: bool = False
    done: bool = False
    others: int = 0
    age: int = 0
    before: tuple[str, ...] = ()
    after: list[str] = dataclasses.field(default_factory=list)
    key: tuple[str, str] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.key = (self.event.host, self.event.caller)


class OpenFailures:
    """Those that lines may still be added to, the oldest first."""

    def __init__(self) -> None:
        self.items: list[OpenFailure] = []

    def joined(self, line: Line, head: Head) -> OpenFailure | None:
        """The open failure that this head goes on with, or None where it begins one."""
        if head.form in ("illumos", "freebsd") and (item := self._untold(line)) is not None:
            event = item.event
            event.what, event.detail, event.module = head.what, head.detail, head.module
            event.message = head.message
            return item
        if head.what:
            return self._same_fault(line, head) if head.joins else None
        inner = head.form == "kernel" and head.assertion is not None
        item = self._unexplained(line) if head.opens and inner else None
        return item if head.opens else self._waiting(line, head)

    def begin(self, line: Line, head: Head, before: tuple[str, ...] = ()) -> OpenFailure:
        """A new one, that this line told of; `before` is the line before it."""
        event = Event(
            line.number,
            line.offset,
            line.host,
            line.caller,
            head.form,
            message=head.message,
            cpu=head.cpu,
            what=head.what,
            detail=head.detail,
            module=head.module,
            stamp=line.stamp,
            clock=line.clock,
            channel=line.channel,
        )
        if head.what and head.function:
            event.counter = Frame(head.function, head.module)
        item = OpenFailure(event, done=head.alone, closed=head.alone)
        if head.form == "process" and head.assertion is None:
            item.before = before
        for other in self.items:
            if other.key == item.key and other.event.channel == event.channel and other.event.frames:
                other.done = other.done or bool(other.event.what) or other.bottom
        self.items.append(item)
        return item

    def of(self, line: Line) -> list[OpenFailure]:
        """The open failures that this line can belong to: those of its speaker, where there are any."""
        key = (line.host, line.caller)
        if not self.items:
            return []
        mine = [item for item in self.items if item.key == key] if any(key) else list(self.items)
        same = [item for item in mine if item.key == key and item.event.channel == line.channel]
        return same or mine

    def _same_fault(self, line: Line, head: Head) -> OpenFailure | None:
        """The fault of this speaker whose trace has not come yet; what began it says it more exactly."""
        for item in reversed(self.of(line)):
            event = item.event
            fits = event.what or head.what in ("kernel-bug", "invalid-opcode", "oops")
            if fits and not event.frames and not item.closed and event.what not in ("hung-task", "suspended"):
                if event.what in ("oops", "trap") and head.what not in ("oops", "trap"):
                    event.what, event.detail = head.what, head.detail
                if event.what == "signal" or (
                    not event.what and event.assertion is None and not event.message
                ):
                    continue
                return item
        return None

    def _untold(self, line: Line) -> OpenFailure | None:
        """A panic of illumos of which nothing is known but that it was: its words come on the next line, or
        behind the stack, where somebody asked mdb for that first."""
        for item in self.of(line):
            event = item.event
            told = event.assertion is not None or event.message or event.what not in ("", "backtrace")
            if event.form == "illumos" and not told and (event.what or not event.frames):
                return item
        return None

    def _unexplained(self, line: Line) -> OpenFailure | None:
        """A process's failure whose assertion comes next, by its macro (libspl since 2.4)."""
        for item in self.of(line):
            event = item.event
            if event.form == "process" and event.assertion is None and not event.frames and not event.pid:
                return item
        return None

    def _waiting(self, line: Line, head: Head) -> OpenFailure | None:
        """The oldest open failure of this speaker that this head completes."""
        for item in self.of(line):
            event = item.event
            if (head.pid and event.pid and head.pid != event.pid) or event.what:
                continue
            if head.message:
                if head.message == event.message:
                    return item
            elif head.assertion is not None and event.assertion is not None:
                if canonical(head.assertion.expression) == canonical(event.assertion.expression):
                    return item
            elif head.assertion is not None and event.function and not head.function and not event.frames:
                return item  # the kernel's own panic says again what stood before the log's beginning
            elif event.frames and event.assertion is not None:
                continue
            elif not event.function or (event.function, event.source_line) == (head.function, head.line):
                return item
        return None


def is_ours(event: Event) -> bool:
    """True if the log shows that it is ZFS that failed."""
    counter = [event.counter] if event.counter is not None else []
    frames = [*counter, *event.frames]
    if event.what == "warning":
        return bool(counter) and is_zfs(counter[0])
    if event.what == "backtrace":
        return show_zfs(frames) and (event.sure or any(is_report(frame) for frame in frames))
    return event.sure or show_zfs(frames)
