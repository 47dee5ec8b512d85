"""Protects what makes triage quick, the search for the few lines that may begin a failure, and that keys of
words and of names are one way into the ZAP."""

from __future__ import annotations

import io
import random
import re
import time
import timeit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.evidence.triage.containers import log_prefixes, unwrap
from fuzz.evidence.triage.containers.log_prefixes import Line, split_line
from fuzz.evidence.triage.containers.unwrap import Unwrapper
from fuzz.evidence.triage.heads.table import TABLE, parse_head
from fuzz.evidence.triage.known import stack_difference
from fuzz.evidence.triage.stacks import PLAIN_FRAME, parse_counter, parse_frame
from fuzz.evidence.triage.starts import Starts
from fuzz.evidence.triage.stream import scan
from fuzz.evidence.triage.trace_lines import END, SECTION, TRACE
from tests.support.paths import DATA

LOGS = sorted((DATA / "triage").glob("*.log"))
PIECES = [line for path in LOGS for line in path.read_bytes().split(b"\n") if line]
WORDS = [
    b"zfs:zap_add",
    b"+1f",
    b"Call Trace:",
    b" [zfs]",
    b"Fatal trap",
    b"VERIFY",
    b"ASSERT",
    b"(",
    b" ",
    b"at ",
    b"PANIC",
    b"panic",
    b"ION",
    b"3U",
    b'"MESSAGE":',
    b'"MESSAGE" : [',
    b"io_failure pool=",
    b"; suspending pool",
    b"catastrophic&nbsp;pool",
    b"solaris\xc2\xa0assert",
    b"zio_write() at zio_write+0x1f",
    b"#0  __GI_raise (",
    b"frame #0: 0x",
    b"#0 /srv/index.php(12): main()",
]
_S = rb"(?: |\xc2\xa0|\xa0|&nbsp;)"
FORM = re.compile(
    rb"(?:VERIFY|ASSERT(?:ION)?)[0-9A-Z]{0,4}\(|ASSERT%at|PANIC(?:%at|:%)|SPL PANIC|Assertion%[`'\\]"
    rb"|panic(?::%|\(cpu|\\?\[cpu|%message|str)|spl\\?_panic|panic%- not|solaris%assert|[Aa]ssertion%failed:"
    rb"|\[z(?:fs|lua|common|nvpair|avl|unicode|zstd)[\] \\]|Call%[Tt]race:|#[0-3]:?%{1,4}0x"
    rb"|#[0-3]%{1,4}(?:[\[<]|[a-z_\\][\w\\]*%?\()|suspending%pool|io_failure%pool=|catastrophic%pool"
    rb"|MESSAGE\" ?: ?\[|P(?:anic%String:|ool%(?:'|&(?:#|apos)|\xe2\x80))|ZFS(?:in)?(?:!|:%Loaded)"
    rb"|zfs:[a-z][\w\\]*\+[0-9a-f]|z[a-z]{1,8}\\?_[\w\\]+\(\)%at%z".replace(b"%", _S)
)
LONGER = re.compile(rb"ASSERT[0-9A-Z]{5,7}\(")
"""A word that no macro is, which the parser then says no to."""


def places(block: bytes) -> list[int]:
    starts, at, found = Starts(block), 0, []
    while (at := starts.after(at)) >= 0:
        found.append(at)
        at += 1
    return found


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([*PIECES, *WORDS])))
def test_every_place_where_a_failure_may_begin_is_found(pieces: list[bytes]) -> None:
    block = b"".join(pieces)
    found = {at for at in places(block) if not LONGER.match(block, at)}
    forms = [form.span() for at in range(len(block)) if (form := FORM.match(block, at))]
    told = [{at for at in found if begin <= at < end} for begin, end in forms]
    assert all(told) and found == set().union(*told)


def test_words_alone_begin_nothing() -> None:
    assert places(b"CERTIFICATE_VERIFY_FAILED PANICKED ASSERTIVE panic insert VERIFY PANIC\n") == []
    assert places(b"CERTIFICATE_VERIFY_FAILED\nVERIFY(a)\n") == [26]


def test_a_log_costs_the_time_of_a_few_searches() -> None:
    """What every log pays, in passes of one search: each form that is added costs all of them one more."""
    said = (
        "request",
        "served",
        "in",
        "ms",
        "user",
        "session",
        "opened",
        "for",
        "closed",
        "connection",
        "port",
    )
    draw = random.Random(1)
    lines = [
        f"May  3 08:{at // 60 % 60:02}:{at % 60:02} host7 {draw.choice(('sshd', 'CRON', 'app'))}[{at}]: "
        f"{' '.join(draw.choices(said, k=9))}\n"
        for at in range(12_000)
    ]
    log = "".join(lines).encode()
    word = re.compile(rb"VERIFY\(")
    clock = time.process_time
    whole = min(timeit.repeat(lambda: list(scan(io.BytesIO(log).read)), "pass", clock, 3, 10))
    one = min(timeit.repeat(lambda: word.search(log), "pass", clock, 3, 100)) / 10
    assert whole < 16 * one, f"{whole / one:.1f} searches"


def test_keys_of_words_are_no_other_stack() -> None:
    names = ("zap_create_leaf", "zap_expand_leaf", "fzap_add_cd", "fzap_add", "zap_add_impl", "zap_add")
    words = (*names[:4], "zap_add_uint64_impl", "zap_add_uint64")
    assert stack_difference(names, words) == stack_difference(words, names) == ""
    assert stack_difference(("zap_expand_leaf", "fzap_update", "zap_update_uint64"), words) != ""


NEVER = re.compile(r"(?!)")
LINES = [line for path in (DATA / "triage").rglob("*.log") for line in path.read_bytes().split(b"\n")]


def test_what_is_not_looked_at_closer_is_what_a_closer_look_makes_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Most lines go past what containers and the beginnings of lines need; with them they are the same."""
    text = [re.sub(rb"^\[ *\d+\.\d+\] ", b"", line) for line in LINES]
    begins = (b"[  123.456789] ", b"May  3 08:00:43 ", b"2024-05-03T08:00:43.123+0200 ")
    raw = [*LINES, *(begin + line for begin in begins for line in text)]

    def lines() -> list[list[Line]]:
        return [list(Unwrapper().lines(line, 1, 0)) for line in raw]

    assert sum(unwrap._ORDINARY.match(line) is not None for line in raw) > len(raw) // 2
    quick = lines()
    monkeypatch.setattr(unwrap, "_ORDINARY", re.compile(rb"(?!)"))
    monkeypatch.setattr(log_prefixes, "_NOTHING_BEFORE", NEVER)
    assert quick == lines()


def test_a_line_that_is_a_frame_is_nothing_else() -> None:
    """Whatever words a function's name has: no head, no register, no part of a debugger's or FreeBSD's."""
    words = {re.sub(r"\W+", "_", word) for row in TABLE for word in row.words}
    frames = [f" {name}_{name}+0x1f/0x20 [zfs]" for name in words]
    frames += [split_line(line).text for line in LINES]
    frames = [text for text in frames if PLAIN_FRAME.match(text)]
    assert len(frames) > 500
    for text in frames:
        stripped = text.strip()
        assert parse_frame(stripped) is not None and parse_frame(stripped) == parse_frame(stripped, True)
        assert parse_head(split_line(text.encode())) is None and parse_counter(stripped) is None
        assert not any(form.search(stripped) for form in (TRACE, SECTION, END)), text
