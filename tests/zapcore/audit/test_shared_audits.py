"""Protects judging a few writes by one audit: what is told of a failure is what audits after each op tell."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from fuzz.execution.execute import MOST_WAITING, may_wait, run
from fuzz.execution.result import Outcome
from fuzz.judge.oracle import Oracle
from fuzz.language.program import Op, Program
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore.dmu.objset import Tx
from zapcore.errors import LimitExceeded
from zapcore.zap import fat
from zapcore.zap.zap import Zap


class Audited(ModelTarget):
    """Notes which ops were audited together, by their verbs and keys."""

    def begin(self, program: Program) -> None:
        self.audits: list[list[str]] = []
        super().begin(program)

    def audit(self, op: Op, oracle: Oracle, before: Iterable[Op] = ()) -> None:
        self.audits.append([f"{each.verb} {bytes(each.key or b'').decode()}" for each in (*before, op)])
        super().audit(op, oracle, before)


def run_ops(target: ModelTarget, *ops: str, traced: bool = False) -> Outcome:
    program = parse("\n".join(("zap z fat hash64", *ops)) + "\n")
    return run(program, target, trace=(lambda *_: None) if traced else None, share_audits=True)


def audits(*ops: str) -> list[list[str]]:
    target = Audited()
    assert run_ops(target, *ops).fine
    return target.audits


def test_writes_share_an_audit() -> None:
    assert audits('add z "a"', 'add z "b"', 'remove z "c"') == [["add a", "add b"], ["txg "]]
    names = "abcdefgh"
    assert len(names) > MOST_WAITING
    first, rest = audits(*(f'add z "{name}"' for name in names))
    assert first == [f"add {name}" for name in names[: MOST_WAITING + 1]]
    assert rest == [f"add {name}" for name in names[MOST_WAITING + 1 :]]


def test_what_could_undo_a_write_is_not_waited_for() -> None:
    assert audits('add z "a"', 'add z "b"', 'remove z "a"') == [["add a", "add b"], ["remove a"]]
    assert audits('add z "a"', 'update z "a" fill=2') == [["add a"], ["update a"]]
    assert audits('add z "a"', "txg", 'add z "b"') == [["add a"], ["txg "], ["add b"]]
    assert not may_wait([Op("add", "a", b"a")], Op("add", "b", b"b"))


def test_what_changes_nothing_may_stand_between_them() -> None:
    """Also what is refused only if the write before it was right."""
    assert audits('add z "a"', "count z", 'remove z "c"', 'add z "b"')[0] == ["add a", "add b"]
    refused = audits('add z "a"', "txg", 'remove z "a"', 'remove z "a"', 'add z "b"')
    assert refused[2] == ["remove a", "add b"]


def test_a_write_is_audited_though_the_next_is_refused() -> None:
    assert audits('add z "b"', "txg", 'add z "a"', 'remove z "c"')[2] == ["add a"]


def test_an_add_that_is_refused_is_audited_too() -> None:
    """It may have made room."""
    assert audits('add z "a"', 'add z "a"', 'add z "b"')[0] == ["add a", "add a", "add b"]


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("entries", [1, 2, 3, 4])
def test_a_failure_is_that_of_the_op_that_made_it(
    monkeypatch: pytest.MonkeyPatch, entries: int, traced: bool
) -> None:
    """Whichever of the writes it is, and although those after it find what it left."""
    change_count = fat.change_count

    def miscount(zap: Zap, delta: int, tx: Tx) -> None:
        change_count(zap, delta, tx)
        q = zap.dbuf.buf.q
        if q[L.Q_NUM_ENTRIES] == entries:
            q[L.Q_NUM_ENTRIES] += 1

    monkeypatch.setattr(fat, "change_count", miscount)
    outcome = run_ops(ModelTarget(), *(f'add z "{name}"' for name in "abcd"), traced=traced)
    assert outcome.failure is not None
    assert outcome.failure.op == entries - 1
    assert outcome.ops == entries
    assert "zap_num_entries" in outcome.failure.text


@pytest.mark.parametrize(
    ("ends", "told"), [(ZeroDivisionError(), "exception"), (LimitExceeded("here"), "invariant")]
)
def test_a_write_before_the_last_op_is_audited(
    monkeypatch: pytest.MonkeyPatch, ends: Exception, told: str
) -> None:
    """Also where a model breaks or meets a limit; what was wrong before the limit is a failure."""
    change_count = fat.change_count

    def wrong_then_ended(zap: Zap, delta: int, tx: Tx) -> None:
        if zap.dbuf.buf.q[L.Q_NUM_ENTRIES]:
            raise ends
        change_count(zap, delta + (told == "invariant"), tx)

    monkeypatch.setattr(fat, "change_count", wrong_then_ended)
    target = Audited()
    failure = run_ops(target, 'add z "a"', 'add z "b"').failure
    assert failure is not None and failure.signature.kind == told
    assert failure.op == (told == "exception")
    assert target.audits == [["add a"]]


def test_what_meets_a_limit_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Growing tables up to the limit takes longer than all that came before it."""
    change_count, met = fat.change_count, []

    def limited(zap: Zap, delta: int, tx: Tx) -> None:
        if zap.dbuf.buf.q[L.Q_NUM_ENTRIES] == 2:
            met.append(delta)
            raise LimitExceeded("here")
        change_count(zap, delta, tx)

    monkeypatch.setattr(fat, "change_count", limited)
    target = Audited()
    outcome = run_ops(target, 'add z "a"', 'add z "b"', 'add z "c"')
    assert (outcome.limit, outcome.ops, len(met)) == ("here", 3, 1)
    assert target.audits[0] == ["add a", "add b"]
