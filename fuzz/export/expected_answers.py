"""What is right: what each op of a program gives on the model of a release, where the oracle agrees, and
what is there in the end by the oracle. With threads: in one order of their ops or another.

The package `threads` is not imported: it needs greenlet, and an export does not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from types import EllipsisType
from typing import NamedTuple, TypeVar

from fuzz.execution.result import Result, Value
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Failure
from fuzz.judge.state import Value as Stored
from fuzz.language.printing import format_op
from fuzz.language.program import Key, Op, Program, Zap, changes_in_sync
from fuzz.language.verb_row import Effect, Subject
from fuzz.language.verb_sets import CHANGING, DIRECTORIES, ON_DISK, SEVERAL_CALLS
from fuzz.language.verbs import VERBS
from fuzz.targets.model.target import ModelTarget
from zapcore.errors import LimitExceeded
from zapcore.zap.compare import is_broken

CURSOR = frozenset(name for name, verb in VERBS.items() if verb.subject is Subject.CURSOR)
MOVE_WORLD = frozenset(name for name, verb in VERBS.items() if verb.subject is Subject.NONE)
WITHOUT_FORM = ON_DISK - {"full"}
"""Verbs that only the model and our own worker have."""

TELLABLE = ("2.1", "unfixed", "2.3", "2.4", "master")
"""The releases that an exported form can tell from each other by what a library exports."""
MAX_ORDERS = 400
"""Orders of a whole program that are tried; with more, nothing is promised."""

T = TypeVar("T")
Right = tuple[int, Value | EllipsisType]
"""An errno, and the value that comes with it; `...`: any."""
Content = Mapping[Key, Stored] | None
"""A ZAP's entries; None of a destroyed one."""


class NoForm(Exception):
    """A program that no form on a library can run rightly; the text says why in one line."""


class Expected(NamedTuple):
    """By release ("" is all that are not named): for each op the answers that are right, and for each ZAP of
    the header the contents; where there are none, nothing is promised. `wrong` has the answers of ops that
    are known to be wrong, and why; `refusable` the verbs that may ask for room in vain, if the program has a
    pool without room."""

    answers: list[dict[str, list[Right]]]
    wrong: list[tuple[Result, str] | None]
    contents: list[dict[str, list[Content]]]
    refusable: frozenset[str] = frozenset()


class Run(NamedTuple):
    """A program in one order on one release: results as far as it came, what the oracle says is wrong, and
    its entries in the end, if it came there."""

    results: dict[int, Result]
    wrong: dict[int, str]
    contents: list[Content] | None


def has_threads(program: Program) -> bool:
    """Whether any op belongs to a thread other than 0."""
    return any(op.thread for op in program.ops)


def needs_ours(zap: Zap) -> bool:
    """Whether functions of ours must stand before a library's (`fuzz.targets.libzpool`, hash_bits.c and
    micro_max.c)."""
    return bool(zap.hash_bits or zap.micro_max)


def why_no_form(program: Program) -> str:
    """Why no form on a library can run a program, if that is so: it has what only our own worker can do, or
    what OpenZFS's callers never let happen beside other ops, of which a library may die, and rightly so."""
    ours = "usage or mos" if changes_in_sync(program) else ""
    ours = ours or next((op.verb for op in program.ops if op.verb in WITHOUT_FORM), "")
    if ours:
        return f"{ours}: only the model and our own libzpool worker have it; export as pytest"
    for op in program.ops if has_threads(program) else ():
        if op.thread and (VERBS[op.verb].effect is Effect.OBJECT or op.verb == "reopen"):
            return f"{format_op(op)}: callers keep {op.verb} apart from the ops of other threads"
        if op.thread and op.verb in DIRECTORIES and _is_compared_in_vain(program, op):
            return f"{format_op(op)}: libzpool has no zfs_dirent_lock(), which fails for it; export as pytest"
    return ""


def _is_compared_in_vain(program: Program, op: Op) -> bool:
    """Whether a name of an op cannot be compared with others (`zapcore.name_locks`)."""
    norms = {zap.name: zap.norm for zap in program.zaps}
    names = ((op.subject, op.key), (op.other, op.to))
    return any(isinstance(name, bytes) and is_broken(name, norms[zap]) for zap, name in names)


def check_has_form(program: Program) -> None:
    """Raise NoForm where no form on a library can run a program."""
    if why := why_no_form(program):
        raise NoForm(why)


def sections(ops: Sequence[Op]) -> Iterator[tuple[bool, list[tuple[int, Op]]]]:
    """The ops with their indexes: (False, ops of thread 0) and (True, ops of the others), in turn."""
    for parallel, group in itertools.groupby(enumerate(ops), key=lambda pair: pair[1].thread != 0):
        yield parallel, list(group)


