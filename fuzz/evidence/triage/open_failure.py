"""A failure that is being told: what of it has come, and whose it is. Knows no line."""

from __future__ import annotations

import dataclasses

from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.stacks import is_report, is_zfs, show_zfs


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


def is_ours(event: Event) -> bool:
    """True if the log shows that it is ZFS that failed."""
    counter = [event.counter] if event.counter is not None else []
    frames = [*counter, *event.frames]
    if event.what == "warning":
        return bool(counter) and is_zfs(counter[0])
    if event.what == "backtrace":
        return show_zfs(frames) and (event.sure or any(is_report(frame) for frame in frames))
    return event.sure or show_zfs(frames)
