"""Heads of FreeBSD, illumos, macOS and Windows kernels and of their crash dumps' tools. Knows no Linux and no
trace."""

from __future__ import annotations

import re

from fuzz.evidence.triage.containers.log_prefixes import Line
from fuzz.evidence.triage.failed_assertion import joined_strings, parse_macro, parse_plain
from fuzz.evidence.triage.heads.head import DUMPERS, Head, Row, at, by_kernel, number

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
_FATAL_NUMBERS = {"12": "page", "9": "gpf", "23": "stack", "8": "stack", "18": "divide", "1": "opcode"}
_BAD_TRAP = re.compile(
    r"BAD TRAP: type=(?P<type>[0-9a-f]+) (?:\([^)]*\) )?(?:rp=\S+ addr=\S+)?"
    r"(?:.*due to (?:a |an )?(?P<why>NULL pointer dereference|illegal access to a user address|\w[\w ]+))?"
)
_IN_ZFS = re.compile(r'occurred in module "(?:zfs|spl)"')
_PROBABLY = re.compile(
    r"(?:Probably caused by ?: \S+ \( |FAILURE_BUCKET_ID: +\S*?_|SYMBOL_NAME: +)(?:OpenZFS"
    r"|ZFSin)!(?P<function>\w+)"
)
_OF_ZEVO = re.compile(
    r"\"?ZFS assertion failed: (?P<text>.*?)\"?(?:@(?P<file>[\w./\-]+\.[ch]):(?P<line>\d+))?$"
)
"""An assertion of ZEVO, a ZFS for macOS before OpenZFS's."""
_PREFIX = re.compile(r"(?:(?:Solaris|zfs)\(panic\): )")
_GENERIC = re.compile(r"(?:from debugger|watchdog|Fatal exception|Oops)")
_LINUX = ("BUG", "Oops", "Unable", "general protection", "kernel BUG", "Kernel panic", "NMI")
_WITH_FILE = re.compile(
    r"(?:solaris assert: |assertion failed: )?(?P<text>.*?)"
    r"(?:, ?file: ?(?P<file>\S+?\.[chS]),? ?(?:line)?:? ?(?P<line>\d+)"
    r"|(?:,(?: (?:f(?:i(?:l(?:e(?::.*)?)?)?)?)?)?)?$)"
)
_NAMED = re.compile(r"(?:solaris assert: |assertion failed: )")
_AT_FILE = re.compile(r"@(?P<file>[\w./\-]+\.[ch]):(?P<line>\d+)")
_OWN_PANIC = re.compile(
    r"(?:zfs: |Pool '[^']*' has encountered an uncorrectable"
    r"|No such hold |dirtying (?:dbuf|snapshot)|freed data not zero|buffer modified while )"
)


def own_panic(text: str) -> bool:
    """True for the text of a panic that is OpenZFS's beyond doubt."""
    return _OWN_PANIC.match(text) is not None


def _heard(line: Line) -> bool:
    """True for what a kernel says and what is said of one that panicked; Linux has forms of its own."""
    return (by_kernel(line) or line.program in DUMPERS) and "Kernel panic - not syncing" not in line.text


