"""What a guest's console says of its end, in the words that all targets share. The reading is triage's."""

from __future__ import annotations

import re

from fuzz.evidence.triage.stream import Scanner
from fuzz.judge.signature import Failure, Signature

KEPT_LINES = 30
_TIME = re.compile(r"^\[ *\d+\.\d+\] ")
_TROUBLE = re.compile(r"VERIFY|PANIC|BUG:|INFO: task|Kernel panic|Oops|general protection|sysrq:")
_NOISE = re.compile(
    r" \? | *$| </?(?:TASK|IRQ)>|(?!RIP)(?:R\w\w|FS|CS|CR\d|PKRU|DR\d): |RIP: 0033|Code:|CPU: "
    r"|Modules linked|Hardware name|Kernel Offset| +Tainted:|\"echo 0|---\[|#PF:"
)


def events_of(text: bytes) -> list[tuple[Signature, bool]]:
    """Signatures of the failures in a console's text."""
    scanner = Scanner()
    events = [*scanner.feed(text), *scanner.close()]
    return [(event.signature, event.cut) for event in events]


def failure_of(text: bytes, verb: str, op: int) -> Failure:
    """The first failure that the console tells."""
    for signature, _ in events_of(text):
        return Failure(signature, shortened(text), op)
    return Failure(Signature("panic", f"?:{verb}", "the kernel goes on"), shortened(text), op)


def silence_of(text: bytes, verb: str, op: int) -> Failure:
    """An op without an answer: what its kernel printed when asked who waits for whom."""
    return Failure(Signature("hang", f"?:{verb}", "no answer"), shortened(text) or "no answer", op)


def shortened(text: bytes) -> str:
    """A console's text from the first line of trouble on: heads, where the processor stood, and who called.
    Without times, registers, and what the stack's walker was not sure of."""
    lines = [_TIME.sub("", line) for line in text.decode(errors="replace").splitlines()]
    first = next((at for at, line in enumerate(lines) if _TROUBLE.search(line)), 0)
    return "\n".join([line for line in lines[first:] if not _NOISE.match(line)][:KEPT_LINES])
