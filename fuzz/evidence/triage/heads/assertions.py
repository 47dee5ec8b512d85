"""Heads of OpenZFS's own words: assertions as each port prints them, messages of panics, pools that wait."""

from __future__ import annotations

import re

from fuzz.evidence.triage.containers.log_prefixes import Line
from fuzz.evidence.triage.failed_assertion import MACRO, parse_macro, parse_printed
from fuzz.evidence.triage.heads.head import DUMPERS, Head, Row, at, number
from fuzz.evidence.triage.heads.systems import own_panic

_PLACE = (
    r"(?P<file>[\w./+\-]+?\.[chS])(?::| |, ?|(?=\d))(?:line:? ?)?(?P<line>\d+)(?::|, ?| |(?=[A-Za-z_])|$)"
    r"(?P<function>\w*)(?P<whole>\(\))?"
)
_ZFS_PROGRAM = re.compile(r"(?:ztest|zdb|zpool|zfs|zed|zhack|zinject|raidz_test|zstream|lt-z\w+)$")
_ZFS_FILE = re.compile(
    r"/(?:zfs|openzfs|libzpool|libzfs|libspl|ztest|zdb|zpool)/|(?:^|/)(?:ztest|zdb|z\w+_main)\.c$"
)
_GENERIC_PANIC = re.compile(
    r"(?:Fatal exception|Oops|hung_task|softlockup|.{0,20}LOCKUP|stack-protector|corrupted stack"
    r"|Attempted to)"
)
_BEFORE_VERIFY = re.compile(
    r"(?:.{0,30}\bpanic: (?:\w+\(panic\): )?|.{0,30}[Pp]anic [Ss]tring: |panic message: "
    r"|Kernel panic - not syncing: |\s*PANIC: \")?$"
)


def _panic_at(row: Row, line: Line, match: re.Match[str]) -> Head:
    return at(Head("kernel", opens=False, sure=True, cut=match["whole"] is None), match)


def _panic_at_cut(row: Row, line: Line, match: re.Match[str]) -> Head:
    return at(Head("kernel", opens=False, sure=True, cut=True), match)


def _assert_at(row: Row, line: Line, match: re.Match[str]) -> Head:
    return at(Head("process", sure=True, cut=match["whole"] is None), match)


def _spl_error(row: Row, line: Line, match: re.Match[str]) -> Head:
    assertion = parse_macro(match["rest"])
    return at(Head("kernel", assertion, sure=True, opens=False, pid=number(match["pid"])), match)


def _glibc(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    if not (_ZFS_PROGRAM.match(match["program"]) or "libzpool" in match["file"]):
        return None
    return at(Head("process", parse_printed(match["text"]), sure=True), match)


def _libc(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    """assert() of FreeBSD, illumos and macOS, which names no program: the file must."""
    if not _ZFS_FILE.search(match["file"]):
        return None
    text = match["text"]
    text = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    return at(Head("process", parse_printed(text), sure=True), match)


def _macro(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    assertion = parse_macro(line.text) if "panic(cpu" not in line.text else None
    if assertion is None:
        return None
    before = line.text[: assertion.column].lstrip()
    again = before.startswith("Kernel panic")
    kernel = line.kernel or line.program in DUMPERS
    sure = kernel and assertion.macro.startswith("VERIFY") and _BEFORE_VERIFY.match(before) is not None
    form = "freebsd" if "anic" in before and not again else "kernel"
    return Head(form, assertion, sure=sure, opens=not again)


def _kernel_panic(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    text = match["text"]
    if _GENERIC_PANIC.match(text):
        return None  # it is a fault's, or repeats what was said before
    own = own_panic(text)
    return Head("kernel", message=text, opens=False, sure=own, joins=own)


def _cmn_err(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    text = match["text"].strip()
    return Head("kernel", message=text, sure=own_panic(text)) if line.kernel else None


def _suspended(row: Row, line: Line, match: re.Match[str]) -> Head | None:
    """A pool that waits for its devices: one line and no trace. Which pool it is stands in its message."""
    if "spa=" in line.text:
        return None
    pool = next(name for name in match.group("pool", "mmp_pool", "zed_pool", "devd_pool") if name)
    file, function = ("mmp.c", "mmp_thread") if match["mmp"] else ("zio.c", "zio_suspend")
    where = Head("kernel", None, f"pool {pool}", file, 0, function, sure=True)
    return where._replace(what=row.what, module="zfs", alone=True)


ASSERTIONS = (
    Row(("PANIC at",), re.compile(rf"PANIC at {_PLACE}"), _panic_at),
    Row(("PANIC at",), re.compile(r"PANIC at (?P<file>[\w./+\-]+\.[chS])(?::(?P<line>\d+))?"), _panic_at_cut),
    Row(("ASSERT at",), re.compile(rf"ASSERT at {_PLACE}"), _assert_at),
    Row(
        ("SPLError",),
        re.compile(rf"SPLError: (?P<pid>\d+):\d+:\({_PLACE}\) (?P<rest>.*)"),
        _spl_error,
    ),
    Row(
        ("Assertion",),
        re.compile(
            r"(?P<program>[\w.\-]+): (?P<file>\S+\.[ch]):(?P<line>\d+): "
            r"(?:(?P<function>\w+)(?:\([^)]*\))?: )?Assertion [`'](?P<text>.*)' failed"
        ),
        _glibc,
    ),
    Row(
        ("Assertion failed",),
        re.compile(
            r"Assertion failed: (?P<text>.*?),(?: function (?P<function>\w+),)? "
            r"file (?P<file>[^\s,]+\.[ch]), line (?P<line>\d+)"
        ),
        _libc,
    ),
    Row(("failed",), MACRO, _macro),
)
"""Before other systems' forms."""

MESSAGES = (
    Row(("Kernel panic",), re.compile(r"Kernel panic - not syncing: (?P<text>.+)"), _kernel_panic),
    Row(("PANIC: ",), re.compile(r"(?:^|: )PANIC: +(?P<text>[^\"].*)"), _cmn_err),
    # zio_suspend() and mmp_thread(); what zed's all-syslog.sh and FreeBSD's devd say of the same event.
    Row(
        ("suspend", "io_failure", "catastrophic"),
        re.compile(
            r"Pool '(?P<pool>[^']+)' has encountered an uncorrectable I/O failure and has been suspended"
            r"|(?P<mmp>MMP writes) to pool '(?P<mmp_pool>[^']+)' have not succeeded in over .*; suspending"
            r"|\bclass=(?:ereport\.fs\.zfs\.)?io_failure pool='?(?P<zed_pool>[^' ]+)"
            r"|catastrophic pool I/O failure, zpool=(?P<devd_pool>\S+)"
        ),
        _suspended,
        "suspended",
    ),
)
"""Behind them."""
