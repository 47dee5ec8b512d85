"""Protects the comparison of dbufs: how many hold each, and whether it has user data, after every op."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, applied
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget

Make = Callable[..., LibzpoolTarget]
RELEASES = ("2.1", "2.3", "2.4")
FAT = Zap("z", words=1, prehashed=True, leaf_shift=9)


def put(key: int) -> Op:
    return Op("add", "z", (key << 60,), 1, 148, 1)


@pytest.mark.parametrize("release", RELEASES)
def test_what_holds_a_dbuf(libzpool: Make, release: str) -> None:
    """Of the header and two leaves: a dirty record of each txg in flight is a hold, a cursor has one on the
    header and its leaf. What an eviction finds held goes when it is let go. On both sides."""
    steps = (
        (put(0), b"\1\1\1\1"),
        (Op("txg"), b"\1\1\1\1"),
        (put(15), b"\2\1\2\1\1\1"),
        (Op("cursor", "c", other="z"), b"\2\1\2\1\1\1"),
        (Op("next", "c"), b"\3\1\3\1\1\1"),
        (Op("sync"), b"\1\1\1\1\0\1"),
        (Op("evict"), b"\1\1\1\1"),
        (Op("close", "c"), b""),
    )
    for target in (ModelTarget(release), libzpool(release)):
        target.begin(Program((FAT,), ()))
        for op, states in steps:
            assert target.apply(op).errno == 0
            assert target.dbufs("z") == states, (target.name, op)
        target.end()


def test_a_hold_that_no_byte_shows_is_told(libzpool: Make) -> None:
    target = BothTarget(ModelTarget("2.3"), libzpool("2.3"))
    ops = (put(0), Op("cursor", "c", other="z"), Op("next", "c"), Op("close", "c"))
    assert run(Program((FAT,), ops), target).fine
    with applied(Edit("zap.cursor:Cursor._let_leaf_go", "put_leaf(self.leaf)", "self.leaf.rwlock.exit()")):
        failure = run(Program((FAT,), ops), target, judge=False).failure
    assert failure is not None
    assert failure.signature.expression == "close dbufs"
    assert failure.text == "op 3: dbuf of block 1: model 2 holds, user data; real 1 holds, user data"


def test_user_data_that_no_byte_shows_is_told(libzpool: Make) -> None:
    target = BothTarget(ModelTarget("2.3"), libzpool("2.3"))
    ops = (put(0), put(15), Op("sync"), Op("evict"))
    assert run(Program((FAT,), ops), target).fine
    owners = ("dnode:Dnode", "objset:Objset")
    faults = [Edit(f"dmu.{owner}.evict_dbufs", "dbuf.destroy()", "pass") for owner in owners]
    with applied(*faults):
        failure = run(Program((FAT,), ops), target, judge=False).failure
    assert failure is not None
    assert failure.signature.expression == "evict dbufs"


@pytest.mark.parametrize("release", RELEASES)
def test_a_transaction_reads_the_header(libzpool: Make, release: str) -> None:
    """dmu_tx_hold_zap() does, also for an increment by 0, which looks at nothing, and for a join of a ZAP
    that is empty. In 2.4 a dbuf that is to be evicted stays then."""
    target = BothTarget(ModelTarget(release), libzpool(release))
    kept = b"\0\1" if release == "2.4" else b""
    ops = (Op("txg"), Op("txg"), Op("evict"), Op("increment", "z", (0,), fill=0), Op("txg"))
    assert run(Program((FAT,), ops), target, judge=False).fine
    assert target.model.dbufs("z") == kept
    for verb in ("join", "join_key", "join_increment"):
        zaps = "zap y fat hash64\nzap z fat hash64\n"
        program = parse(f"{zaps}txg\ntxg\nevict\n{verb} y z\ntxg\n")
        assert run(program, target).fine
        assert target.model.dbufs("z") == kept, verb