def _fatal_trap(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    name = _FATAL_NUMBERS.get(match["number"] or "", "other") if match["number"] else "page"
    what = _KIND["stack" if match["double"] else name]
    return Head("freebsd", what=what) if _heard(line) else None


def _illumos_panic(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    return _illumos(match["text"], number(match["cpu"])) if _heard(line) else None


def _macos_panic(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    head = Head("macos", what=_fault(match["text"].lstrip('"')), cpu=number(match["cpu"]))
    return _said(head, match["text"]) if _heard(line) else None


def _panic_string(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    text = match["text"].strip().strip('"')
    if text.startswith("BAD TRAP"):
        return _illumos(text, -1) if _heard(line) else None
    if text.startswith(_LINUX) or _GENERIC.match(text) or not _heard(line):
        return None  # what crash(8) repeats of a Linux kernel's words
    fault = _fault(text)
    return _said(Head("freebsd", what=fault, joins=bool(fault)), text)


def _bad_trap(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    """What the console puts on a line of its own, behind panic[cpu]."""
    return _illumos(match["text"], -1)._replace(joins=True) if _heard(line) else None


def _illumos_assertion(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    """What the console put on a line of its own, behind panic[cpu]."""
    head = Head("illumos", opens=False)
    return _said(head, match["text"]) if _heard(line) else None


def _windows_stop(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    where = _PROBABLY.search(line.text)
    head = Head("windows", what="page-fault", joins=True, function=where["function"] if where else "")
    return head if _heard(line) else None


def _signal(row: Row, line: Line, match: re.Match[str]) -> Head:
    return Head("debugger", what="signal", detail=match["signal"])


PANICS = (
    Row(
        ("Fatal ",),
        re.compile(r"Fatal (?:trap (?P<number>\d+)|(?P<double>double fault)|(?:kernel mode )?data abort)"),
        _fatal_trap,
    ),
    Row(
        ("panic[cpu",),
        re.compile(r"panic\[cpu(?P<cpu>\d+)\]/thread=[0-9a-f]+: ?(?P<text>.*)"),
        _illumos_panic,
    ),
    Row(
        ("panic(cpu",),
        re.compile(r"panic\(cpu (?P<cpu>\d+) caller [^)]*\): (?P<text>.*)"),
        _macos_panic,
    ),
    Row(
        ("panic", "Panic", 'PANIC: "'),
        re.compile(
            r"(?:reboot after panic: |[Pp]anic [Ss]tring: |panic message: |panicstr(?:ing)? ?[=:] "
            r"|panic string: +|PANIC: \")(?P<text>.+)"
        ),
        _panic_string,
    ),
    Row(("panic:",), re.compile(r"(?:^|\W)panic: +(?P<text>.+)"), _panic_string),
    Row(
        ("assertion failed: ",),
        re.compile(r"^\s*(?P<text>assertion failed: .*, file: \S+\.[chS], line: \d+)"),
        _illumos_assertion,
    ),
    # What gdb and lldb say of a process, before its stack. What aborts is an assertion.
    Row(
        ("signal", "stop reason"),
        re.compile(
            r"(?:received|terminated with|stop reason =) signal (?:7|8|11|4|10)?,? ?"
            r"(?P<signal>SIG(?:SEGV|BUS|FPE|ILL)|Segmentation fault|Bus error|Arithmetic exception"
            r"|Illegal instruction)"
        ),
        _signal,
    ),
    Row(("BAD TRAP",), re.compile(r"(?P<text>BAD TRAP.*)"), _bad_trap),
    Row(
        ("EXCEPTION", "FAULT", "violation", "STOP", "BugCheck", "IRQL", "Fatal System", "FAILURE", "TRAP"),
        re.compile(
            r"(?:Access violation - code c0000005|KMODE_EXCEPTION_NOT_HANDLED"
            r"|SYSTEM_(?:THREAD|SERVICE)_EXCEPTION\w*|PAGE_FAULT_IN_NONPAGED_AREA|IRQL_NOT_LESS_OR_EQUAL"
            r"|DRIVER_IRQL\w*|\*\*\* Fatal System Error: 0x[0-9a-f]+|\*\*\* STOP: 0x[0-9A-Fa-f]+"
            r"|KERNEL_SECURITY_CHECK_FAILURE|DPC_WATCHDOG_VIOLATION|UNEXPECTED_KERNEL_MODE_TRAP"
            r"|BugCheck [0-9A-F]+)"
        ),
        _windows_stop,
    ),
)
"""The first form that a line fits and that makes a head of it counts."""


def _said(head: Head, text: str) -> Head:
    """The head with the assertion that a panic's text tells, or with the text itself; a fault tells no more.

    vcmn_err() of FreeBSD puts what it is before the text, another word in each release.
    """
    if head.what or not text:
        return head
    own, text = _PREFIX.match(text) is not None, _PREFIX.sub("", text, count=1)
    if head.form == "macos":
        if (match := _OF_ZEVO.match(text)) is not None:
            return at(head._replace(assertion=parse_plain(match["text"]), sure=True), match)
        assertion = parse_macro(joined_strings(text))
        if assertion is not None:
            where = _AT_FILE.search(text)
            if where is not None and where["file"].startswith("spl-"):
                where = None  # the porting layer's own function that panics for all of them
            head = head._replace(assertion=assertion._replace(extra=""), sure=True)
            return head if where is None else at(head, where)
        text = joined_strings(text).strip('"')
    assertion = parse_macro(text)
    if assertion is not None:
        sure = assertion.macro.startswith("VERIFY") and not assertion.column
        return head._replace(assertion=assertion, sure=sure)
    match = _WITH_FILE.match(text)
    if match is not None and (match["file"] or _NAMED.match(text)):
        plain = parse_plain(match["text"])
        zfs = _NAMED.match(text) is not None and "solaris" in text[:8]
        own_file = "/zfs/" in (match["file"] or "")
        made = None if plain is None else plain._replace(macro="ASSERT")
        head = head._replace(assertion=made, sure=zfs or own_file)
        return at(head, match)._replace(cut=match["file"] is None)
    return head._replace(message=text, sure=own or own_panic(text))


def _illumos(text: str, cpu: int) -> Head:
    match = _BAD_TRAP.match(text)
    if match is None:
        return _said(Head("illumos", cpu=cpu), text)
    zfs = _IN_ZFS.search(text) is not None
    null = match["why"] == "NULL pointer dereference"
    kind = "null-dereference" if null else _KIND[_TRAP_TYPES.get(match["type"], "other")]
    return Head("illumos", what=kind, cpu=cpu, sure=zfs, module="zfs" if zfs else "")


def _fault(text: str) -> str:
    match = _FAULTS.match(text)
    return "" if match is None else _KIND[str(match.lastgroup)]
