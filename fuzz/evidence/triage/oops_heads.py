"""The lines with which a Linux kernel says that it failed otherwise than by an assertion of ZFS.

A fault, a lockup, a stall, a sanitizer's report; on x86, arm, arm64, ppc64, s390 and riscv. Whether ZFS had
to
do with it, its trace must show. Release builds of OpenZFS have no ASSERTs: most of their failures look like
these.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fuzz.evidence.triage.containers.log_prefixes import Line

ONLY_WAITING = ("hung-task",)
"""Kinds that say of a thread only that it waits; after a failure it waits for the one that failed."""


class Oops(NamedTuple):
    """What such a line tells. `what` is the kind of failure; `detail` what the kernel says more exactly,
    without
    values; `joins` is True where the line goes on with a failure that another line may have begun."""

    what: str
    detail: str = ""
    joins: bool = False
    function: str = ""
    module: str = ""
    file: str = ""
    line: int = 0
    process: str = ""
    pid: int = 0
    cpu: int = -1


_IN = (
    r"(?P<function>[A-Za-z_]\w*)(?:\.\w+)*(?:\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?)?(?: \[(?P<module>\w+)[^\]]*\])?"
)
_AT = r"(?P<file>[^\s:]+\.[chS]):(?P<line>\d{1,6})"
_WHO = r"\[(?P<process>[^\]]{1,32}?):(?P<pid>\d{1,8})\]"

# The kind, whether the line joins a failure begun before, the form. The first that fits counts.
_TABLE: tuple[tuple[str, bool, str], ...] = (
    ("kasan", False, rf"BUG: KASAN: (?P<detail>[\w\- ()]+?) in {_IN}"),
    (
        "kasan",
        False,
        r"KASAN: (?P<detail>(?:null-ptr-deref|maybe wild-memory-access|probably [\w\-]+)) in range",
    ),
    ("kcsan", False, rf"BUG: KCSAN: (?P<detail>[\w\-]+) in {_IN}"),
    ("kmsan", False, rf"BUG: KMSAN: (?P<detail>[\w\-]+) in {_IN}"),
    ("kfence", False, rf"BUG: KFENCE: (?P<detail>[\w\- ]+) in {_IN}"),
    ("ubsan", False, rf"UBSAN: (?P<detail>[\w\- ]+?) in {_AT}"),
    ("ubsan", False, rf"UBSan: (?P<detail>Undefined Behavior) in {_AT}"),
    ("soft-lockup", False, rf"BUG: soft lockup - CPU#(?P<cpu>\d+) stuck for \d+s! {_WHO}"),
    ("soft-lockup", False, r"BUG: soft lockup(?: detected on| - )? ?CPU#?(?P<cpu>\d+)"),
    ("hard-lockup", False, r"Watchdog detected hard LOCKUP on cpu ?(?P<cpu>\d+)"),
    ("hard-lockup", False, rf"watchdog: CPU (?P<cpu>\d+) (?:self-detected )?[Hh]ard LOCKUP(?: @ {_IN})?"),
    ("hard-lockup", True, r"Kernel panic - not syncing: (?:Watchdog detected hard|Hard) LOCKUP"),
    ("soft-lockup", True, r"Kernel panic - not syncing: softlockup"),
    ("rcu-stall", False, r"INFO: (?P<detail>rcu\w*) (?:self-)?detected (?:expedited )?stalls? on CPU"),
    (
        "hung-task",
        False,
        r"INFO: task (?P<process>.{1,40}?):(?P<pid>\d{1,8}) blocked for more than \d+ seconds",
    ),
    (
        "hung-task",
        False,
        r"INFO: task (?P<process>.{1,40}?):(?P<pid>\d{1,8}) (?:is )?blocked (?:on|in I/O wait for)",
    ),
    ("hung-task", True, r"Kernel panic - not syncing: hung_task"),
    ("fortify", False, r"detected (?P<detail>buffer overflow|field-spanning (?:write|read)) (?:in|\()"),
    ("fortify", False, r"\w+: (?P<detail>detected field-spanning (?:write|read))"),
    ("usercopy", False, r"usercopy: Kernel memory (?P<detail>\w+) attempt detected"),
    ("list-corruption", False, r"(?P<detail>list_(?:add|del) corruption)"),
    ("stack-overflow", False, r"BUG: (?:TASK|IRQ|NMI|#DF|\w+)? ?stack guard page was hit"),
    ("stack-overflow", False, r"BUG: (?:kernel )?stack overflow"),
    (
        "stack-overflow",
        False,
        r"kernel stack overflow|Kernel stack overflow|Insufficient stack space to handle",
    ),
    (
        "stack-overflow",
        False,
        r"Thread overran stack|stack-protector: Kernel stack is corrupted in: (?:0x)?(?P<function>\w+)",
    ),
    ("stack-overflow", False, r"corrupted stack end detected"),
    ("stack-overflow", True, r"double fault: 0000|PANIC: double fault"),
    ("null-dereference", False, r"BUG: (?:unable to handle kernel|kernel) NULL pointer dereference"),
    # ppc64 says "Kernel attempted to read user page" before it.
    ("null-dereference", True, r"BUG: Kernel NULL pointer dereference"),
    ("null-dereference", False, r"[Uu]nable to handle kernel NULL pointer dereference"),
    (
        "null-dereference",
        True,
        r"Kernel attempted to (?:read|write) user page \((?:0x)?0{0,16}[0-9a-f]{1,3}\)",
    ),
    ("page-fault", True, r"Kernel attempted to (?:read|write|execute) user page"),
    (
        "page-fault",
        False,
        r"BUG: unable to handle (?:kernel )?(?:page fault|paging request|data access)",
    ),
    ("page-fault", True, r"BUG: Unable to handle kernel"),
    (
        "page-fault",
        False,
        r"Unable to handle kernel (?:paging request|access to user memory|write to read-only)",
    ),
    ("page-fault", False, r"Unable to handle kernel (?:pointer dereference|.{1,30}) (?:in|at) virtual"),
    ("page-fault", False, r"Unable to handle kernel"),
    ("general-protection-fault", True, r"(?:Oops: )?general protection fault(?:, maybe)?[,:]"),
    ("kernel-bug", True, rf"kernel BUG at {_AT}"),
    ("kernel-bug", True, r"kernel BUG at (?P<function>[a-z_]\w*)\+"),
    (
        "atomic-sleep",
        False,
        r"BUG: (?P<detail>scheduling while atomic|sleeping function called from invalid context)",
    ),
    ("divide-error", True, r"divide error: [0-9a-f]{4} \[#\d+\]"),
    ("divide-error", True, r"Oops: divide error: [0-9a-f]{4}"),
    ("invalid-opcode", True, r"(?:Oops: )?invalid opcode: [0-9a-f]{4} \[#\d+\]"),
    ("page-fault", True, r"addressing exception: [0-9a-f]{4}"),
    ("invalid-opcode", True, r"(?:illegal operation|specification exception): [0-9a-f]{4}"),
    ("external-abort", True, r"Internal error: (?P<detail>synchronous external abort)"),
    ("kernel-bug", True, r"Internal error: Oops - BUG"),
    ("oops", True, r"Internal error: "),
    ("oops", True, r"Oops:? .{0,60}\[#\d+\]"),
    ("oops", True, r"Oops:? .{0,60}sig: \d+"),
    ("oops", True, r"[a-z ]{4,30}: [0-9a-f]{4} \[#\d+\]"),
    ("unaligned-access", False, r"Unaligned access|alignment exception"),
    ("bad-state", False, r"BUG: (?P<detail>Bad page state|Bad rss-counter|workqueue lockup|spinlock[\w ]*)"),
    ("warning", True, rf"WARNING: CPU: (?P<cpu>\d+) PID: (?P<pid>\d+) at {_AT} {_IN}"),
    (
        "warning",
        True,
        rf"WARNING: {_AT} at {_IN}, CPU#(?P<cpu>\d+): (?P<process>[^/]{{1,32}})/(?P<pid>\d+)",
    ),
)
_FORMS = tuple((what, joins, re.compile(form)) for what, joins, form in _TABLE)
_OF_LINUX = re.compile(r"(?:\./)?(?:lib|mm|kernel|arch|include|fs|block|net|drivers|security)/")
WORDS = (
    "BUG",
    "UBS",
    "INFO: ",
    "LOCKUP",
    "Oops",
    "nable to handle",
    "general protection",
    "detected ",
    "Internal error",
    "kernel stack",
    "Kernel stack",
    "Kernel attempted",
    "KASAN",
    "stack",
    "[#",
    "exception: ",
    "corruption",
    "usercopy",
    "softlockup",
    "double fault",
    "WARNING: ",
)
"""One of these is in every line that a form can match."""


def parse_oops(line: Line) -> Oops | None:
    """What this line says of a failure of the kernel, or None."""
    text = line.text
    if not any(word in text for word in WORDS):
        return None
    for what, joins, form in _FORMS:
        match = form.search(text)
        if match is None:
            continue
        found = {name: value for name, value in match.groupdict().items() if value}
        if _OF_LINUX.match(found.get("file", "")):
            del found["file"]  # where Linux looks, on behalf of the function that its trace names
        return Oops(
            what,
            found.get("detail", "").strip().lower(),
            joins,
            found.get("function", ""),
            found.get("module", ""),
            found.get("file", ""),
            _int(found.get("line")),
            found.get("process", ""),
            _int(found.get("pid")),
            _int(found.get("cpu"), -1),
        )
    return None


def _int(text: str | None, otherwise: int = 0) -> int:
    return int(text) if text and len(text) < 9 and text.isascii() else otherwise
