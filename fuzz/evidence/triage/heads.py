"""The lines that say that something failed, each form by itself. Knows no trace and no order of lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from fuzz.evidence.triage.containers.log_prefixes import Line
from fuzz.evidence.triage.failed_assertion import (
    Assertion,
    joined_strings,
    parse_macro,
    parse_plain,
    parse_printed,
)
from fuzz.evidence.triage.oops_heads import parse_oops
from fuzz.evidence.triage.system_heads import WORDS, has_prefix, parse_system, without_prefix

_WORDS = ("VERIFY", "ASSERT", "SPL", "ssert", *WORDS, "PANIC", "suspend", "io_failure", "catastrophic")


class Head(NamedTuple):
    """What one such line tells. `opens` is True for the line that a failure begins with, False for one that
    completes a failure begun before; `sure` if the line by itself is proof that it was ZFS that failed.

    `what` is the kind of a failure that is neither an assertion nor a panic with a message, `detail` what
    it says
    of the kind; such a line may `join` one that was begun before. One that stands `alone` has no trace."""

    form: str
    assertion: Assertion | None = None
    message: str = ""
    file: str = ""
    line: int = 0
    function: str = ""
    pid: int = 0
    cpu: int = -1
    sure: bool = False
    opens: bool = True
    cut: bool = False
    what: str = ""
    detail: str = ""
    joins: bool = False
    module: str = ""
    process: str = ""
    alone: bool = False


_PLACE = (
    r"(?P<file>[\w./+\-]+?\.[chS])(?::| |, ?|(?=\d))(?:line:? ?)?(?P<line>\d+)(?::|, ?| |(?=[A-Za-z_])|$)"
    r"(?P<function>\w*)(?P<whole>\(\))?"
)
_PANIC_AT = re.compile(rf"PANIC at {_PLACE}")
_PANIC_AT_CUT = re.compile(r"PANIC at (?P<file>[\w./+\-]+\.[chS])(?::(?P<line>\d+))?")
_ASSERT_AT = re.compile(rf"ASSERT at {_PLACE}")
_SPL_ERROR = re.compile(rf"SPLError: (?P<pid>\d+):\d+:\({_PLACE}\) (?P<rest>.*)")
_GLIBC = re.compile(
    r"(?P<program>[\w.\-]+): (?P<file>\S+\.[ch]):(?P<line>\d+): (?:(?P<function>\w+)(?:\([^)]*\))?: )?"
    r"Assertion [`'](?P<text>.*)' failed"
)
_ZFS_PROGRAM = re.compile(r"(?:ztest|zdb|zpool|zfs|zed|zhack|zinject|raidz_test|zstream|lt-z\w+)$")
_WITH_FILE = re.compile(
    r"(?:solaris assert: |assertion failed: )?(?P<text>.*?)"
    r"(?:, ?file: ?(?P<file>\S+?\.[chS]),? ?(?:line)?:? ?(?P<line>\d+)"
    r"|(?:,(?: (?:f(?:i(?:l(?:e(?::.*)?)?)?)?)?)?)?$)"
)
_NAMED = re.compile(r"(?:solaris assert: |assertion failed: )")
_AT_FILE = re.compile(r"@(?P<file>[\w./\-]+\.[ch]):(?P<line>\d+)")
_CMN_ERR = re.compile(r"(?:^|: )PANIC: +(?P<text>[^\"].*)")
_KERNEL_PANIC = re.compile(r"Kernel panic - not syncing: (?P<text>.+)")
_GENERIC_PANIC = re.compile(
    r"(?:Fatal exception|Oops|hung_task|softlockup|.{0,20}LOCKUP|stack-protector|Attempted to)"
)
_SUSPENDED = re.compile(
    r"Pool '(?P<pool>[^']+)' has encountered an uncorrectable I/O failure and has been suspended"
    r"|(?P<mmp>MMP writes) to pool '(?P<mmp_pool>[^']+)' have not succeeded in over .*; suspending pool"
    r"|\bclass=(?:ereport\.fs\.zfs\.)?io_failure pool='?(?P<zed_pool>[^' ]+)"
    r"|catastrophic pool I/O failure, zpool=(?P<devd_pool>\S+)"
)
"""zio_suspend() and mmp_thread(); what zed's all-syslog.sh and FreeBSD's devd say of the same event."""
_OWN_PANIC = re.compile(
    r"(?:zfs: |Pool '[^']*' has encountered an uncorrectable"
    r"|No such hold |dirtying (?:dbuf|snapshot)|freed data not zero|buffer modified while )"
)
_OPENZFS_PROGRAMS = ("savecore", "genunix", "unix", "crash", "mdb")
_BEFORE_VERIFY = re.compile(
    r"(?:.{0,30}\bpanic: (?:\w+\(panic\): )?|.{0,30}[Pp]anic [Ss]tring: |panic message: "
    r"|Kernel panic - not syncing: )?$"
)


def _panic_at(line: Line) -> Head | None:
    match = _PANIC_AT.search(line.text)
    if match is not None:
        return _at(Head("kernel", opens=False, sure=True, cut=match["whole"] is None), match)
    match = _PANIC_AT_CUT.search(line.text)
    if match is None:
        return None
    return Head("kernel", opens=False, sure=True, cut=True, file=match["file"], line=int(match["line"] or 0))


def _assert_at(line: Line) -> Head | None:
    match = _ASSERT_AT.search(line.text)
    if match is None:
        return None
    return _at(Head("process", sure=True, cut=match["whole"] is None), match)


def _spl_error(line: Line) -> Head | None:
    match = _SPL_ERROR.search(line.text)
    if match is None:
        return None
    assertion = parse_macro(match["rest"])
    return _at(Head("kernel", assertion, sure=True, opens=False, pid=_number(match["pid"])), match)


def _glibc(line: Line) -> Head | None:
    match = _GLIBC.search(line.text)
    if match is None or not (_ZFS_PROGRAM.match(match["program"]) or "libzpool" in match["file"]):
        return None
    return _at(Head("process", parse_printed(match["text"]), sure=True), match)


def _system(line: Line) -> Head | None:
    """FreeBSD, illumos, macOS, Windows: a fault, an assertion in one of their forms, or a message."""
    if not (line.kernel or line.program in _OPENZFS_PROGRAMS or line.program.startswith("kernel")):
        return None
    found = parse_system(line.text) if any(word in line.text for word in WORDS) else None
    if found is None or "Kernel panic - not syncing" in line.text:
        return None
    head = Head(found.system, what=found.what, joins=found.joins, cpu=found.cpu, function=found.function)
    if found.what or not found.text:
        return head
    return _said(head, without_prefix(found.text), has_prefix(found.text))


def _said(head: Head, text: str, own: bool) -> Head:
    """The head with the assertion that a panic's text tells, or with the text itself."""
    if head.form == "macos":
        assertion = parse_macro(joined_strings(text))
        if assertion is not None:
            where = _AT_FILE.search(text)
            if where is not None and where["file"].startswith("spl-"):
                where = None  # the porting layer's own function that panics for all of them
            head = head._replace(assertion=assertion._replace(extra=""), sure=True)
            return head if where is None else _at(head, where)
        text = joined_strings(text).strip('"')
    assertion = parse_macro(text)
    if assertion is not None:
        sure = assertion.macro.startswith("VERIFY") and not assertion.column
        return head._replace(assertion=assertion, sure=sure)
    match = _WITH_FILE.match(text)
    if match is not None and (match["file"] or _NAMED.match(text)):
        plain = parse_plain(match["text"]) or Assertion("", "")
        zfs = _NAMED.match(text) is not None and "solaris" in text[:8]
        own_file = "/zfs/" in (match["file"] or "")
        head = head._replace(assertion=plain._replace(macro="ASSERT"), sure=zfs or own_file)
        return _at(head, match)._replace(cut=match["file"] is None)
    return head._replace(message=text, sure=own or _OWN_PANIC.match(text) is not None)


