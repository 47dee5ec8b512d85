"""Names come in the order of their hashes: a cursor, a directory, a search by value."""

from __future__ import annotations

import pytest

from fuzz.faults.edits import Edit
from fuzz.judge.oracle import Oracle
from fuzz.language.syntax import parse
from fuzz.targets.base import Entry, Result
from tests.support.failure_under_fault import failure_under

NAMES = "zap n fat hash64\n" + "".join(f'add n "{name}" int=8 fill=0x1\n' for name in "abc")

FAULTS = {
    "a directory is listed from its end": (
        "readdir",
        'zap d micro\ntouch d "a"\ntouch d "b"\nreaddir d\n',
        Edit("zpl:readdir", "    return names\n", "    return names[::-1]\n"),
    ),
    "a search goes on to the second name": (
        "search",
        NAMES + "search n value=0x1\n",
        Edit(
            "zap.helpers:value_search",
            "    cursor.close()\n    return found.key\n",
            "    cursor.advance()\n    found = cursor.retrieve()\n    cursor.close()\n    return found.key\n",
        ),
    ),
}


@pytest.mark.parametrize(("verb", "text", "fault"), FAULTS.values(), ids=FAULTS)
def test_is_seen_where_the_model_is_fine(verb: str, text: str, fault: Edit) -> None:
    failure = failure_under(fault, text)
    assert (failure.signature.kind, failure.signature.place) == ("oracle", f"zap:{verb}")


def test_a_cursor_does_not_go_back() -> None:
    program = parse(
        "zap z fat key=u64 prehashed\nadd z 0x1000000000\nadd z 0x2000000000\ncursor c z\nnext c\nnext c\n"
    )
    oracle = Oracle(program)
    *before, first, second = program.ops
    assert not any(oracle.check(op, Result()) for op in before)
    entries = [Result(0, Entry((key,), 1, 1, 0, False)) for key in (0x2000000000, 0x1000000000)]
    assert oracle.check(first, entries[0]) is None
    wrong = oracle.check(second, entries[1])
    assert wrong is not None and "lies before" in wrong.text
