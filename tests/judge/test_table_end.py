"""ENOSPC is right only where the pointer table ends and the entries that share its last leaf have no room
there."""

from __future__ import annotations

import errno

import pytest

from fuzz.bench.time_to_find import SEEDED, hunt
from fuzz.execution.execute import run
from fuzz.execution.result import Result
from fuzz.judge.oracle import Oracle
from fuzz.judge.wrong_answers import Wrong
from fuzz.language.program import Program, Zap, with_hash_bits
from fuzz.language.syntax import parse
from fuzz.language.validate import problems
from fuzz.targets.model.target import ModelTarget

HEADER = "zap z fat key=u64 words=2 prehashed leaf_shift=9\n"
NO_SPACE = Result(errno.ENOSPC)


def judged(ops: str, last: Result = NO_SPACE) -> Wrong | None:
    """What is said of the last op's answer, the ops before it having succeeded."""
    program = parse(HEADER + ops)
    oracle = Oracle(program)
    for op in program.ops[:-1]:
        assert oracle.check(op, Result()) is None
    return oracle.check(program.ops[-1], last)


@pytest.mark.parametrize("verb", ["add", "update"])
def test_an_entry_with_lots_of_room_is_not_refused(verb: str) -> None:
    """OpenZFS 0.7.7 lost files so (issue 7401): creating a file failed, and that was believed."""
    wrong = judged(f"add z 0x0:0x1\n{verb} z 0x0:0x2\n")
    assert wrong is not None and wrong.code == "expected success, got ENOSPC"


def test_hashes_that_differ_before_the_end_of_the_table_have_leaves_of_their_own() -> None:
    """A hash of 28 bits: the table ends after 26, so bit 25 still tells two leaves apart, and bit 26 does
    not."""
    together = "add z 0x0:0x1 len=148\nadd z {:#x}:0x1 len=148\n"
    assert judged(together.format(1 << (64 - 26))) is not None
    assert judged(together.format(1 << (64 - 27))) is None
    assert judged("add z 0x0:0x1 len=148\nadd z 0x0:0x2 len=148\n") is None


def test_what_fills_a_leaf_exactly_has_room() -> None:
    """18 chunks: 9 for each of two entries of 147 bytes, one more is too many."""
    fits = "add z 0x0:0x1 len=147\nadd z 0x0:0x2 len=147\n"
    assert judged(fits) is not None
    assert judged(fits.replace("len=147", "len=148")) is None


def test_an_update_is_refused_where_its_new_value_is_too_large_for_its_neighbours() -> None:
    """And alone, where it is too large for any leaf: an add is refused with E2BIG then, an update goes on to
    the table's end (the finding update-too-large)."""
    assert judged("add z 0x0:0x1\nupdate z 0x0:0x1 len=400\n") is None
    assert judged("add z 0x0:0x1\nupdate z 0x0:0x1 len=147\n") is not None
    wrong = judged("add z 0x0:0x1 len=400\n")
    assert wrong is not None and wrong.code == "expected E2BIG, got ENOSPC"


def test_what_a_refused_op_would_have_written_is_not_there() -> None:
    """The state stays, so that the next lookup is judged by what was there before."""
    program = parse(HEADER + "add z 0x0:0x1 len=148\nadd z 0x0:0x2 len=148\nlookup z 0x0:0x2\ncount z\n")
    oracle = Oracle(program)
    answers = (Result(), NO_SPACE, Result(errno.ENOENT), Result(0, 1))
    assert [oracle.check(*each) for each in zip(program.ops, answers, strict=True)] == [None] * 4


def test_a_success_where_there_is_no_room_is_wrong_too() -> None:
    """Hashes of ten bits: the table ends after eight. What parts two entries behind that has not been read
    from a table."""
    program = parse(
        HEADER.replace("\n", " hash_bits=10\n") + "add z 0x0:0x1 len=148\nadd z 0x0:0x2 len=148\n"
    )
    oracle = Oracle(program)
    assert oracle.check(program.ops[0], Result()) is None
    wrong = oracle.check(program.ops[1], Result())
    assert wrong is not None and wrong.code == "expected ENOSPC, got success"


def test_a_run_can_give_every_zap_hashes_of_few_bits() -> None:
    """Of those that say nothing; then random programs meet the end of the table."""
    program = parse("zap z fat hash64\nzap y micro hash_bits=12\n")
    assert [zap.hash_bits for zap in with_hash_bits(program, 10).zaps] == [10, 12]
    others = Program((Zap("z", fat=False, indirect_shift=9), Zap("u", fat=False, usage=1)), ())
    assert problems(with_hash_bits(others, 10)) is None
    assert program.zaps[0].hash_bits == 0
    found = hunt(next(bug for bug in SEEDED if bug.name == "table-of-every-bit"), "random", 1, 20)
    assert found.program is not None
    assert {zap.hash_bits for zap in found.program.zaps} == {10}


def test_leaves_are_of_the_size_that_the_tunable_had() -> None:
    """A rename that is refused puts the old name back into a micro ZAP, which becomes fat for it: with leaves
    as large as the target's, in which there is no room. The oracle once took those of its header line."""
    text = """
    zap z micro leaf_shift=9 hash_bits=10
    zap y fat hash64 leaf_shift=9
    zap x micro leaf_shift=10 hash_bits=8
    add z "34:96898;;9591<7331000"
    add y "823::>8=;751<874421000"
    increment x "77;7>;<227:<99::31000"
    rename z x "34:96898;;9591<7331000" "34:96898;;9591<7331000"
    add z "34:96898;;9591<7331000" len=148
    rename y z "823::>8=;751<874421000" "823::>8=;751<874421000"
    add y "823::>8=;751<874421000"
    increment x "4591>883?5<3>>83820000"
    increment x "627<>7:=>5?9634:070000"
    rename y x "823::>8=;751<874421000" "823::>8=;751<874421000"
    rename x z "4591>883?5<3>>83820000" "77;7>;<227:<99::31000"
    stats x
    """
    assert run(parse(text), ModelTarget("2.4")).fine
