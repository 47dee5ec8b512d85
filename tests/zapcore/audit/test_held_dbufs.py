"""Protects the cost of an audit in a large object: after an op it looks at dbufs that somebody held since the
last one, and after a step of time at all of them, so that nothing stays unseen."""

from __future__ import annotations

import pytest

from fuzz.execution.execute import judge_op
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Failure
from fuzz.language.program import Op
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from zapcore.audit import auditor
from zapcore.layout import Q_PREFIX

TEXT = """
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=148
add z 0x8000000000000000 len=148
"""
FIRST, LAST = (1,), ((1 << 63) + 1,)
"""Keys of the two leaves."""


def _with_a_leaf_changed_by_nobody() -> tuple[ModelTarget, Oracle]:
    program = parse(TEXT)
    target = ModelTarget("2.3")
    oracle = Oracle(program, target.release)
    target.begin(program)
    for op in (*program.ops, Op("add", "z", FIRST, 1, 1), Op("add", "z", LAST, 1, 1)):
        judge_op(op, target, oracle)
    dnode = target.objset.dnodes[target.numbers["z"]]
    leaf = next(dbuf for blkid, dbuf in dnode.dbufs.items() if blkid and dbuf.buf.q[Q_PREFIX])
    leaf.buf.raw[100] ^= 1
    return target, oracle


def test_a_leaf_that_nobody_held_is_looked_at_after_a_step_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditor, "FEW", 0)
    target, oracle = _with_a_leaf_changed_by_nobody()
    judge_op(Op("remove", "z", FIRST), target, oracle)
    with pytest.raises(Failure):
        judge_op(Op("txg"), target, oracle)


def test_of_few_dbufs_all_are_looked_at() -> None:
    target, oracle = _with_a_leaf_changed_by_nobody()
    with pytest.raises(Failure):
        judge_op(Op("remove", "z", FIRST), target, oracle)


def test_what_an_op_held_is_looked_at_at_once() -> None:
    program = parse(TEXT)
    target = ModelTarget("2.3")
    oracle = Oracle(program, target.release)
    target.begin(program)
    for op in program.ops:
        judge_op(op, target, oracle)
    dnode = target.objset.dnodes[target.numbers["z"]]
    for blkid, dbuf in dnode.dbufs.items():
        if blkid:
            dbuf.buf.raw[100] ^= 1
    with pytest.raises(Failure):
        judge_op(Op("remove", "z", (0,)), target, oracle)
