"""Protects reads that fail: the real libraries meet each error where the model does, and have its
blocks, holds and user data afterwards."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from fuzz.corpus.reproducer import read_reproducer
from fuzz.execution.execute import run
from fuzz.generate.themes.read_errors import read_error_program
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.language.verb_sets import CHANGING, READING
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import few_and_many, only_now
from tests.support.known_endings import is_fine_or_known
from tests.support.paths import CORPUS
from zapcore.dmu.indirect import IndirectDnode

Make = Callable[..., LibzpoolTarget]


@only_now("release", ["2.3"], ["2.1", "2.3", "2.4"])
@few_and_many(3, 10)
def test_random_programs_about_reads_that_fail(libzpool: Make, release: str, count: int) -> None:
    """Compared after each op. Both kinds of errors are met by what reads and by what writes."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    errors: Counter[tuple[str, int]] = Counter()
    for number in range(count):
        program = read_error_program(Random(f"read errors {number}"), target.model)
        outcome = run(program, target)
        assert is_fine_or_known(outcome), outcome
        errors.update(
            (op.verb, result.errno) for op, (result, _) in zip(program.ops, target.steps, strict=False)
        )
    for code in (errno.EIO, errno.EBADE):
        met = {verb for verb, found in errors if found == code}
        assert met & READING and met & CHANGING, errors


GROWING = """
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=148
add z 0x100000000000000 len=148
add z 0x4000000000000000 len=148
add z 0xc000000000000000 len=148
sync
"""
"""A table of four blocks that has begun to grow."""


def test_what_looks_at_blocks_between_ops_brings_nothing_back(libzpool: Make) -> None:
    """After each op all blocks are read to be compared, which must not be where the next op finds them."""
    program = parse(GROWING + "fail z many=255 block=1\n").with_ops([])
    ops = [
        *parse(GROWING).ops,
        Op("fail", "z", length=255, fill=1, extra=5),
        *[Op("contains", "z", (0,))] * 3,
    ]
    target = BothTarget(ModelTarget("2.4"), libzpool("2.4"))
    assert run(program.with_ops(ops), target).fine
    assert [result.errno for result, _ in target.steps[-3:]] == [errno.EIO] * 3


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_what_a_prefetch_has_begun_to_read_fails_with_its_op(libzpool: Make, release: str) -> None:
    """It may end after its op, when faults are lifted, and is in the ARC then: there for the op that comes
    next."""
    program = parse("zap z fat hash64\nfail z block=1 errno=52\nsync\n")
    turn = parse('zap z fat hash64\ncursor c z\nnext c\nprefetch z "a"\nlookup z "a"\n').ops
    outcome = run(
        program.with_ops([*program.ops, *turn * 40]), BothTarget(ModelTarget(release), libzpool(release))
    )
    assert outcome.fine, outcome


def test_a_read_of_a_hole_or_of_a_block_in_memory_does_not_fail(libzpool: Make) -> None:
    """No read from disk is needed for what is dirty, held by a cursor, or nowhere on disk."""
    zap = Zap("z", words=1, prehashed=True, leaf_shift=9)
    before = (Op("add", "z", (0,), 1, 148), Op("fail", "z", length=9, extra=5), Op("contains", "z", (0,)))
    held = (Op("heal", "z"), Op("sync"), Op("cursor", "c", other="z"), Op("next", "c"))
    after = (
        Op("fail", "z", length=9, extra=5),
        Op("contains", "z", (0,)),
        Op("add", "z", (1 << 63,), 1, 148),
    )
    for release in ("2.1", "2.3", "2.4"):
        target = BothTarget(ModelTarget(release), libzpool(release))
        assert run(Program((zap,), (*before, *held, *after)), target).fine
        assert not any(result.errno for result, _ in target.steps)


LEVELS = """
zap z fat key=u64 prehashed leaf_shift=9 indirect_shift=9
add z 0x0 len=148
add z 0x100000000000000 len=148
add z 0x8000000000000000 len=148
sync
"""
"""Two levels of indirect blocks: the table has grown to eight blocks."""
VERIFIED = ("zap.c:zap_create_leaf", "zap.c:zap_table_grow")
"""Where OpenZFS has a VERIFY that a block can be held."""
UNDER_LEVELS = (
    Op("contains", "z", (1 << 63,)),
    Op("add", "z", (1 << 62,), 1, 148),
    Op("remove", "z", (0,)),
    Op("seek", "z", fill=512),
    Op("destroy", "z"),
)


