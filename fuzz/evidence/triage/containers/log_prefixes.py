"""One line of a log without what a logger put before it. Knows no failure."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_LINE = 2048
"""Bytes of a line that are looked at; kernels print at most about 1,000."""


class Line(NamedTuple):
    """A line's own text, and who said it.

    `caller` tells interleaved speakers apart: the kernel's `T123` (task) or `C3` (processor) where it prints
    them, else `program[pid]`; empty where the log does not say. `number` counts from 1, `offset` in bytes.
    `stamp` is the kernel's time in seconds
    and `clock` the time of day, as printed; `channel` tells in which way the line begins.
    """

    text: str
    host: str = ""
    program: str = ""
    caller: str = ""
    number: int = 0
    offset: int = 0
    stamp: str = ""
    clock: str = ""
    channel: str = ""

    @property
    def kernel(self) -> bool:
        """False only where the log names another program as the one that spoke."""
        return self.program in ("", "kernel", "kernel[0]", "unix", "genunix")


_CLOCK = r"(?P<clock>\d\d:\d\d:\d\d)(?:[.,]\d+)?"
_ZONE = r"(?:Z| ?[+-]\d\d:?\d\d| [A-Z]{2,5})?"
_WHO = r"(?P<program>kernel(?:\[\d\])?|[\w.\-/@()]+(?=\[\d+\])|unix|genunix|savecore)(?:\[(?P<pid>\d+)\])?: ?"
_BARE = r"\[(?:<| *\d+\.)"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_ANY_MONTH = r"(?:[^\W\d_]{3,9}\.?|1?\d[月월])"
"""A month's name in the language of whoever ran journalctl."""
_ID = r"\[ID \d+ \w+\.\w+\] ?"
_RULES: tuple[re.Pattern[str], ...] = tuple(
    re.compile(rule)
    for rule in (
        # /dev/kmsg: priority, sequence, microseconds, flags.
        r"\d{1,3},\d+,(?P<micro>\d+),[-c+](?:,caller=(?P<caller>[TC]\d+))?[^;]*;",
        # Priority of a raw syslog datagram, with the version of RFC 5424.
        r"<\d{1,3}>(?:\d )?",
        # dmesg -x: facility and level.
        r"(?:kern|user|daemon|syslog)\s*[:.]\s*\w+\s*: ?",
        # dmesg: seconds, a date (-T), a difference (-d, -e).
        r"\[ *(?P<stamp>\d+\.\d+)(?: +<[ \d.+]+>)?\] ?",
        r"\[[A-Z][a-z]{2} ?[A-Z]?[a-z]{0,2} +\d+ (?P<clock>\d\d:\d\d(?::\d\d)?)(?: \d{4})?\] ?",
        r"\[ *<? *\+?\d+\.\d+>?\] ?",
        # The kernel's CONFIG_PRINTK_CALLER.
        r"\[ *(?P<caller>[TC]\d+)\] ?",
        # ISO 8601 (journalctl -o short-iso, rsyslog), then a host and who.
        rf"\d{{4}}-\d\d-\d\d[T ]{_CLOCK}{_ZONE} +(?:(?P<host>[\w.\-:]+) )?(?={_WHO})",
        rf"\d{{4}}-\d\d-\d\d[T ]{_CLOCK}{_ZONE}(?: +|$)(?:(?P<host>[\w.\-:]+) (?={_BARE}))?",
        # Classic syslog: month, day, clock; FreeBSD and some collectors add a year; journalctl's short-full.
        rf"{_ANY_MONTH} [ \d]\d (?:\d{{4}} )?{_CLOCK}(?: \d{{4}})?(?: <\w+\.\w+>)? "
        rf"(?:(?!{_MONTH} )(?P<host>[\w.\-:]*\w) (?={_WHO}|{_BARE}|<| ))?",
        rf"[A-Z][a-z]{{2}} \d{{4}}-\d\d-\d\d {_CLOCK}{_ZONE} +(?:(?P<host>[\w.\-:]+) (?={_WHO}))?",
        # Consoles and terminals: [2024-05-03 08:00:43], [08:00:43.123], 2024/05/03 08:00:43, 05/03/24
        # 08:00:43.
        rf"\[\d{{4}}[-/.]\d\d[-/.]\d\d[T .]{_CLOCK}{_ZONE}\] ?",
        rf"\[{_CLOCK}\] ?",
        rf"\d{{4}}/\d\d/\d\d {_CLOCK} ",
        rf"\d\d?/\d\d?/\d\d(?:\d\d)? {_CLOCK}(?: [AP]M)?,? ",
        # journalctl -o short-unix; containers' runtimes; docker compose.
        r"\d{10}\.\d+ (?:(?P<host>[\w.\-]+) )?",
        r"std(?:out|err) [FP] ",
        r"(?:[\w.\-]+[-_]\d+ +|[\w.\-]+ {2,})\| ",
        # illumos: who, then a message id.
        rf"(?:(?P<host>[\w.\-]+) )?(?P<program>[\w.\-]+)(?:\[(?P<pid>\d+)\])?: {_ID}",
        _ID,
        # RFC 5424 after its time: host, program, pid, message id, structured data.
        r"(?P<host>[\w.\-]+) (?P<program>[\w.\-]+) (?:-|(?P<pid>\d+)) - (?:-|\[[^\]]*\]) ?",
        # Who, when nothing but a host stands before (journalctl -o short-monotonic) or nothing at all.
        r"(?P<host>[\w.\-]+) (?P<program>kernel|[\w.\-]+(?=\[\d+\]))(?:\[(?P<pid>\d+)\])?: ?",
        r"(?P<program>kernel|[\w.\-]+(?=\[\d+\]))(?:\[(?P<pid>\d+)\])?: ?",
    )
)
_WHICH = re.compile(
    "|".join(
        f"(?:{re.sub('[?]P<([a-z]+)>', rf'?P<{chr(92)}1_{number}>', rule.pattern)})(?P<_{number}>)"
        for number, rule in enumerate(_RULES)
    )
)
"""All rules in their order, as one expression: the name of its last group says which one matched."""
_GROUPS = {
    f"_{number}": (number, [(name, _WHICH.groupindex[f"{name}_{number}"]) for name in rule.groupindex])
    for number, rule in enumerate(_RULES)
}
"""The number of each rule, and where what it names is."""
_GREP = re.compile(
    r"(?:/?[\w.\-]+/)*[\w.\-]*(?:log|messages|syslog|dmesg|txt|gz|\.\d)[:\-](?:\d{1,9}[:\-])?"
    r"(?=[A-Z][a-z]{2} [ \d]\d |\d{4}-\d\d-\d\d|\[ *\d+\.|<\d)"
)
"""A file's name, and the number of a line in it, as grep puts them before."""

