"""Model and real library side by side: every op's result must be the same, and after it every block, how many
hold its dbuf, whether that has user data, how many levels the object has, and which blocks on disk are holes.

A program runs whole on each, with digests of all that after every op; only where these differ does it run
again, op by op, to say in the format's words what is different.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fuzz.execution.execute import ALL, changes_nothing, judge_limit, judge_result
from fuzz.execution.result import Forgive, Outcome, Result, Trace
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import JUDGED_KINDS, SILENT_KINDS, Failure, Signature
from fuzz.language.program import Op, Program
from fuzz.targets.base import Target
from fuzz.targets.first_difference import first_dbuf_difference, first_difference, first_tree_difference
from fuzz.targets.libzpool.plain_target import Digests
from fuzz.targets.libzpool.target import LibzpoolTarget
from fuzz.targets.libzpool.wire import block_digest, join_digests
from fuzz.targets.model import ModelTarget
from zapcore.errors import LimitExceeded

LEAKS = ("zap:locks-at-rest", "zap:holds-at-rest")
"""Where a failure of the model says that the real library, too, goes on with what nobody lets go of."""
PERHAPS = ("zap.c:fzap_prefetch",)
"""Where the bytes that are taken for a structure of another type may let the real library go on."""
Step = tuple[Result, Digests]


class Run(NamedTuple):
    """What one side did: the steps that it took, and how it ended if not at the end."""

    steps: list[Step]
    failure: Failure | None
    limit: LimitExceeded | None = None


class _Digester:
    """Digests of the model's blocks, each computed again only when its bytes change, and of its dbufs."""

    def __init__(self, model: ModelTarget) -> None:
        self.model = model
        self.known: dict[tuple[int, int], tuple[bytes, bytes]] = {}

    def digest(self, zap: str) -> bytes | None:
        number = self.model.numbers[zap]
        dnode = self.model.objset.dnodes.get(number)
        if dnode is None or dnode.free_txg:
            return None
        digests = []
        end = 0
        for blkid in range(dnode.max_blkid + 1):
            raw = dnode.current(blkid)
            before = self.known.get((number, blkid))
            if before is None or before[0] != raw:
                before = (bytes(raw), block_digest(raw))  # type: ignore[arg-type]
                self.known[number, blkid] = before
            digests.append(before[1])
            if any(raw):
                end = blkid + 1
        live = self.model.dbufs(zap) + self.model.block_tree(zap)
        return join_digests(digests[:end]) + block_digest(live)

    def all(self) -> Digests:
        return tuple(map(self.digest, self.model.numbers))


