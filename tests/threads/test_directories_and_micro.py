"""Threads on directories, micro ZAPs and objects that are destroyed: what callers lock, and what is right
then.

They protect that names are locked one by one (who waits, who does not, in which order two are taken), that
every verb can stand in a section and is judged there call by call, and that what is wrong only beside other
threads is seen."""

from __future__ import annotations

import dataclasses
import errno
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.cli import main
from fuzz.corpus.reproducer import read_reproducer
from fuzz.execution.result import DONE, Result
from fuzz.faults.remedies import switched_on
from fuzz.judge.oracle import Oracle
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.callers_locks import CallersLocks, Named, Wanted, wanted_by
from fuzz.threads.explore import Explored, explore
from fuzz.threads.linearizability import HIDDEN, Event, explanations
from fuzz.threads.minimize_schedule import with_schedule
from fuzz.threads.parallel_run import ThreadRun, run_threads
from tests.support.paths import CORPUS
from zapcore.name_locks import Asked
from zapcore.release import RELEASES

FOLDING = 0x2


def tried(text: str, bound: int = 2) -> tuple[Explored, list[tuple[str, ...]]]:
    """Every schedule of a program, and the answers that came: errnos, and values where there are some."""
    program = parse(text)
    answers: set[tuple[str, ...]] = set()
    target = ModelTarget()

    def seen(done: ThreadRun) -> None:
        results: dict[int, Result] = {}
        again = with_schedule(program, done.schedule)
        run_threads(again, ModelTarget(), trace=lambda index, op, result: results.update({index: result}))
        first = next(index for index, op in enumerate(program.ops) if op.thread)
        answers.add(
            tuple(
                f"{errno.errorcode.get(results[index].errno, 'ok')}"
                for index in range(first, len(program.ops))
                if program.ops[index].thread
            )
        )

    explored = explore(program, target, bound, seen=seen)
    return explored, sorted(answers)


def test_one_of_two_that_make_a_name_makes_it() -> None:
    explored, answers = tried('zap d micro\nt1: touch d "a" inode=0x1\nt2: touch d "a" inode=0x2\n', 3)
    assert explored.complete and not explored.found and not explored.limits
    assert answers == [("EEXIST", "ok"), ("ok", "EEXIST")]


def test_a_zap_becomes_fat_while_another_thread_makes_a_name() -> None:
    explored, answers = tried(
        'zap d micro leaf_shift=9\ntouch d "a"\nt1: add d "b" len=2\nt2: touch d "c" inode=0x7\n', 3
    )
    assert sum(explored.schedules) > 10 and not explored.found and not explored.limits
    assert answers == [("ok", "ok")]


def test_who_renames_shows_neither_name_for_a_moment_to_who_locks_none() -> None:
    """Since 2.2 the old name goes first; a lookup of the ZAP itself, which takes no name, may miss both."""
    text = 'zap d micro\ntouch d "a"\nt1: rename d d "a" "b"\nt2: contains d "a"\nt2: contains d "b"\n'
    explored, answers = tried(text, 3)
    assert not explored.found
    assert ("ok", "ENOENT", "ENOENT") in answers
    waits = text.replace("contains", "unlink")
    explored, answers = tried(waits, 3)
    assert not explored.found
    assert ("ok", "ENOENT", "ENOENT") not in answers, "who takes the names waits until the rename has ended"


def test_two_increments_without_a_lock_may_lose_one() -> None:
    """zap_increment() is a lookup and an update; its callers see to it that nobody else is between."""
    text = 'zap d micro\nt1: increment d "n"\nt2: increment d "n" delta=0x2\nlookup d "n" int=8\n'
    program = parse(text)
    values = set()

    def seen(done: ThreadRun) -> None:
        assert done.outcome.fine

    explored = explore(program, ModelTarget(), 2, seen=seen)
    assert not explored.found and sum(explored.schedules) > 2
    history = [Event(at, program.ops[at], 0, 9, DONE) for at in (0, 1)]
    for end in explanations(Oracle(program, RELEASES["2.3"]), history):
        entries = end.state.entries["d"]
        assert entries is not None
        values.add(int.from_bytes(entries[b"n"].data, "little"))
    assert values == {1, 2, 3}


