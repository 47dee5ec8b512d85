"""Finds where in a block of bytes a failure may begin or be told: the few lines worth parsing. Knows no line.

Every form costs all logs their time: a form that begins with a letter runs through a block at some 4 GB a
second, one that begins with any of several letters at a tenth of that. So forms that share a letter are one,
a form begins with a letter that is rare in logs, and one is not tried in a block that lacks a byte of it,
which is known at once. What begins otherwise (an oops, a lockup, a stall) is found by its trace and read from
some lines before.
"""

from __future__ import annotations

import itertools
import re

_SPACE = (rb" ", rb"\xa0", rb"\xc2\xa0", rb"&nbsp;")
"""A space, or one that a page or an editor made of it; `%` in the forms below."""


def _after(words: bytes) -> bytes:
    """True behind these words, however their spaces were made."""
    return b"(?:" + b"|".join(b"(?<=" + words.replace(b"%", space) + b")" for space in _SPACE) + b")"


_FORMS = (
    (b"VERIFY(", rb"VERIFY[0-9A-Z]{0,4}\("),
    # glibc's and macOS's assertions in a process, too.
    (b"A", rb"A(?:SSERT(?:[0-9A-Z]{0,7}\(|%at)|ssertion%(?:[`'\\]|failed:))"),
    (b"assert", rb"assert(?:ion%failed:|" + _after(b"solaris%assert") + b")"),
    # PANIC; FreeBSD's info.N; a pool that waits.
    (b"P", rb"P(?:ANIC(?:%at|:%|(?<=SPL PANIC))|anic%String:|ool%(?:'|&(?:#|apos)|\xe2\x80))"),
    # A pool that waits, in the words of its MMP thread, of devd and of zed.
    (
        b"p",
        rb"p(?:anic(?::%|\(cpu|\\?\[cpu|%(?:message|- not)|str|(?<=spl_panic)|(?<=spl\\_panic))|ool(?:"
        + b"|".join(map(_after, (b"suspending%pool", b"catastrophic%pool")))
        + b"|="
        + _after(b"io_failure%pool=")
        + b"))",
    ),
    # Frames of Linux, which name the module in brackets, and of illumos. What is of spl alone has a head.
    (
        b"z",
        rb"z(?:[a-z]{1,8}\\?_[\w\\]+\(\)%at%z|fs(?:[\] \\](?<=\[zfs.)|:[a-z][\w\\]*\+[0-9a-f])"
        rb"|(?:lua|common|nvpair|avl|unicode|zstd)[\] \\])",
    ),
    (b"Call", rb"Call%[Tt]race:"),
    # Frames of Windows, the version at load.
    (b"ZFS", rb"ZFS(?:in)?(?:!|:%Loaded)"),
    # Debuggers' backtraces, sanitizers' and crash's too, but not PHP's; the first frames may have no name.
    (b"#", rb"#[0-3](?::?%{1,4}0x|%{1,4}(?:\[|<|[a-z_\\][\w\\]*%?\())"),
    # What journald gives as a list of bytes may be anything.
    (b'MESSAGE":[', rb'MESSAGE\\*" ?: ?\['),
)
"""Bytes that are in every match, and a form. CERTIFICATE_VERIFY_FAILED is no failure of ZFS: a word alone is
not enough."""

_ANY_SPACE = b"(?:" + b"|".join(_SPACE) + b")"
_COMPILED = tuple((needed, re.compile(form.replace(b"%", _ANY_SPACE))) for needed, form in _FORMS)

_WORDS = (
    b"VERIFY ASSERT ssert ANIC anic BUG Oops nable UBS KASAN KCSAN KMSAN KFENCE LOCKUP ockup stall"
    b" INFO: WARNING blocked fault atal BAD FAULT EXCEPTION exception STOP BugCheck IRQL violation"
    b" attempted general opcode operation detected nternal stack corruption usercopy naligned divide"
    b" $c $C ::stack trap bort [# acktrace suspend io_failure ignal core_ kmod odule"
    b" Linux FreeBSD ncfrag MESSAGE"
).split()
"""One of these is in each line that begins a failure, or tells of releases; looked for near starts alone."""

_WORD_FORMS = tuple(
    re.compile(b"|".join(map(re.escape, words)))
    for _, words in itertools.groupby(sorted(_WORDS), key=lambda word: word[:1])
)
"""One form for all of them would be five times slower."""

_LINES_BEFORE = 8
_LINES_OF_RECORD = 32
"""Lines before one with such a word that may belong to it; more where a container makes many of each."""


def reading_from(block: bytes, low: int, start: int) -> int:
    """Where reading begins for what starts at `start`: a line's beginning, `low` or after it."""
    at = start
    for form in _WORD_FORMS:
        found = form.search(block, low, at)
        at = at if found is None else found.start()
    record = (
        block.find(b"MESSAGE", at, start + len(b"MESSAGE") + 1) >= 0 or block.find(b" P ", low, start) >= 0
    )
    for _ in range(1 + (_LINES_OF_RECORD if record else _LINES_BEFORE)):
        at = block.rfind(b"\n", low, at)
        if at < 0:
            return low
    return at + 1


class Starts:
    """The places of one block, in order."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._next = {form: -1 for needed, form in _COMPILED if all(byte in block for byte in needed)}

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
