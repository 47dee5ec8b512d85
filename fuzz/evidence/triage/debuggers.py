"""Frames as gdb, kgdb, lldb and crash print them, whose arguments tell what the failed assertion was."""

from __future__ import annotations

import re
from typing import NamedTuple

from fuzz.evidence.triage.failed_assertion import Assertion, parse_macro, parse_plain, parse_printed
from fuzz.evidence.triage.stacks import Frame, parse_frame

_NUMBER = re.compile(r"\s*(?:\* )?(?:frame )?#(?P<number>\d{1,4})[ :]")
PROMPT = re.compile(r"\s*\((?:k?gdb|lldb)\) +(?=[#*])")
_ASSERT = re.compile(
    r"(?:libspl_assertf?|libspl_vassert\w*|spl_panic|spl_assert|assfail\d?|_*assert(?:_fail|_fail_base"
    r"|_rtn)?) ?\("
)
_TEXT = re.compile(r'\b(?:buf|assertion|a|expr)=(?:\w+@entry=)?(?:0x[0-9a-f]+ )?"(?P<text>(?:[^"\\]|\\.)*)"')
_CONVERSION = re.compile(r"(?:0x)?%[0-9]*l*[a-z]|\\n")
_FORMAT = re.compile(r'\b(?:fmt|format)=(?:\w+@entry=)?(?:0x[0-9a-f]+ )?"(?P<text>(?:[^"\\]|\\.)*)"')
_FILE = re.compile(r'\bf(?:ile)?=(?:\w+@entry=)?(?:0x[0-9a-f]+ )?"(?P<file>[^"]+)"')
_FUNCTION = re.compile(
    r'\bfunc(?:tion)?=(?:\w+@entry=)?(?:0x[0-9a-f]+ )?(?:<[^>]*> )?"(?P<function>[A-Za-z_]\w*)'
)
_LINE = re.compile(r"\bl(?:ine)?=(?:\w+@entry=)?(?P<line>\d{1,6})\b")


class Told(NamedTuple):
    """One frame, its number from the innermost, and what its arguments say of a failed assertion."""

    number: int
    frame: Frame
    assertion: Assertion | None = None
    file: str = ""
    line: int = 0
    function: str = ""


def told_by_debugger(text: str) -> Told | None:
    """The numbered frame that this line is, or None. FreeBSD's KDB numbers frames too, and says `at
    name+0x1f`."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    frame = parse_frame(text)
    if frame is None or re.match(r"\s*#\d+\s+0x[0-9a-f]+ at ", text):
        return None
    told = Told(int(match["number"]), frame)
    if _ASSERT.search(text) is None:
        return told
    where = {
        name: form.search(text) for name, form in (("file", _FILE), ("line", _LINE), ("function", _FUNCTION))
    }
    return told._replace(
        assertion=_assertion(text),
        file=where["file"]["file"].rpartition("/")[2] if where["file"] else "",
        line=int(where["line"]["line"]) if where["line"] else 0,
        function=where["function"]["function"] if where["function"] else "",
    )


def _assertion(text: str) -> Assertion | None:
    """What failed; the values of a format that was not filled in are none."""
    match = _TEXT.search(text)
    if match is not None:
        said = match["text"].replace('\\"', '"')
        return parse_macro(said) or parse_printed(said)
    match = _FORMAT.search(text)
    if match is None or not re.search(r"\w", _CONVERSION.sub("", match["text"])):
        return None
    said = match["text"].replace('\\"', '"').replace("\\n", "")
    found = parse_macro(said) or parse_plain(said)
    if found is None or found.values is None or "%" not in "".join(found.values):
        return found
    return found._replace(values=None, operator="")