def test_nobody_destroys_what_somebody_works_on() -> None:
    text = 'zap d micro\ntouch d "a"\nt1: destroy d\nt2: touch d "b"\nt2: readdir d\nt1: create d\n'
    explored, answers = tried(text, 3)
    assert not explored.found and sum(explored.schedules) >= 3
    assert {each[1:] for each in answers} <= {
        ("ok", "ok", "ok"),
        ("ENOENT", "ENOENT", "ok"),
        ("ok", "ENOENT", "ok"),
        ("ENOENT", "ok", "ok"),
    }


def test_a_wrong_answer_beside_others_is_no_answer_of_any_order() -> None:
    """A rename cannot show a name that was never there, nor lose what nobody took."""
    program = parse(
        'zap d micro\ntouch d "a"\nt1: rename d d "a" "b"\nt2: contains d "a"\nt2: contains d "b"\n'
    )
    oracle = Oracle(program, RELEASES["2.3"])
    assert oracle.check(program.ops[0], DONE) is None
    none = Result(errno.ENOENT)

    def history(first: Result, second: Result) -> list[Event]:
        return [
            Event(1, program.ops[1], 0, 9, DONE),
            Event(2, program.ops[2], 1, 2, first),
            Event(3, program.ops[3], 3, 4, second),
        ]

    assert explanations(oracle, history(DONE, DONE)) and explanations(oracle, history(none, none))
    late = [
        event._replace(began=10 + event.began, ended=10 + event.ended) for event in history(none, none)[1:]
    ]
    assert not explanations(oracle, [history(none, none)[0], *late]), "after the rename its name is there"


@pytest.mark.parametrize("verb", ["readdir", "getdents"])
def test_a_walk_beside_others_has_what_nobody_writes(verb: str) -> None:
    program = parse(f'zap d micro\ntouch d "a"\ntouch d "b"\nt1: unlink d "b"\nt2: {verb} d\n')
    oracle = Oracle(program, RELEASES["2.3"])
    for op in program.ops[:2]:
        assert oracle.check(op, DONE) is None
    dots = b"".join((1 + at).to_bytes(8, "little") + name + b"\0" for at, name in enumerate((b".", b"..")))

    def right(*names: bytes) -> bool:
        head = b"12345678" if verb == "getdents" else b""
        listed = b"".join(head + name + b"\0" for name in names)
        value = dots + listed if verb == "getdents" else listed
        history = [Event(2, program.ops[2], 0, 9, DONE), Event(3, program.ops[3], 0, 9, Result(0, value))]
        return bool(explanations(oracle, history))

    assert right(b"a") and (right(b"a", b"b") or right(b"b", b"a"))
    assert not right(b"b") and not right() and not right(b"a", b"a") and not right(b"a", b"c")


def test_names_that_are_the_same_to_the_file_system_are_one_lock() -> None:
    locks = CallersLocks([FOLDING])
    assert locks.take(1, Wanted(0, b"Foo")) is Asked.TAKEN
    assert locks.take(2, Wanted(0, b"foo")) is Asked.WAIT
    assert locks.take(2, Wanted(0, b"bar")) is Asked.TAKEN
    narrow = Wanted(0, b"foo", narrow=True)
    assert locks.take(3, narrow) is Asked.TAKEN, "the second name of a rename is compared byte by byte"
    locks.drop(1)
    assert not locks.is_decided(2, Wanted(0, b"FOO"))
    locks.drop(3)
    assert locks.take(2, Wanted(0, b"FOO")) is Asked.TAKEN


def test_who_only_looks_shares_a_name_with_others_who_do() -> None:
    locks = CallersLocks([FOLDING])
    for thread in (1, 2):
        assert locks.take(thread, Wanted(0, b"Foo", shared=True)) is Asked.TAKEN
    locks.drop(1)
    assert locks.take(3, Wanted(0, b"fOO")) is Asked.WAIT, "the second one still has it"
    locks.drop(2)
    assert locks.take(3, Wanted(0, b"fOO")) is Asked.TAKEN
    assert locks.take(1, Wanted(0, b"Foo", shared=True)) is Asked.WAIT