@only_now("release", ["2.4"], ["2.1", "2.3", "2.4"])
def test_indirect_blocks_that_cannot_be_read(libzpool: Make, release: str) -> None:
    """Each in turn under some ops, compared. What is above a block is EIO to who asks for the block, and what
    a read gives to transactions and searches, but for those of releases that know only EIO there."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    grown = parse(LEVELS)
    assert run(grown, target.model, judge=False).fine
    dnode = target.model.objset.dnodes[1]
    assert isinstance(dnode, IndirectDnode) and {level for level, _ in dnode.pointers} == {1, 2}
    met: set[tuple[str, int]] = set()
    for level, blkid in sorted(dnode.pointers):
        for op in UNDER_LEVELS:
            fault = Op("fail", "z", size=level, length=1, fill=blkid, extra=errno.EBADE)
            outcome = run(Program(grown.zaps, (*grown.ops, fault, op, Op("heal", "z"), Op("sync"))), target)
            if outcome.fine:
                met.add((op.verb, target.steps[len(grown.ops) + 1][0].errno))
            else:
                assert outcome.failure is not None and outcome.failure.signature.place in VERIFIED, outcome
    told = {"2.1": errno.EIO, "2.3": errno.EBADE, "2.4": errno.EIO}[release]
    assert ("contains", errno.EIO) in met and ("contains", errno.EBADE) not in met
    assert ("seek", errno.EBADE) in met and ("add", told) in met
    assert ("destroy", errno.EIO if release == "2.4" else errno.EBADE) in met


def test_a_zap_without_small_indirect_blocks_has_none_that_fail(libzpool: Make) -> None:
    target = BothTarget(ModelTarget("2.3"), libzpool("2.3"))
    assert run(parse("zap z micro\nfail z level=1\ncount z\n"), target).fine
    assert target.steps[0][0].errno == errno.ENOTSUP


def test_a_pool_is_suspended_where_a_read_must_succeed(libzpool: Make) -> None:
    """It says so at once, and names the op."""
    program = read_reproducer(CORPUS / "findings/table-growth-suspends").program
    for release in ("2.1", "2.3", "2.4"):
        outcome = run(program, libzpool(release))
        assert str(outcome) == "suspended ?:add pool suspended"
        assert outcome.failure is not None and outcome.failure.op == len(program.ops) - 1


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_a_suspended_pool_is_one_failure_whichever_op_has_read(libzpool: Make, release: str) -> None:
    """The model tells where in the ZAP that was; the library does not."""
    program = read_reproducer(CORPUS / "findings/table-growth-suspends").program
    both = BothTarget(ModelTarget(release), libzpool(release))
    for verb in ("add", "update"):
        last = program.ops[-1]._replace(verb=verb)
        outcome = run(program.with_ops([*program.ops[:-1], last]), both)
        assert str(outcome) == "suspended ?:zap_table_grow pool suspended"


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_reads_that_fail_while_a_txg_syncs(libzpool: Make, release: str) -> None:
    """A sync task answers what its read gave, and changes nothing. A txg syncs well that needs no such
    read."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    program = parse("""
zap m fat key=u64 prehashed leaf_shift=9 mos
zap z fat key=u64 prehashed leaf_shift=9
zap u micro usage=user
add m 0x0
add z 0x0
sync
fail m block=1 errno=52
fail z many=9
fail u
add m 0x1
count m
sync
heal m
add m 0x1
sync
contains m 0x1
""")
    assert run(program, target).fine
    answers = [result for result, _ in target.steps]
    assert [answers[8].value, answers[11].value, answers[12].errno] == [(errno.EBADE,), (0,), 0]


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_what_a_cursor_lets_go_of_is_in_the_arc_still(libzpool: Make, release: str) -> None:
    """The cursor's leaf is the last block in memory below an indirect one that cannot be read any more. The
    next leaf lies below it, too: its pointer is read from what the ARC has kept."""
    program = parse("""
zap z fat key=u64 prehashed leaf_shift=9 indirect_shift=9
add z 0x0 len=148
add z 0x8000000000000000
add z 0x100000000000000 len=148
remove z 0x0
remove z 0x100000000000000
add z 0x0 len=148
add z 0x100000000000000 len=148
sync
cursor c z
next c
next c
fail z level=1 many=148 block=7
next c
next c
""")
    target = BothTarget(ModelTarget(release), libzpool(release))
    assert run(program, target).fine
    assert target.steps[-2][0].errno == 0


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_an_increment_by_nothing_reads_for_its_transaction_alone(libzpool: Make, release: str) -> None:
    """A transaction holds the ZAP and reads its header; that of a sync task holds nothing."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    verbs = 'increment z "a" delta=0\nincrement_int z id=5 delta=0\n'
    assert run(parse(f"zap z fat hash64\nsync\nfail z\n{verbs}sync\n"), target).fine
    assert target.steps[2][0].errno == errno.EIO
    assert run(parse(f"zap z fat hash64 mos\nsync\nfail z\n{verbs}sync\n"), target).fine
    value = target.steps[4][0].value
    assert isinstance(value, tuple) and value[0] == 0


@pytest.mark.parametrize(("release", "code"), [("2.1", "EBADE"), ("2.4", "EBADE"), ("master", "EIO")])
def test_a_search_says_eio_of_whatever_its_cursor_met(release: str, code: str) -> None:
    """In master zap_value_search() does not look at what zap_cursor_init() returned (compared on a build of
    it)."""
    for header in ("zap z fat hash64 leaf_shift=9", "zap z micro"):
        program, model = parse(f"{header}\nsync\nfail z errno=52\nsearch z\n"), ModelTarget(release)
        assert run(program, model).fine
        model.begin(program)
        assert errno.errorcode[[model.apply(op).errno for op in program.ops][-1]] == code


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_directories_whose_leaves_cannot_be_read(libzpool: Make, release: str) -> None:
    """The lookup that comes before each change says so, and names that were listed before stay so."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    names = "".join(f'touch d "{number:060}" inode={number + 2}\n' for number in range(12))
    program = parse(
        f"zap d micro leaf_shift=9\n{names}sync\nfail d block=1 many=99\n"
        f'touch d "new"\nunlink d "{0:060}"\nrename d d "{0:060}" "new"\nreaddir d\nheal d\nreaddir d\n'
    )
    assert run(program, target).fine
    codes = [result.errno for result, _ in target.steps[-6:]]
    assert codes == [errno.EIO] * 4 + [0, 0]
