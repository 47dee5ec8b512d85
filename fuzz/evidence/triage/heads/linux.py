"""The lines with which a Linux kernel says that it failed otherwise than by an assertion of ZFS.

A fault, a lockup, a stall, a sanitizer's report; on x86, arm, arm64, ppc64, s390 and riscv. Whether ZFS
had to do with it, its trace must show. Release builds of OpenZFS have no ASSERTs: most of their failures
look like these.
"""

from __future__ import annotations

import re

from fuzz.evidence.triage.containers.log_prefixes import Line
from fuzz.evidence.triage.heads.head import Head, Row, by_kernel, number

ONLY_WAITING = ("hung-task",)
"""Kinds that say of a thread only that it waits; after a failure it waits for the one that failed."""

_IN = (
    r"(?P<function>[A-Za-z_]\w*)(?:\.\w+)*(?:\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?)?(?: \[(?P<module>\w+)[^\]]*\])?"
)
_AT = r"(?P<file>[^\s:]+\.[chS]):(?P<line>\d{1,6})"
_WHO = r"\[(?P<process>[^\]]{1,32}?):(?P<pid>\d{1,8})\]"
_OF_LINUX = re.compile(r"(?:\./)?(?:lib|mm|kernel|arch|include|fs|block|net|drivers|security)/")