@pytest.mark.parametrize(
    ("norm", "locked", "name", "asked"),
    [
        (FOLDING, b"\xff", b"Foo", Asked.REFUSED),
        (FOLDING, b"Foo", b"\xff", Asked.REFUSED),
        (FOLDING, b"\xff", b"\xff", Asked.REFUSED),
        (FOLDING, b"a\xff", b"b", Asked.TAKEN),  # they differ before
        (FOLDING, b"a\xff", b"A", Asked.TAKEN),  # and so they do if one ends
        (FOLDING, b"a\xff", b"Ab", Asked.REFUSED),
        (0, b"\xff", b"Foo", Asked.TAKEN),
        (0x50, b"\xc3", b"\xc3\xa9", Asked.REFUSED),
    ],
)
def test_names_that_cannot_be_compared(norm: int, locked: bytes, name: bytes, asked: Asked) -> None:
    """u8_strcmp() says an error if it comes as far as what is no UTF-8; other directories do not matter."""
    locks = CallersLocks([norm, norm])
    assert locks.take(1, Wanted(0, locked, shared=True)) is Asked.TAKEN
    assert locks.take(2, Wanted(0, name, shared=True)) is asked
    assert locks.take(2, Wanted(1, name, shared=True)) is Asked.TAKEN
    locks.drop(1)
    assert asked is not Asked.REFUSED or locks.take(3, Wanted(0, name)) is Asked.TAKEN


def test_the_first_lock_that_fits_decides() -> None:
    """The list is searched from its youngest name: what comes behind a match is not compared."""
    locks = CallersLocks([FOLDING])
    locks.take(1, Wanted(0, b"\xff", narrow=True))
    locks.take(2, Wanted(0, b"Foo", narrow=True))
    assert locks.take(3, Wanted(0, b"foo")) is Asked.WAIT
    locks.drop(2)
    assert locks.take(3, Wanted(0, b"foo")) is Asked.REFUSED


def test_an_engine_of_threads_finds_the_hidden_names_and_the_remedy_ends_it() -> None:
    program = read_reproducer(CORPUS / "findings" / "hidden-names").program
    unscheduled = dataclasses.replace(program, schedule=())
    met = explore(unscheduled, ModelTarget("2.4"), 1)
    said = {str(found.failure.signature) for found in met.found}
    assert met.complete and said == {f"linearizability zfs_dir.c:zfs_dirent_lock {HIDDEN}"}
    with switched_on(["broken-names-differ"]):
        met = explore(unscheduled, ModelTarget("2.4"), 2)
        assert met.complete and not met.found


@pytest.mark.parametrize(
    ("op", "wanted"),
    [
        (Named("touch", 0, b"a"), [Wanted(0, b"a")]),
        (Named("rename", 0, b"b", 0, b"a"), [Wanted(0, b"a"), Wanted(0, b"b", narrow=True)]),
        (Named("rename", 1, b"a", 0, b"b"), [Wanted(0, b"b"), Wanted(1, b"a", narrow=True)]),
        (Named("rename", 0, b"a", 0, b"a"), [Wanted(0, b"a")]),
        (Named("link", 0, b"a", 0, b"b"), [Wanted(0, b"b")]),
        (Named("touch", 0, b".."), []),
        (Named("readdir", 0), []),
        (Named("lookup", 0, b"a"), []),
        (Named("touch", 2, b"a"), []),
    ],
)
def test_which_names_an_op_locks_and_in_which_order(op: Named, wanted: list[Wanted]) -> None:
    assert wanted_by(op, [0, 0, None], objects=False) == wanted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "zap z micro\nt1: reopen\nt2: count z\n",
            "t1: reopen in a parallel section: nothing else runs beside it",
        ),
        (
            'zap d micro leaf_shift=9\nzap e micro leaf_shift=10\nt1: touch d "a"\nt2: touch e "a"\n',
            "one tunable says it for all",
        ),
    ],
)
def test_what_cannot_be_judged_is_said_by_its_op(tmp_path: Path, text: str, says: str) -> None:
    program = tmp_path / "program.zap"
    program.write_text(text)
    done = CliRunner().invoke(main, ["explore", str(program)])
    assert done.exit_code == 3 and "not judged: t1: " in done.output and says in done.output
