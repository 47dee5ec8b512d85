"""A failure as a log tells it. Knows no log and no corpus."""

from __future__ import annotations

import dataclasses
import re

from fuzz.evidence.triage.failed_assertion import Assertion
from fuzz.evidence.triage.frame_roles import names_zfs
from fuzz.evidence.triage.stacks import Frame, looks_like_zfs, signature_frames
from fuzz.judge.signature import Signature

KINDS = {
    "": "failure",
    "soft-lockup": "soft lockup",
    "hard-lockup": "hard lockup",
    "rcu-stall": "RCU stall",
    "hung-task": "hung task",
    "null-dereference": "NULL pointer dereference",
    "page-fault": "page fault",
    "general-protection-fault": "general protection fault",
    "divide-error": "division by zero",
    "invalid-opcode": "invalid instruction",
    "kernel-bug": "kernel BUG",
    "kasan": "KASAN report",
    "kcsan": "KCSAN report",
    "kmsan": "KMSAN report",
    "kfence": "KFENCE report",
    "ubsan": "UBSAN report",
    "asan": "AddressSanitizer report",
    "fortify": "FORTIFY report",
    "usercopy": "usercopy report",
    "list-corruption": "corrupted list",
    "stack-overflow": "stack overflow",
    "atomic-sleep": "sleep in atomic context",
    "external-abort": "external abort",
    "unaligned-access": "unaligned access",
    "bad-state": "bad state",
    "warning": "warning",
    "trap": "trap",
    "oops": "oops",
    "signal": "signal",
    "backtrace": "backtrace",
    "suspended": "suspended pool",
}
"""Kinds of failures that are neither an assertion nor a panic with a message, in words."""

_NUMBER = re.compile(r"\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b")
_POOL = re.compile(r"^Pool '[^']*'")


@dataclasses.dataclass(slots=True)
class Event:
    """One failure. `line` counts from 1, `offset` in bytes; `cut` if a part is lost, `mixed` if frames of
    another failure may be among its own.

    `what` is a key of `KINDS`, empty for an assertion or a panic's message; `detail` what is said of it;
    `counter` the function that the registers name. `stamp` is seconds since boot as printed, `clock` the
    time of
    day as printed, `channel` how its lines begin: what tells two tellings of one failure from two failures.
    `retold` counts the other places where the log tells this very failure. `versions` are releases that the
    log
    names: `zfs`, `kernel`, `freebsd`.
    """

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
    what: str = ""
    detail: str = ""
    module: str = ""
    counter: Frame | None = None
    stamp: str = ""
    clock: str = ""
    channel: str = ""
    retold: int = 0
    versions: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def kind(self) -> str:
        """assertion, panic, or what else it is."""
        return self.what or ("panic" if self.assertion is None and self.message else "assertion")

    @property
    def ours(self) -> list[Frame]:
        """OpenZFS's frames, innermost first, the function that was running among them."""
        frames = signature_frames(self.frames)
        at = self.counter
        if at is None or not looks_like_zfs(at) or any(frame.function == at.function for frame in frames[:1]):
            return frames
        if any(frame.module for frame in frames) and not (at.module or names_zfs(at.function)):
            return frames
        return [at, *frames]

    @property
    def stack(self) -> tuple[str, ...]:
        """The names of `ours`."""
        return tuple(frame.function for frame in self.ours)

    @property
    def place(self) -> str:
        """file:function, the base name of the file; `?` for what the log does not say.

        FreeBSD prints no place, and no oops does: the function is then the innermost one of the stack,
        which is
        the caller of the failed function where the compiler put the one into the other.
        """
        function, file = self.function, self.file.rpartition("/")[2]
        ours = [] if function and file else self.ours
        if not function:
            function = ours[0].function if ours else "?"
        if not file and ours and ours[0].function == function:
            file = ours[0].file
        return f"{file or '?'}:{function}"

    @property
    def expression(self) -> str:
        """The condition without values, the message of a panic that has none, its numbers as N, or the
        detail."""
        if self.assertion is not None:
            return self.assertion.expression
        return self.detail if self.what else _NUMBER.sub("N", _POOL.sub("Pool '...'", self.message))

    @property
    def signature(self) -> Signature:
        """What makes this failure the same as another one."""
        return Signature(self.kind, self.place, self.expression, self.stack)