def _macro(line: Line) -> Head | None:
    assertion = parse_macro(line.text) if "panic(cpu" not in line.text else None
    if assertion is None:
        return None
    before = line.text[: assertion.column].lstrip()
    again = before.startswith("Kernel panic")
    kernel = line.kernel or line.program in _OPENZFS_PROGRAMS
    sure = kernel and assertion.macro.startswith("VERIFY") and _BEFORE_VERIFY.match(before) is not None
    form = "freebsd" if "anic" in before and not again else "kernel"
    return Head(form, assertion, sure=sure, opens=not again)


def _message(line: Line) -> Head | None:
    match = _KERNEL_PANIC.search(line.text)
    if match is not None:
        text = match["text"]
        own = _GENERIC_PANIC.match(text) is None and _OWN_PANIC.match(text) is not None
        return Head("kernel", message=text, opens=False, sure=own, joins=own)
    match = _CMN_ERR.search(line.text)
    if match is not None and line.kernel:
        text = match["text"].strip()
        return Head("kernel", message=text, sure=_OWN_PANIC.match(text) is not None)
    return None


def _suspended(line: Line) -> Head | None:
    """A pool that waits for its devices: one line and no trace. Which pool it is stands in its message."""
    match = _SUSPENDED.search(line.text)
    if match is None or "spa=" in line.text:
        return None
    pool = next(name for name in match.group("pool", "mmp_pool", "zed_pool", "devd_pool") if name)
    file, function = ("mmp.c", "mmp_thread") if match["mmp"] else ("zio.c", "zio_suspend")
    return Head(
        "kernel",
        None,
        f"pool {pool}",
        file,
        0,
        function,
        sure=True,
        what="suspended",
        module="zfs",
        alone=True,
    )


def _oops(line: Line) -> Head | None:
    found = parse_oops(line) if line.kernel or line.program.startswith("kernel") else None
    if found is None:
        return None
    return Head(
        "kernel",
        file=found.file,
        line=found.line,
        function=found.function,
        pid=found.pid,
        cpu=found.cpu,
        what=found.what,
        detail=found.detail,
        joins=found.joins,
        module=found.module,
        process=found.process,
    )


_FORMS: tuple[Callable[[Line], Head | None], ...] = (
    _panic_at,
    _assert_at,
    _spl_error,
    _glibc,
    _macro,
    _system,
    _message,
    _suspended,
)


def parse_head(line: Line) -> Head | None:
    """The failure this line begins or completes, or None."""
    if any(word in line.text for word in _WORDS):
        for form in _FORMS:
            head = form(line)
            if head is not None:
                return head
    return _oops(line)


def _number(text: str | None) -> int:
    """A printed number; a damaged one with more digits than any real one is 0."""
    return int(text) if text and len(text) < 19 and text.isascii() else 0


def _at(head: Head, match: re.Match[str]) -> Head:
    """The head with the place that the match found."""
    found = match.groupdict()
    function = found.get("function") or ""
    return head._replace(file=found["file"] or "", line=_number(found["line"]), function=function)
