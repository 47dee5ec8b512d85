"""The oracle's word on what changes while a txg syncs: ZAPs of usage, with the objects that somebody owns,
and ZAPs of the meta object set."""

from __future__ import annotations

import errno

from fuzz.execution.result import DONE, Result
from fuzz.judge.checks import CHECKS, to_the_end
from fuzz.judge.owned import Object
from fuzz.judge.room import make_room
from fuzz.judge.state import State
from fuzz.judge.undecided import leave_open
from fuzz.judge.verbs.entries import increment
from fuzz.judge.wrong_answers import Wrong, expect, expect_value, other_value
from fuzz.language.program import U64, Op
from fuzz.language.verb_sets import CHANGING, DEFERRED

EVERYBODY = 7
BLOCK = 512


def refuses(state: State, op: Op) -> bool:
    """Whether an op would change a ZAP that only syncing context changes (EPERM)."""
    return op.verb in CHANGING and not state.kept.keys().isdisjoint((op.subject, op.other))


def put_off(state: State, op: Op, result: Result) -> Wrong | None:
    """Judge an op that would change a ZAP of the MOS: it is done later, or never (EPERM)."""
    if op.verb not in DEFERRED:
        return expect(result.errno, errno.EPERM)
    assert state.tasks is not None
    state.tasks.put(op)
    return expect(result.errno, 0)


def answers_of_tasks(state: State, op: Op, result: Result) -> Wrong | None:
    """Hold the errnos of the sync tasks that were done during an op against what each of them must be."""
    if state.tasks is None:
        return None
    due = state.tasks.due(op.verb)
    answers = result.value if isinstance(result.value, tuple) else ()
    if len(answers) != len(due):
        return other_value(f"{len(due)} sync tasks are due, {len(answers)} answered")
    for task, code in zip(due, answers, strict=True):
        assert isinstance(code, int)
        if code in state.failing.get(task.subject, ()):  # of a read, and so nothing has changed
            state.read_failed = True
            leave_open(state, "read-error")
            continue
        if refused := state.refused(task):
            if task.verb in ("add", "update"):
                make_room(state, task.subject)
            wrong = expect(code, refused)
        else:
            wrong = CHECKS[task.verb](state, task, Result(code))
        if wrong is not None and state.read_failed:
            return None  # the task whose read failed has changed something: an audit says what
        if wrong is not None:
            return Wrong(wrong.code, f"the sync task {task.verb}: {wrong.text}")
    return None


@CHECKS.of("early")
def early(state: State, op: Op, result: Result) -> Wrong | None:
    """It never fails."""
    if state.tasks is not None:
        state.tasks.early = bool(op.fill)
    return expect(result.errno, 0)


def account(state: State, op: Op) -> Wrong | None:
    """Do in the ZAPs of usage what syncing context did there during an op. What goes wrong there is a panic,
    so an op that came back is wrong if it should not have."""
    if state.usage is None:
        return None
    for changes in state.usage.due(op.verb):
        sums = state.usage.settle(changes)
        for name, kind in state.kept.items():
            for key, delta in sums[kind - 1]:
                wrong = to_the_end(increment(state, Op("increment", name, key, fill=delta & U64), DONE))
                if wrong is not None:
                    return other_value(f"{op.verb} came back, but {name} {key!r}: {wrong.text}")
    return None


@CHECKS.of("allocate", "chown", "free", "resize")
def change(state: State, op: Op, result: Result) -> Wrong | None:
    """How many objects were changed; ENOENT or EEXIST where none, ENOTSUP where nobody keeps count."""
    owned = state.usage
    if owned is None:
        return expect(result.errno, errno.ENOTSUP)
    count = 0
    for number in range(op.first, op.first + op.many):
        old = owned.now.get(number)
        if (old is None) is not (op.verb == "allocate"):
            continue
        count += 1
        old = old or Object((0, 0, 0), 0)
        if op.verb == "free":
            owned.change(number, None)
        elif op.verb == "resize":
            owned.change(number, Object(old.ids, op.fill * BLOCK))
        else:
            user, group, project = (
                (op.owner + number - op.first) & U64 if (op.whose or EVERYBODY) & 1 << place else each
                for place, each in enumerate(old.ids)
            )
            owned.change(number, Object((user, group, project), old.used))
    if not count:
        return expect(result.errno, errno.EEXIST if op.verb == "allocate" else errno.ENOENT)
    return expect(result.errno, 0) or expect_value(result.value, count)
