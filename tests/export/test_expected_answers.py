"""Protects what the exported forms call right: by release where releases differ, by order where threads work,
and nothing where nothing is known."""

from __future__ import annotations

from fuzz.corpus.reproducer import Reproducer, read_reproducer
from fuzz.export.blind_spots import blind_spots
from fuzz.export.expected_answers import expected, orders
from fuzz.judge.state import Value
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from tests.support.paths import CORPUS

LONG = Program((Zap("d", fat=False),), (Op("touch", "d", b"x" * 300, fill=1), Op("count", "d")))


def test_releases_that_differ_are_told_apart() -> None:
    """2.1 and those before long names refuse one of 300 bytes."""
    right = expected(LONG)
    assert right.answers[0] == {"2.1": [(36, None)], "unfixed": [(36, None)], "": [(0, None)]}
    assert right.answers[1] == {"2.1": [(0, 0)], "unfixed": [(0, 0)], "": [(0, 1)]}
    entry = Value(8, 1, (8 << 60 | 1).to_bytes(8, "little"))
    assert right.contents == [{"2.1": [{}], "unfixed": [{}], "": [{b"x" * 300: entry}]}]


def test_a_release_by_its_name_is_alone() -> None:
    assert expected(LONG, "2.1").answers == [{"": [(36, None)]}, {"": [(0, 0)]}]


def test_an_answer_that_the_oracle_denies_is_not_right() -> None:
    reproducer = read_reproducer(CORPUS / "findings" / "lookup-widened")
    right = expected(reproducer.program, "2.3")
    assert right.answers[1] == {"": []}
    assert right.wrong[0] is None and right.wrong[1] is not None
    result, why = right.wrong[1]
    assert result.value == bytes.fromhex("0000000000000000 0100000000000000 0201") and "widened" in why


def test_nothing_is_promised_of_what_follows_a_panic() -> None:
    reproducer = read_reproducer(CORPUS / "regressions" / "stale-user-data-txg")
    ops = (*reproducer.program.ops, Op("count", "z"))
    right = expected(Program(reproducer.program.zaps, ops), "unfixed")
    assert [bool(each[""]) for each in right.answers] == [True] * 6 + [False] * 2
    assert right.contents == [{"": []}]


THREADS = """
zap z fat key=u64 prehashed leaf_shift=9
t1: add z 0x1
t1: stats z
t2: update z 0x1 len=2
t2: next c
count z
"""


def test_of_threads_any_order_is_right() -> None:
    """And nothing of a cursor, nor how a ZAP lies in blocks."""
    right = expected(parse(THREADS.replace("t1: stats z\n", "")), "2.3")
    found = [sorted(code for code, _ in each[""]) for each in right.answers]
    assert found == [[0, 17], [0], [], [0]]
    lengths = [value.length for content in right.contents[0][""] if content for value in content.values()]
    assert lengths == [2]


def test_ops_of_threads_that_are_several_calls_promise_nothing() -> None:
    text = 'zap d micro\nt1: touch d "a" inode=1\nt2: touch d "a" inode=2\ncount d\n'
    right = expected(parse(text), "2.3")
    assert right.answers[0] == right.answers[1] == {"": []}
    assert right.contents == [{"": []}]


def test_long_programs_have_one_order_and_many_threads_not_too_many() -> None:
    """As many ops as a program may have, and orders without end, of which nothing is promised."""
    count = Op("count", "d")
    assert list(orders(Program(LONG.zaps, (count,) * 5000))) == [list(range(5000))]
    beside = tuple(count._replace(thread=number % 3 + 1) for number in range(60))
    right = expected(Program(LONG.zaps, (*beside, count, *beside)), "2.3")
    assert {str(each) for each in right.answers} == {"{'': []}"}


def test_the_head_says_what_a_form_may_not_see() -> None:
    """Freed memory, stale memory, damage that leaves no trace; not what asserts, or shows in blocks."""

    def spots(group: str, name: str) -> list[str]:
        return list(blind_spots(read_reproducer(CORPUS / group / name)))

    assert "address sanitizer" in spots("regressions", "explicit-evict-use-after-free")[0]
    assert spots("findings", "normalize-unterminated")[0].startswith("the failure of 2.1, unfixed, ")
    assert spots("findings", "zap-shrink-stale-shift-table") == []
    assert spots("findings", "zap-trunc-next-table") == []
    quiet = Program((Zap("z", words=1, leaf_shift=9),), (Op("add", "z", (1,), 1, 1),))
    expect = {"2.3": "invariant zap:holds every hold is let go"}
    assert "no trace" in next(blind_spots(Reproducer(quiet, "quiet", expect)))