def _said(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    """What the form's groups say; the file only where it is not one of Linux, which looks there on behalf of
    the function that its trace names."""
    if not by_kernel(line):
        return None
    found = {name: value for name, value in match.groupdict().items() if value}
    if _OF_LINUX.match(found.get("file", "")):
        del found["file"], found["line"]
    return Head(
        "kernel",
        what=row.what,
        joins=row.joins,
        detail=found.get("detail", "").strip().lower(),
        function=found.get("function", ""),
        module=found.get("module", ""),
        file=found.get("file", ""),
        line=number(found.get("line")),
        process=found.get("process", ""),
        pid=number(found.get("pid")),
        cpu=number(found.get("cpu"), -1),
    )


def _row(what: str, words: str, form: str, joins: bool = False) -> Row:
    return Row(tuple(words.split("|")), re.compile(form), _said, what, joins)


def _more(what: str, words: str, form: str) -> Row:
    """A row of what goes on with a failure that another line may have begun."""
    return _row(what, words, form, joins=True)


FAULTS = (
    _row("kasan", "KASAN", rf"BUG: KASAN: (?P<detail>[\w\- ()]+?) in {_IN}"),
    _row(
        "kasan",
        "KASAN",
        r"KASAN: (?P<detail>(?:null-ptr-deref|maybe wild-memory-access|probably [\w\-]+)) in range",
    ),
    _row("kcsan", "KCSAN", rf"BUG: KCSAN: (?P<detail>[\w\-]+) in {_IN}"),
    _row("kmsan", "KMSAN", rf"BUG: KMSAN: (?P<detail>[\w\-]+) in {_IN}"),
    _row("kfence", "KFENCE", rf"BUG: KFENCE: (?P<detail>[\w\- ]+) in {_IN}"),
    _row("ubsan", "UBSAN", rf"UBSAN: (?P<detail>[\w\- ]+?) in {_AT}"),
    _row("ubsan", "UBSan", rf"UBSan: (?P<detail>Undefined Behavior) in {_AT}"),
    _row("soft-lockup", "soft lockup", rf"BUG: soft lockup - CPU#(?P<cpu>\d+) stuck for \d+s! {_WHO}"),
    _row("soft-lockup", "soft lockup", r"BUG: soft lockup(?: detected on| - )? ?CPU#?(?P<cpu>\d+)"),
    _row("hard-lockup", "LOCKUP", r"Watchdog detected hard LOCKUP on cpu ?(?P<cpu>\d+)"),
    _row(
        "hard-lockup",
        "LOCKUP",
        rf"watchdog: CPU (?P<cpu>\d+) (?:self-detected )?[Hh]ard LOCKUP(?: @ {_IN})?",
    ),
    _more("hard-lockup", "LOCKUP", r"Kernel panic - not syncing: (?:Watchdog detected hard|Hard) LOCKUP"),
    _more("soft-lockup", "softlockup", r"Kernel panic - not syncing: softlockup"),
    _row(
        "rcu-stall", "detected ", r"INFO: (?P<detail>rcu\w*) (?:self-)?detected (?:expedited )?stalls? on CPU"
    ),
    _row(
        "hung-task",
        "blocked",
        r"INFO: task (?P<process>.{1,40}?):(?P<pid>\d{1,8}) blocked for more than \d+ sec",
    ),
    _row(
        "hung-task",
        "blocked",
        r"INFO: task (?P<process>.{1,40}?):(?P<pid>\d{1,8}) (?:is )?blocked (?:on|in I/O wait for)",
    ),
    _more("hung-task", "hung_task", r"Kernel panic - not syncing: hung_task"),
    _row(
        "fortify",
        "detected ",
        r"detected (?P<detail>buffer overflow|field-spanning (?:write|read)) (?:in|\()",
    ),
    _row("fortify", "detected ", r"\w+: (?P<detail>detected field-spanning (?:write|read))"),
    _row("usercopy", "usercopy", r"usercopy: Kernel memory (?P<detail>\w+) attempt detected"),
    _row("list-corruption", "corruption", r"(?P<detail>list_(?:add|del) corruption)"),
    _row("stack-overflow", "stack", r"BUG: (?:TASK|IRQ|NMI|#DF|\w+)? ?stack guard page was hit"),
    _row("stack-overflow", "stack", r"BUG: (?:kernel )?stack overflow"),
    _row("stack-overflow", "stack", r"[Kk]ernel stack overflow|Insufficient stack space to handle"),
    _row(
        "stack-overflow",
        "stack",
        r"Thread overran stack|stack-protector: Kernel stack is corrupted in: (?:0x)?(?P<function>\w+)",
    ),
    _row("stack-overflow", "stack", r"corrupted stack end detected"),
    _more("stack-overflow", "double fault", r"double fault: 0000|PANIC: double fault"),
    _row(
        "null-dereference",
        "NULL pointer",
        r"BUG: (?:unable to handle kernel|kernel) NULL pointer dereference",
    ),
    # ppc64 says "Kernel attempted to read user page" before it.
    _more("null-dereference", "NULL pointer", r"BUG: Kernel NULL pointer dereference"),
    _row("null-dereference", "NULL pointer", r"[Uu]nable to handle kernel NULL pointer dereference"),
    _more(
        "null-dereference",
        "Kernel attempted",
        r"Kernel attempted to (?:read|write) user page \((?:0x)?0{0,16}[0-9a-f]{1,3}\)",
    ),
    _more("page-fault", "Kernel attempted", r"Kernel attempted to (?:read|write|execute) user page"),
    _row(
        "page-fault",
        "nable to handle",
        r"BUG: unable to handle (?:kernel )?(?:page fault|paging request|data access)",
    ),
    _more("page-fault", "nable to handle", r"BUG: Unable to handle kernel"),
    _row(
        "page-fault",
        "nable to handle",
        r"Unable to handle kernel (?:paging request|access to user memory|write to read-only)",
    ),
    _row("page-fault", "nable to handle", r"Unable to handle kernel"),
    _more(
        "general-protection-fault",
        "general protection",
        r"(?:Oops: )?general protection fault(?:, maybe)?[,:]",
    ),
    _more("kernel-bug", "BUG", rf"kernel BUG at {_AT}"),
    _more("kernel-bug", "BUG", r"kernel BUG at (?P<function>[a-z_]\w*)\+"),
    _row(
        "atomic-sleep",
        "BUG",
        r"BUG: (?P<detail>scheduling while atomic|sleeping function called from invalid context)",
    ),
    _more("divide-error", "divide error", r"divide error: [0-9a-f]{4} \[#\d+\]"),
    _more("divide-error", "divide error", r"Oops: divide error: [0-9a-f]{4}"),
    _more("invalid-opcode", "invalid opcode", r"(?:Oops: )?invalid opcode: [0-9a-f]{4} \[#\d+\]"),
    _more("page-fault", "exception: ", r"addressing exception: [0-9a-f]{4}"),
    _more(
        "invalid-opcode",
        "exception: |illegal operation",
        r"(?:illegal operation|specification exception): [0-9a-f]{4}",
    ),
    _more("external-abort", "Internal error", r"Internal error: (?P<detail>synchronous external abort)"),
    _more("kernel-bug", "Internal error", r"Internal error: Oops - BUG"),
    _more("oops", "Internal error", r"Internal error: "),
    _more("oops", "Oops", r"Oops:? .{0,60}\[#\d+\]"),
    _more("oops", "Oops", r"Oops:? .{0,60}sig: \d+"),
    _more("oops", "[#", r"[a-z ]{4,30}: [0-9a-f]{4} \[#\d+\]"),
    _row("unaligned-access", "Unaligned access|alignment", r"Unaligned access|alignment exception"),
    _row(
        "bad-state", "BUG", r"BUG: (?P<detail>Bad page state|Bad rss-counter|workqueue lockup|spinlock[\w ]*)"
    ),
    _more("warning", "WARNING: ", rf"WARNING: CPU: (?P<cpu>\d+) PID: (?P<pid>\d+) at {_AT} {_IN}"),
    _more(
        "warning",
        "WARNING: ",
        rf"WARNING: {_AT} at {_IN}, CPU#(?P<cpu>\d+): (?P<process>[^/]{{1,32}})/(?P<pid>\d+)",
    ),
)
"""The first form that a line fits counts."""