def _merged(lanes: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Every order of the lanes' items that keeps each lane's own."""
    left = [lane for lane in lanes if lane]
    if len(left) < 2:
        yield [*left[0]] if left else []
        return
    for at, lane in enumerate(left):
        for rest in _merged([*left[:at], lane[1:], *left[at + 1 :]]):
            yield [lane[0], *rest]


def orders(program: Program) -> Iterator[list[int]]:
    """The indexes of the ops in every order that the threads allow; of one part of the program at most some
    more than MAX_ORDERS."""
    choices = []
    for _, section in sections(program.ops):
        lanes: dict[int, list[int]] = {}
        for index, op in section:
            lanes.setdefault(op.thread, []).append(index)
        choices.append(list(itertools.islice(_merged(list(lanes.values())), MAX_ORDERS + 1)))
    for parts in itertools.product(*choices):
        yield [index for part in parts for index in part]


def run_in_order(program: Program, order: Sequence[int], release: str) -> Run:
    """Run a program's ops in an order, by one thread."""
    target = ModelTarget(release, stale_bytes=False)
    oracle = Oracle(program, target.release)
    results: dict[int, Result] = {}
    wrong: dict[int, str] = {}
    try:
        target.begin(program)
        for index in order:
            op = program.ops[index]
            results[index] = result = target.apply(op)
            denied = oracle.check(op, result)
            if denied is not None:
                wrong[index] = denied.text
    except (Failure, LimitExceeded):
        return Run(results, wrong, None)
    entries = oracle.state.entries
    return Run(results, wrong, [entries[zap.name] for zap in program.zaps])


def expected(program: Program, release: str = "") -> Expected:
    """What is right in a release, or in each that an exported form can tell. Raises NoForm."""
    check_has_form(program)
    refusable = CHANGING if any(op.verb == "full" for op in program.ops) else frozenset[str]()
    if release:
        answers, denied, contents = _of_release(program, release)
        return Expected(
            [{"": each} for each in answers], denied, [{"": each} for each in contents], refusable
        )
    each = {name: _of_release(program, name) for name in TELLABLE}
    count, zaps = range(len(program.ops)), range(len(program.zaps))
    wrong = [next((found[1][index] for found in each.values() if found[1][index]), None) for index in count]
    return Expected(
        [_by_release({name: found[0][index] for name, found in each.items()}) for index in count],
        wrong,
        [_by_release({name: found[2][index] for name, found in each.items()}) for index in zaps],
        refusable,
    )


def _by_release(found: Mapping[str, list[T]]) -> dict[str, list[T]]:
    """The same with "" for what most releases have."""
    most = max(found.values(), key=lambda each: sum(each == other for other in found.values()))
    return {name: each for name, each in found.items() if each != most} | {"": most}


def _of_release(
    program: Program, release: str
) -> tuple[list[list[Right]], list[tuple[Result, str] | None], list[list[Content]]]:
    """Answers by op, wrong answers by op, and contents by ZAP: of all orders."""
    answers: list[list[Right]] = [[] for _ in program.ops]
    wrong: list[tuple[Result, str] | None] = [None] * len(program.ops)
    contents: list[list[Content]] = [[] for _ in program.zaps]
    lost: set[int] = set()
    for number, order in enumerate(orders(program)):
        run = run_in_order(program, order, release)
        if number == MAX_ORDERS or (run.contents is None and has_threads(program)):
            return [[] for _ in program.ops], wrong, [[] for _ in program.zaps]
        for index, result in run.results.items():
            if index in run.wrong:
                wrong[index] = (result, run.wrong[index])
                lost.add(index)
            elif (answer := (result.errno, result.value)) not in answers[index]:
                answers[index].append(answer)
        for at, content in enumerate(run.contents or ()):
            if content not in contents[at]:
                contents[at].append(content)
    for index in lost:
        answers[index].clear()
    if has_threads(program):
        _promise_less(program, answers, contents)
    return answers, wrong, contents


def _promise_less(program: Program, answers: list[list[Right]], contents: list[list[Content]]) -> None:
    """Take back what no order of whole ops says: a cursor's answers beside other threads, ops that are
    several calls, and how a ZAP lies in blocks once threads have worked on it."""
    threads = False
    for op, right in zip(program.ops, answers, strict=True):
        threads |= op.thread != 0
        several = op.thread != 0 and op.verb in SEVERAL_CALLS
        if several:
            for content in contents:
                content.clear()
        if threads and (several or op.verb in CURSOR or op.verb in ("readdir", "search", "seek")):
            right.clear()
        elif threads and op.verb == "stats":
            right[:] = [(code, ...) for code in dict.fromkeys(code for code, _ in right)]
