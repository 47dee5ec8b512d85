"""The lines that say that something failed, each form by itself. Knows no trace and no order of lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from fuzz.evidence.triage.expressions import Assertion, joined_strings, parse_macro, parse_plain
from fuzz.evidence.triage.lines import Line

_STARTS = {
    b"VERIFY": (rb"VERIFY[0-9A-Z]{0,4}\(",),
    b"ASSERT": (rb"ASSERT[0-9A-Z]{0,7}\(", rb"ASSERT at "),
    b"PANIC": (rb"PANIC at ", rb"SPL PANIC", rb"PANIC: "),
    b"panic": (rb"panic: ", rb"panic\(cpu", rb"spl_panic"),
    b"ssert": (rb"solaris assert", rb"Assertion `"),
}
"""What a line that begins a failure holds: words that are quick to look for, and what one of them must stand
in, for CERTIFICATE_VERIFY_FAILED is no failure of ZFS. A literal beginning makes a form quick; one form with
all of them would be four times slower."""


class Starts:
    """Finds the places in a block of bytes where a line may begin a failure."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        forms = (form for word, forms in _STARTS.items() if word in block for form in forms)
        self._next = {re.compile(form): -1 for form in forms}

    def after(self, at: int) -> int:
        """The first such place from `at` on, which never goes back; -1 if there is none."""
        for form, place in list(self._next.items()):
            if place < at:
                found = form.search(self._block, at)
                if found is None:
                    del self._next[form]
                else:
                    self._next[form] = found.start()
        return min(self._next.values(), default=-1)


_WORDS = ("VERIFY", "ASSERT", "PANIC", "panic", "ssert")


class Head(NamedTuple):
    """What one such line tells. `opens` is True for the line that a failure begins with, False for one that
    completes a failure begun before; `sure` if the line by itself is proof that it was ZFS that failed."""

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


_PLACE = r"(?P<file>[\w./+\-]+\.[chS]):(?P<line>\d+):(?P<function>\w*)(?P<whole>\(\))?"
_PANIC_AT = re.compile(rf"PANIC at {_PLACE}")
_PANIC_AT_CUT = re.compile(r"PANIC at (?P<file>[\w./+\-]+\.[chS])(?::(?P<line>\d+))?")
_ASSERT_AT = re.compile(rf"ASSERT at {_PLACE}")
_SPL_ERROR = re.compile(rf"SPLError: (?P<pid>\d+):\d+:\({_PLACE}\) (?P<rest>.*)")
_GLIBC = re.compile(
    r"(?P<program>[\w.\-]+): (?P<file>\S+\.[ch]):(?P<line>\d+): (?:(?P<function>\w+)(?:\([^)]*\))?: )?"
    r"Assertion [`'](?P<text>.*)' failed"
)
_ZFS_PROGRAM = re.compile(r"(?:ztest|zdb|zpool|zfs|zed|zhack|zinject|raidz_test|zstream|lt-z\w+)$")
_SOLARIS = re.compile(r"solaris assert: (?P<text>.*?)(?:, file: (?P<file>\S+?), line: (?P<line>\d+)|$)")
_MACOS = re.compile(r"panic\(cpu (?P<cpu>\d+) caller \w+\): (?P<text>.*)")
_AT_FILE = re.compile(r"@(?P<file>[\w./\-]+\.[ch]):(?P<line>\d+)")
_CMN_ERR = re.compile(r"(?:^|: )PANIC: +(?P<text>.+)")
_BSD = re.compile(r"(?:^|\W)panic: +(?P<text>.+)")
_BSD_ZFS = re.compile(r"(?:Solaris\(panic\): )?zfs: ")
_KERNEL_PANIC = re.compile(r"Kernel panic - not syncing: (?P<text>.+)")
_BEFORE_VERIFY = re.compile(r"(?:\S{0,40} ?panic: |Kernel panic - not syncing: )?$")


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
    return _at(Head("process", Assertion("ASSERT", match["text"]), sure=True), match)


def _solaris(line: Line) -> Head | None:
    match = _SOLARIS.search(line.text)
    if match is None:
        return None
    assertion = parse_plain(match["text"]) or Assertion("", "")
    head = Head("freebsd", assertion._replace(macro="ASSERT"), sure=True, cut=match["file"] is None)
    return _at(head, match)


def _macos(line: Line) -> Head | None:
    match = _MACOS.search(line.text)
    assertion = parse_macro(joined_strings(match["text"])) if match is not None else None
    if match is None or assertion is None:
        return None
    head = Head("macos", assertion._replace(extra=""), sure=True, cpu=_number(match["cpu"]))
    where = _AT_FILE.search(match["text"])
    return head if where is None else _at(head, where)


def _macro(line: Line) -> Head | None:
    assertion = parse_macro(line.text)
    if assertion is None:
        return None
    before = line.text[: assertion.column].lstrip()
    again = before.startswith("Kernel panic")
    sure = line.kernel and assertion.macro.startswith("VERIFY") and _BEFORE_VERIFY.match(before) is not None
    form = "freebsd" if "panic: " in before and not again else "kernel"
    return Head(form, assertion, sure=sure, opens=not again)


def _message(line: Line) -> Head | None:
    match = _KERNEL_PANIC.search(line.text)
    if match is not None:
        return Head("kernel", message=match["text"], opens=False)
    match = _CMN_ERR.search(line.text)
    if match is not None and line.kernel:
        return Head("kernel", message=match["text"].strip(), sure=match["text"].startswith("zfs: "))
    match = _BSD.search(line.text)
    if match is not None and line.kernel:
        zfs = _BSD_ZFS.match(match["text"])
        return Head("freebsd", message=match["text"].strip(), sure=zfs is not None)
    return None


_FORMS: tuple[Callable[[Line], Head | None], ...] = (
    _panic_at,
    _assert_at,
    _spl_error,
    _glibc,
    _solaris,
    _macos,
    _macro,
    _message,
)


def parse_head(line: Line) -> Head | None:
    """The failure this line begins or completes, or None."""
    if not any(word in line.text for word in _WORDS):
        return None
    for form in _FORMS:
        head = form(line)
        if head is not None:
            return head
    return None


def _number(text: str | None) -> int:
    """A printed number; a damaged one with more digits than any real one is 0."""
    return int(text) if text and len(text) < 19 and text.isascii() else 0


def _at(head: Head, match: re.Match[str]) -> Head:
    """The head with the place that the match found."""
    found = match.groupdict()
    function = found.get("function") or ""
    return head._replace(file=found["file"] or "", line=_number(found["line"]), function=function)