class BothTarget(Target):
    """Runs programs on the model of a release and on a real library, and compares.

    A failure that both sides share is that failure; one that only one side has, and any other difference, is
    a failure of kind `difference`. `steps` are those of the last program that ran whole, as both took them.
    `trace` is called after each op of the model. Where `avoid` says yes to the model's failure, or the model
    meets a limit, the real library runs the program up to there only.
    """

    trace: Trace | None = None
    avoid: Callable[[Failure], bool] | None = None

    def __init__(self, model: ModelTarget, real: LibzpoolTarget) -> None:
        self.model = model
        self.real = real
        real.told_of_leaks = True
        self.name = f"{model.name} and {real.name}"
        self.release = model.release
        self.steps: list[Step] = []

    def run_at_once(self, program: Program, judge: bool, forgive: Forgive | None) -> Outcome:
        """Run a program on both, and compare."""
        try:
            return Outcome(None, None, self.compared(program, judge, forgive))
        except Failure as failure:
            return Outcome(failure, None, min(failure.op + 1, len(program.ops)))
        except LimitExceeded as limit:
            return Outcome(None, str(limit), 0)

    def compared(self, program: Program, judge: bool, forgive: Forgive | None = None) -> int:
        """Run a program on both; returns how many ops were compared. Raises Failure, LimitExceeded."""
        ours = self._run_model(program, judge, forgive)
        self.steps = ours.steps
        failure = ours.failure
        stops = ours.limit is not None
        if failure is not None:
            silent = failure.signature.kind in SILENT_KINDS
            stops = silent or (self.avoid is not None and self.avoid(failure))
        if stops:
            program = program.with_ops(program.ops[: len(ours.steps)])
        theirs = self._run_real(program)
        if failure is not None and failure.signature.place in LEAKS:
            self.real.close()
        for index, (mine, its) in enumerate(zip(ours.steps, theirs.steps, strict=False)):
            if mine != its:
                raise self._explain(program, index)
        _compare_ends(None if stops else failure, theirs.failure)
        if failure is not None:
            raise failure
        if ours.limit is not None:
            raise ours.limit
        return len(program.ops)

    def _run_model(self, program: Program, judge: bool, forgive: Forgive | None) -> Run:
        model = self.model
        steps: list[Step] = []
        oracle = Oracle(program, model.release) if judge else None
        op: Op | None = None
        try:
            model.begin(program)
            digester = _Digester(model)
            for op in program.ops:
                result = model.apply(op)
                steps.append((result, digester.all()))
                if self.trace is not None:
                    self.trace(len(steps) - 1, op, result)
                if oracle is not None:
                    try:
                        judge_result(op, result, oracle)
                    except Failure as wrong:
                        if forgive is None or not forgive(wrong):
                            raise
                    if not changes_nothing(op, result):
                        model.audit(op, oracle)
            if oracle is not None:
                model.audit(ALL, oracle)
        except Failure as failure:
            judged = failure.signature.kind in JUDGED_KINDS
            return Run(steps, Failure(failure.signature, failure.text, len(steps) - judged))
        except LimitExceeded as limit:
            denied = judge_limit(op, limit, oracle) if oracle is not None and op is not None else None
            if denied is not None:
                return Run(steps, Failure(denied.signature, denied.text, len(steps)))
            return Run(steps, None, limit)
        return Run(steps, None)

    def _run_real(self, program: Program) -> Run:
        try:
            return Run(self.real.run_program_digests(program), None)
        except Failure as failure:
            if failure.op == len(program.ops):  # it would fail again
                return Run([], failure)
            before = program.with_ops(program.ops[: max(failure.op, 0)])
            return Run(self.real.run_program_digests(before), failure)

    def _explain(self, program: Program, index: int) -> Failure:
        """Run both again up to the op that differs, and say how."""
        self.begin(program)
        try:
            for op in program.ops[: index + 1]:
                self.apply(op)
        except Failure as failure:
            return Failure(failure.signature, f"op {index}: {failure.text}", index)
        return _difference("blocks", f"op {index}: digests differ, blocks and dbufs do not", index)

    def begin(self, program: Program) -> None:
        """Begin on both sides."""
        self.model.begin(program)
        self.real.begin(program)

    def apply(self, op: Op) -> Result:
        """Run one op on both sides and compare result and blocks."""
        mine = its = None
        my_failure = its_failure = None
        try:
            mine = self.model.apply(op)
        except Failure as failure:
            if failure.signature.kind in SILENT_KINDS:
                raise
            my_failure = failure
        try:
            its = self.real.apply(op)
        except Failure as failure:
            its_failure = failure
        _compare_ends(my_failure, its_failure)
        if my_failure is not None:
            raise my_failure
        assert mine is not None and its is not None
        if mine != its:
            raise _difference(f"{op.verb} result", f"{op.verb}: model {mine}, real {its}")
        for name in self.model.numbers:
            found = first_difference(self.model.blocks(name), self.real.blocks(name))
            if found is not None:
                raise _difference(f"{op.verb} blocks", found)
            found = first_dbuf_difference(self.model.dbufs(name), self.real.dbufs(name))
            if found is not None:
                raise _difference(f"{op.verb} dbufs", found)
            found = first_tree_difference(self.model.block_tree(name), self.real.block_tree(name))
            if found is not None:
                raise _difference(f"{op.verb} tree", found)
        return mine

    def blocks(self, zap: str) -> list[bytes] | None:
        """The model's blocks; the real ones are the same."""
        return self.model.blocks(zap)

    def dbufs(self, zap: str) -> bytes:
        """The model's dbufs; the real ones are the same."""
        return self.model.dbufs(zap)

    def block_tree(self, zap: str) -> bytes:
        """The model's tree; the real one is the same."""
        return self.model.block_tree(zap)

    def end(self) -> None:
        """End on both sides."""
        self.model.end()
        self.real.end()


def _difference(what: str, text: str, op: int = -1) -> Failure:
    return Failure(Signature("difference", "both:compare", what), text, op)


def _compare_ends(mine: Failure | None, its: Failure | None) -> None:
    """Raise unless both sides failed alike, or neither did."""
    if mine is None:
        if its is None:
            return
    elif _alike(mine, its):
        return
    shown = [failure.text.splitlines()[0] if failure else "fine" for failure in (mine, its)]
    where = its if mine is None else mine
    assert where is not None
    raise _difference(
        f"failure: model {mine.signature if mine else 'fine'}, real {its.signature if its else 'fine'}",
        f"model: {shown[0]}; real: {shown[1]}",
        where.op,
    )


def _alike(mine: Failure, its: Failure | None) -> bool:
    if mine.signature.kind == "use-after-free" or mine.signature.place in PERHAPS:
        return True  # freed memory may look as it did: the library goes on, or dies of anything
    if its is None:
        return False
    if mine.signature.kind == "type-confusion":
        return True  # whatever the library died of
    if mine.signature.kind == "deadlock":
        return "rw_enter" in (its.signature.stack or (its.signature.place,)) or its.signature.kind == "hang"
    return mine.signature.key == its.signature.key


__all__ = ["BothTarget", "LimitExceeded"]
