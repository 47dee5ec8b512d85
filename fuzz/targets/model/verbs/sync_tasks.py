"""ZAPs of the meta object set, on the model: ops that write them are put into their txg, and done while it
syncs."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping

from fuzz.execution.result import DONE, Result
from fuzz.language.program import Op
from fuzz.language.verb_sets import CHANGING, DEFERRED, TIME
from fuzz.targets.model.world import HANDLERS, ModelWorld
from zapcore.dmu.objset import Tx
from zapcore.errors import ZapErrno

NEVER_THERE = Result(errno.EPERM)
"""Of an op that nobody does on a ZAP of the MOS."""

Handler = Callable[[Op], Result]


class TaskedWorld(ModelWorld):
    """A world whose programs may have ZAPs of the meta object set."""

    def begin_sync_tasks(self, names: frozenset[str]) -> None:
        """Let ops on these ZAPs be sync tasks, and steps of time answer what became of them."""
        objset = self.objset
        for name in names:
            objset.dnode(self.numbers[name]).mos = True
        objset.finish_all_txgs()
        usual = self.handlers
        answers: list[int] = []
        self.early = False

        def change(op: Op) -> Result:
            if op.subject not in names and op.other not in names:
                return usual[op.verb](op)
            if op.verb not in DEFERRED:
                return NEVER_THERE
            objset.add_sync_task(lambda tx: answers.append(self._as_task(usual, op, tx)), self.early)
            return DONE

        def move_time(op: Op) -> Result:
            result = usual[op.verb](op)
            done = tuple(answers)
            answers.clear()
            return result._replace(value=done) if done else result

        self.handlers = usual | dict.fromkeys(CHANGING, change) | dict.fromkeys(TIME, move_time)

    def _as_task(self, handlers: Mapping[str, Handler], op: Op, tx: Tx) -> int:
        """Do an op in the txg that syncs; its errno."""
        objset = self.objset
        before, objset.open_tx = objset.open_tx, tx
        try:
            return handlers[op.verb](op).errno
        except ZapErrno as error:
            return error.code
        finally:
            objset.open_tx = before


@HANDLERS.of("early")
def early(world: ModelWorld, op: Op) -> Result:
    """Which of its two lists of tasks a txg has them in."""
    world.early = bool(op.fill)
    return DONE
