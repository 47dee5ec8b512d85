"""What a failed assertion says: macro, expression, values. Knows every way OpenZFS prints it, and no log.

The forms come from `include/os/{linux,freebsd}/spl/sys/debug.h` and `lib/libspl/include/assert.h`, from 0.6
to today's master, and from the SPL and Solaris layers before.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple


class Assertion(NamedTuple):
    """A failed assertion. `values` are its two sides as printed, or none; `column` is where it starts."""

    macro: str
    expression: str
    values: tuple[str, str] | None = None
    operator: str = ""
    extra: str = ""
    column: int = 0


_OPERATOR = r"(?:==|!=|<=|>=|<|>)"
_SIDE = r"(?:\((?:nil|null)\)|[^\s()]+)"
_VALUES = rf"\((?P<left>{_SIDE}) (?P<op>{_OPERATOR}) (?P<right>{_SIDE})\)?"
MACRO = re.compile(
    r"(?P<macro>(?:VERIFY|ASSERT(?:ION)?)(?:0PF?|0F?|3[BSUP]?F?|F)?)\((?P<expression>.*)\) ?failed"
)
_TAIL = re.compile(rf" ?{_VALUES}(?P<extra>.*)")
_ONE_VALUE = re.compile(r" ?\((?P<right>[^\s()]+|\((?:nil|null)\))\)(?P<extra>.*)")
_CUT_HEAD = re.compile(r"(?P<macro>(?:VERIFY|ASSERT(?:ION)?)(?:0PF?|0F?|3[BSUP]?F?|F)?)\((?P<expression>.+)$")
_VALUE = re.compile(r"-?(?:0x)?[0-9a-fA-F]+|\((?:nil|null)\)|NULL")
_COMMAS = re.compile(rf", +(?P<op>{_OPERATOR}), +")
_PLAIN = re.compile(rf"(?P<expression>.+?) {_VALUES}(?P<extra>.*)$")
_CUT_TAIL = re.compile(r"(?P<expression>.*)\) ?failed")
_SPLIT_STRING = re.compile(r'"\s*"')


def parse_macro(text: str) -> Assertion | None:
    """`VERIFY3(a == b) failed (1 == 2)` anywhere in the text, any macro of the family; None without one."""
    if "failed" not in text:
        return None
    match = MACRO.search(text)
    if match is None:
        return None
    macro, expression = match["macro"], _plain_expression(match["macro"], match["expression"].strip())
    return _with_values(macro, expression, text[match.end() :], match.start())


def parse_cut_head(text: str) -> Assertion | None:
    """A line that begins as an assertion does and whose end is lost."""
    match = _CUT_HEAD.match(text)
    return None if match is None else Assertion(match["macro"], match["expression"])


def parse_cut_tail(text: str) -> Assertion | None:
    """A line that ends as an assertion does and whose beginning is lost."""
    match = _CUT_TAIL.match(text)
    if match is None:
        return None
    return _with_values("", match["expression"], text[match.end() :], 0)


def parse_plain(text: str) -> Assertion | None:
    """How libspl prints it in a process: `a == b (0x1 == 0x2)`, or the bare condition."""
    named = parse_macro(text)
    if named is not None:
        return named
    text = text.strip()
    match = _PLAIN.match(text)
    if match is not None:
        values = (match["left"], match["right"])
        return Assertion("", match["expression"], values, match["op"], match["extra"].strip())
    return Assertion("", text) if text else None


def parse_printed(text: str) -> Assertion:
    """The text of C's assert(), in which old releases of libspl stand the values too: `a == b (0x2 ==
    0x1)`."""
    match = _PLAIN.match(text)
    if match is None or not (_VALUE.fullmatch(match["left"]) and _VALUE.fullmatch(match["right"])):
        return Assertion("ASSERT", text)
    values = (match["left"], match["right"])
    return Assertion("ASSERT", match["expression"], values, match["op"], match["extra"].strip())


def likeness(text: str) -> int:
    """How much a line looks like the condition of an assertion: 2 with values, 1 maybe, 0 not at all."""
    text = text.strip()
    if MACRO.search(text) or _PLAIN.match(text):
        return 2
    if text.startswith(("/", "[", "#", "PID:")) or " sec in " in text:
        return 0
    return int(bool(re.search(rf"\w\(.*\)|[\w)] {_OPERATOR} [\w(&!-]|->|^!\w", text)))


def joined_strings(text: str) -> str:
    """C string pieces put together, as macOS prints an assertion: `"VERIFY(" "a == b" ") failed"`."""
    return _SPLIT_STRING.sub("", text).replace("\\n", "")


@functools.lru_cache(maxsize=1024)
def canonical(expression: str) -> str:
    """What two printed forms of one condition share: no spaces, nothing of how `== 0` was written."""
    text = re.sub(r"\s+", "", expression).replace("((char*)__func__)", "FTAG").replace("((void*)0)", "NULL")
    text = text.replace("(void*)0", "NULL")
    for zero in ("0==", "NULL=="):
        text = text.removeprefix(zero)
    for zero in ("==0", "==NULL"):
        text = text.removesuffix(zero)
    return text


def _plain_expression(macro: str, expression: str) -> str:
    """The condition as C would write it: VERIFY0(x) says `x == 0`, VERIFY3U(a, <, b) says `a < b`."""
    if "0" in macro and not expression.startswith(("0 == ", "NULL == ")):
        return f"{expression} == 0"
    if "3" in macro:
        return _COMMAS.sub(lambda match: f" {match['op']} ", expression, count=1)
    return expression


def _with_values(macro: str, expression: str, rest: str, column: int) -> Assertion:
    match = _TAIL.match(rest)
    if match is not None:
        values = (match["left"], match["right"])
        return Assertion(macro, expression, values, match["op"], match["extra"].strip(), column)
    match = _ONE_VALUE.match(rest)
    if match is not None and "0" in macro:
        return Assertion(macro, expression, (match["right"], "0"), "==", match["extra"].strip(), column)
    return Assertion(macro, expression, None, "", rest.strip(), column)