_FIRST = re.compile(
    rf"[<\[\dA-Zkuds]|{_ANY_MONTH} [ \d]\d |"
    r"[\w.\-]+ [\w.\-]+[\[:]|[\w.\-]+\[\d|[\w.\-]+ [\w.\-]+ (?:-|\d+) - |[\w.\-]+ +\| "
    r"|[\w.\-]+: \[ID"
)
_NOTHING_BEFORE = re.compile(r"(?:\[<[0-9a-f]+>\])?[ ?]*[A-Za-z_][\w.]*\+0x")
"""How most lines of a trace go on behind their stamp: no rule fits that, and none needs to be tried."""
_INDENTED = re.compile(
    r"\s+(?:\[ *\d+\.\d+\]|\[[A-Z][a-z]{2} [A-Z]|\[\d{4}-\d\d-\d\d[T ]"
    rf"|{_ANY_MONTH} [ \d]\d (?:\d{{4}} )?\d\d:"
    r"|\d{4}-\d\d-\d\d[T ]|<\d{1,3}>"
    r"|\d{1,3},\d+,\d+,[-c+]|kernel: )"
)
_AFTER_TIME = re.compile(_WHO)
_TIMED = frozenset((7, 9, 10))
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")
_MOST = 6


def split_line(raw: bytes, number: int = 0, offset: int = 0) -> Line:
    """The line without colours, time stamps, host, program and speaker, which go to fields of their own.

    Any bytes are a line: what is not UTF-8 is replaced, NULs are dropped, and what no rule knows stays.
    """
    return split_text(raw[:MAX_LINE].decode("utf-8", "replace"), number, offset)


def split_text(text: str, number: int = 0, offset: int = 0, host: str = "", program: str = "") -> Line:
    """`split_line` of a decoded line; `host` and `program` are what its container says of it."""
    text = text.rstrip("\r\n")
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    if "\0" in text:
        text = text.replace("\0", "")
    found: dict[str, str] = {"host": host, "program": program}
    at = len(text) - len(text.lstrip()) if text[:1].isspace() and _INDENTED.match(text) else 0
    channel = []
    if "log" in text or "mes" in text or "txt" in text or "gz" in text:
        named = _GREP.match(text)
        at = at if named is None else named.end()
    for _ in range(_MOST):
        if _NOTHING_BEFORE.match(text, at):
            break
        step, rule = _strip(text, at, found)
        if step == at:
            break
        at = step
        channel.append(rule)
    program, pid, caller = found.get("program", ""), found.get("pid", ""), found.get("caller", "")
    if not caller and pid:
        caller = f"{program}[{pid}]"
    stamp = found.get("stamp", "")
    if not stamp and "micro" in found:
        stamp = f"{int(found['micro'][:15]) / 1e6:.6f}"
    where = (found.get("host", ""), program, caller, number, offset, stamp, found.get("clock", ""))
    return Line(text[at:], *where, ".".join(map(str, channel)))


def _strip(text: str, at: int, found: dict[str, str]) -> tuple[int, int]:
    """Where the text goes on after the first rule that matches at `at`, and which that is; `at` if none
    does."""
    if _FIRST.match(text, at) is None:
        return at, 0
    match = _WHICH.match(text, at)
    if match is None or match.lastgroup is None:
        return at, 0
    index, groups = _GROUPS[match.lastgroup]
    for name, group in groups:
        if value := match[group]:
            found[name] = value
    end = match.end()
    if index in _TIMED and (who := _AFTER_TIME.match(text, end)):
        found.update((name, value) for name, value in who.groupdict().items() if value)
        end = who.end()
    return end, index
