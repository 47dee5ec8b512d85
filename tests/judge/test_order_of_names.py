"""Names come in the order of their hashes: a cursor, a directory, a search by value; and as much of them as
there is room for."""

from __future__ import annotations

import pytest

from fuzz.execution.result import Entry, Result
from fuzz.faults.edits import Edit
from fuzz.judge.oracle import Oracle
from fuzz.judge.wrong_answers import Wrong
from fuzz.language.syntax import parse
from tests.support.failure_under_fault import failure_under

NAMES = "zap n fat hash64\n" + "".join(f'add n "{name}" int=8 fill=0x1\n' for name in "abc")

FAULTS = {
    "a directory is listed from its end": (
        "readdir",
        'zap d micro\ntouch d "a"\ntouch d "b"\nreaddir d\n',
        Edit("zpl:readdir", "    return names\n", "    return names[::-1]\n"),
    ),
    "a search does not ask if the name fits": (
        "search",
        NAMES + "search n value=0x1 room=1\n",
        Edit("zap.helpers:value_search", "    if room and", "    if room < 0 and"),
    ),
    "a name that is found is not cut off": (
        "lookup_norm",
        'zap n micro\nadd n "abc" int=8\nlookup_norm n "abc" int=8 len=1 room=3\n',
        Edit("zap:lookup_norm", " if room else found", " if room < 0 else found"),
    ),
    "a search goes on to the second name": (
        "search",
        NAMES + "search n value=0x1\n",
        Edit(
            "zap.helpers:value_search",
            "    cursor.close()\n    if room",
            "    cursor.advance()\n    found = cursor.retrieve()\n    cursor.close()\n    if room",
        ),
    ),
}


@pytest.mark.parametrize(("verb", "text", "fault"), FAULTS.values(), ids=FAULTS)
def test_is_seen_where_the_model_is_fine(verb: str, text: str, fault: Edit) -> None:
    failure = failure_under(fault, text)
    assert (failure.signature.kind, failure.signature.place) == ("oracle", f"zap:{verb}")


LOW, HIGH = 0x1000000000, 0x2000000000


def wrong_after(*returned: int, start: int = 0) -> Wrong | None:
    """What is said of the last of the entries that a cursor returns, the others being right."""
    walk = f"cursor c z from={start:#x}\n" + "next c\n" * len(returned)
    program = parse(f"zap z fat key=u64 prehashed\nadd z {LOW:#x}\nadd z {HIGH:#x}\n{walk}")
    oracle = Oracle(program)
    results = [Result()] * 3 + [Result(0, Entry((key,), 1, 1, 0, False)) for key in returned]
    *before, last = [oracle.check(*each) for each in zip(program.ops, results, strict=True)]
    assert not any(before)
    return last


def test_a_cursor_returns_the_next_entry_and_no_other() -> None:
    """Each way in which it can be wrong has its own code."""
    assert wrong_after(LOW, HIGH) is None
    cases = {
        (HIGH,): "the cursor missed an entry",
        (LOW, LOW): "the cursor returned an entry twice",
        (LOW, 0x3000000000): "the cursor returned an entry that is not there",
    }
    for returned, code in cases.items():
        wrong = wrong_after(*returned)
        assert wrong is not None and wrong.code == code
    before_start = wrong_after(LOW, start=HIGH >> 36)
    assert before_start is not None and "lies before its start" in before_start.text
