"""Model and real library side by side: every op's result must be the same, and after it every block, how many
hold its dbuf, whether that has user data, how many levels the object has, and which blocks on disk are holes.

A program runs whole on each, with digests of all that after every op; only where these differ does it run
again, op by op, to say in the format's words what is different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fuzz.execution.execute import ALL, changes_nothing, judge_limit, judge_result
from fuzz.execution.result import Forgive, Outcome, Trace
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import JUDGED_KINDS, SILENT_KINDS, Failure
from fuzz.language.program import Op, Program
from fuzz.targets.first_difference import SIDES
from fuzz.targets.libzpool.plain_target import Digests
from fuzz.targets.libzpool.process.wire import block_digest, join_digests
from fuzz.targets.libzpool.target import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.side_by_side import Run, SideBySide, Step, run_library
from zapcore.errors import LimitExceeded

LEAKS = ("zap:locks-at-rest", "zap:holds-at-rest")
"""Where a failure of the model says that the real library, too, goes on with what nobody lets go of."""
PERHAPS = ("zap.c:fzap_prefetch",)
"""Where the bytes that are taken for a structure of another type may let the real library go on."""


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


def run_model(
    model: ModelTarget,
    program: Program,
    *,
    judge: bool = False,
    forgive: Forgive | None = None,
    trace: Trace | None = None,
) -> Run:
    """Run a program on the model alone, with digests as a library gives them."""
    steps: list[Step] = []
    oracle = Oracle(program, model.release) if judge else None
    op: Op | None = None
    try:
        model.begin(program)
        digester = _Digester(model)
        for op in program.ops:
            result = model.apply(op)
            steps.append((result, digester.all()))
            if trace is not None:
                trace(len(steps) - 1, op, result)
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


def same(ours: Run, theirs: Run) -> bool:
    """Whether a run of the library is as the model's: the steps of both, and how both ended."""
    if any(mine != its for mine, its in zip(ours.steps, theirs.steps, strict=False)):
        return False
    if ours.failure is None:
        return theirs.failure is None
    return alike(ours.failure, theirs.failure)


def alike(mine: Failure, its: Failure | None) -> bool:
    """Whether a failure of the model is what the library died of, or could have."""
    if mine.signature.kind == "use-after-free" or mine.signature.place in PERHAPS:
        return True  # freed memory may look as it did: the library goes on, or dies of anything
    if its is None:
        return False
    if mine.signature.kind == "type-confusion":
        return True  # whatever the library died of
    if mine.signature.kind == "suspended":  # the library does not tell where
        return its.signature.kind == "suspended"
    if mine.signature.kind == "deadlock":
        return "rw_enter" in (its.signature.stack or (its.signature.place,)) or its.signature.kind == "hang"
    return mine.signature.key == its.signature.key


class BothTarget(SideBySide):
    """Runs programs on the model of a release and on a real library, and compares.

    A failure that both sides share is that failure; one that only one side has, and any other difference, is
    a failure of kind `difference`. `steps` are those of the last program that ran whole, as both took them.
    `trace` is called after each op of the model. Where `avoid` says yes to the model's failure, or the model
    meets a limit, the real library runs the program up to there only.
    """

    trace: Trace | None = None
    avoid: Callable[[Failure], bool] | None = None

    def __init__(self, model: ModelTarget, real: LibzpoolTarget) -> None:
        super().__init__(model, real, SIDES)
        self.model, self.real = model, real
        real.told_of_leaks = True
        self.steps: list[Step] = []

    @property
    def zaps(self) -> Iterable[str]:
        """The names of the program's ZAPs."""
        return self.model.numbers

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
        ours = run_model(self.model, program, judge=judge, forgive=forgive, trace=self.trace)
        self.steps = ours.steps
        failure = ours.failure
        stops = ours.limit is not None
        if failure is not None:
            silent = failure.signature.kind in SILENT_KINDS
            stops = silent or (self.avoid is not None and self.avoid(failure))
        theirs = run_library(self.real, program, len(ours.steps) if stops else None)
        if failure is not None and failure.signature.place in LEAKS:
            self.real.close()
            if theirs.failure is not None and theirs.failure.op >= len(ours.steps):
                raise failure  # closing a cursor waits for the lock that is left over
        for index, (mine, its) in enumerate(zip(ours.steps, theirs.steps, strict=False)):
            if mine != its:
                raise self.explain(program, index)
        self.compare_ends(None if stops else failure, theirs.failure)
        if failure is not None:
            raise failure
        if ours.limit is not None:
            raise ours.limit
        return len(program.ops)

    def alike(self, mine: Failure, its: Failure | None) -> bool:
        """Whether a failure of the model is what the library died of, or could have."""
        return alike(mine, its)


__all__ = ["BothTarget", "LimitExceeded"]
