"""Heads of FreeBSD, illumos, macOS and Windows kernels and of their crash dumps' tools. Knows no Linux and
no trace."""

from __future__ import annotations

import re
from typing import NamedTuple


class SystemHead(NamedTuple):
    """The text with which a system says that it panicked, without what it puts before it.

    `what` is the kind of a fault, empty for a panic of which the text must tell; `system` is one of freebsd,
    illumos, macos, windows. `joins` is True where the line goes on with a fault that another line began.
    """

    system: str
    text: str = ""
    what: str = ""
    detail: str = ""
    joins: bool = False
    function: str = ""
    cpu: int = -1


_FAULTS = re.compile(
    r"(?P<page>(?:vm_fault|page fault|vm_fault_lookup|data abort|Unhandled EL\d|fatal kernel trap"
    r"|vm_fault failed"
    r"|pagefault|Kernel trap .*type ?14=page fault|Kernel data abort|Data abort|Memory modified after free))"
    r"|(?P<gpf>general protection fault|type 13=general protection)"
    r"|(?P<stack>double fault|stack overflow|kernel stack (?:overflow|guard)|type 8=double)"
    r"|(?P<divide>integer divide fault|type 0=divide)"
    r"|(?P<opcode>privileged instruction fault|illegal instruction|type 6=invalid opcode)"
    r"|(?P<other>trap: |unknown/reserved trap|non-maskable interrupt trap|breakpoint instruction fault"
    r"|Kernel trap )"
)
_KIND = {
    "page": "page-fault",
    "gpf": "general-protection-fault",
    "stack": "stack-overflow",
    "divide": "divide-error",
    "opcode": "invalid-opcode",
    "other": "trap",
}
_TRAP_TYPES = {"e": "page", "d": "gpf", "8": "stack", "0": "divide", "6": "opcode"}

_FATAL = re.compile(
    r"Fatal (?:trap (?P<number>\d+)|(?P<double>double fault)|(?P<kernel>kernel mode |)data abort)"
)
_FATAL_NUMBERS = {"12": "page", "9": "gpf", "23": "stack", "8": "stack", "18": "divide", "1": "opcode"}
_ILLUMOS = re.compile(r"panic\[cpu(?P<cpu>\d+)\]/thread=[0-9a-f]+: ?(?P<text>.*)")
_BAD_TRAP = re.compile(
    r"BAD TRAP: type=(?P<type>[0-9a-f]+) (?:\([^)]*\) )?(?:rp=\S+ addr=\S+)?"
    r"(?:.*due to (?:a |an )?(?P<why>NULL pointer dereference|illegal access to a user address|\w[\w ]+))?"
)
_MACOS = re.compile(r"panic\(cpu (?P<cpu>\d+) caller [^)]*\): (?P<text>.*)")
_DUMPED = re.compile(
    r"(?:reboot after panic: |[Pp]anic [Ss]tring: |panic message: |panicstr(?:ing)? ?[=:] |panic string: +"
    r"|PANIC: \")"
    r"(?P<text>.+)"
)
_BSD = re.compile(r"(?:^|\W)panic: +(?P<text>.+)")
_WINDOWS = re.compile(
    r"(?:Access violation - code c0000005|KMODE_EXCEPTION_NOT_HANDLED|SYSTEM_(?:THREAD|SERVICE)_EXCEPTION\w*"
    r"|PAGE_FAULT_IN_NONPAGED_AREA|IRQL_NOT_LESS_OR_EQUAL|DRIVER_IRQL\w*"
    r"|\*\*\* Fatal System Error: 0x[0-9a-f]+"
    r"|\*\*\* STOP: 0x[0-9A-Fa-f]+|KERNEL_SECURITY_CHECK_FAILURE|DPC_WATCHDOG_VIOLATION"
    r"|UNEXPECTED_KERNEL_MODE_TRAP"
    r"|BugCheck [0-9A-F]+)"
)
_PROBABLY = re.compile(
    r"(?:Probably caused by ?: \S+ \( |FAILURE_BUCKET_ID: +\S*?_|SYMBOL_NAME: +)(?:OpenZFS"
    r"|ZFSin)!(?P<function>\w+)"
)
_PREFIX = re.compile(r"(?:(?:Solaris|zfs)\(panic\): )")
_GENERIC = re.compile(r"(?:from debugger|watchdog|Fatal exception|Oops)")
WORDS = (
    "panic",
    "Panic",
    "Fatal ",
    'PANIC: "',
    "BAD TRAP",
    "EXCEPTION",
    "FAULT",
    "violation",
    "STOP",
    "BugCheck",
    "IRQL",
)


def parse_system(text: str) -> SystemHead | None:
    """What another system than Linux says on this line, or None."""
    match = _FATAL.search(text)
    if match is not None:
        name = _FATAL_NUMBERS.get(match["number"] or "", "other") if match["number"] else "page"
        return SystemHead("freebsd", what=_KIND["stack" if match["double"] else name])
    match = _ILLUMOS.search(text)
    if match is not None:
        return _illumos(match["text"], int(match["cpu"][:4]))
    match = _MACOS.search(text)
    if match is not None:
        fault = _fault(match["text"].lstrip('"'))
        return SystemHead("macos", match["text"], fault, cpu=int(match["cpu"][:4]))
    match = _DUMPED.search(text) or _BSD.search(text)
    if match is not None:
        return _panic(match["text"].strip().strip('"'))
    if "BAD TRAP" in text:
        return _illumos(text[text.index("BAD TRAP") :], -1)
    match = _WINDOWS.search(text)
    if match is not None:
        where = _PROBABLY.search(text)
        return SystemHead(
            "windows", what="page-fault", joins=True, function=where["function"] if where else ""
        )
    return None


def without_prefix(text: str) -> str:
    """A panic's text without what vcmn_err() of FreeBSD puts before it, in each release."""
    return _PREFIX.sub("", text, count=1)


def has_prefix(text: str) -> bool:
    """True for a panic that FreeBSD's port of ZFS marks as its own."""
    return _PREFIX.match(text) is not None


def _panic(text: str) -> SystemHead | None:
    if text.startswith("BAD TRAP"):
        return _illumos(text, -1)
    if text.startswith(("BUG", "Oops", "Unable", "general protection", "kernel BUG", "Kernel panic", "NMI")):
        return None  # what crash(8) repeats of a Linux kernel's words
    if _GENERIC.match(text):
        return None
    fault = _fault(text)
    return SystemHead("freebsd", text, fault, joins=bool(fault))


def _illumos(text: str, cpu: int) -> SystemHead:
    match = _BAD_TRAP.match(text)
    if match is None:
        return SystemHead("illumos", text, cpu=cpu)
    kind = _KIND[_TRAP_TYPES.get(match["type"], "other")]
    if match["why"] == "NULL pointer dereference":
        kind = "null-dereference"
    return SystemHead("illumos", text, kind, cpu=cpu)


def _fault(text: str) -> str:
    match = _FAULTS.match(text)
    return "" if match is None else _KIND[str(match.lastgroup)]
