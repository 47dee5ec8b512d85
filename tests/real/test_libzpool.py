"""The real libraries, as a target: what was measured on them, how they die, and that nothing is left."""

from __future__ import annotations

import itertools
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fuzz.bench.bare_library_loop import compare
from fuzz.execution.execute import run
from fuzz.execution.result import Entry, Result
from fuzz.judge.signature import Failure
from fuzz.language.program import DEFAULT_SALT, Op, Program, Zap
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.libzpool.locate import NoLibrary
from fuzz.targets.libzpool.process.ready_time import ready_times
from fuzz.targets.libzpool.process.wire import DIGEST_BYTES, digest_blocks
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import few_and_many, only_now
from tests.support.paths import ROOT

Make = Callable[..., LibzpoolTarget]
RELEASES = ("2.1", "2.3", "2.4")

A, B = (0,), (1 << 63,)
PREHASHED = Zap("z", words=1, prehashed=True, hash64=True, leaf_shift=9)
TXG, SYNC, FINISH = Op("txg"), Op("sync"), Op("finish")


def add(key: tuple[int, ...]) -> Op:
    """An entry so large that two do not fit in one leaf of shift 9."""
    return Op("add", "z", key, 1, 180)


def remove(key: tuple[int, ...]) -> Op:
    """Its removal."""
    return Op("remove", "z", key)


FOUR = [remove(A), remove(B), add(A), add(B)]
PARK = [Op("cursor", "c", other="z"), Op("next", "c"), Op("next", "c")]
TABLE = {
    "one txg": [add(A), add(B), *FOUR],
    "sync": [add(A), add(B), SYNC, *FOUR],
    "two syncs": [add(A), add(B), SYNC, remove(A), remove(B), SYNC, add(A), add(B)],
    "in flight": [add(A), add(B), TXG, *FOUR],
    "parked": [add(A), add(B), SYNC, *PARK, *FOUR],
}
"""The rows of the measured table (OpenZFS issue 16157) that end with both keys there."""


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("row", TABLE)
def test_measured_table(libzpool: Make, release: str, row: str) -> None:
    """Every cell of the `2.1` and `2.3` columns: no panic, and two leaves in the end."""
    target = libzpool(release)
    target.begin(Program((PREHASHED,), ()))
    assert [target.apply(op).errno for op in TABLE[row]] == [0] * len(TABLE[row])
    assert _leaves_and_freeblk(target) == (2, 3)


def _leaves_and_freeblk(target: LibzpoolTarget) -> tuple[int, int]:
    blocks = target.blocks("z")
    assert blocks is not None
    freeblk, leaves = struct.unpack_from("<2Q", blocks[0], 56)
    return leaves, freeblk


@pytest.mark.parametrize(("release", "between"), [("2.1", (2, 3)), ("2.3", (1, 2))])
def test_only_2_3_shrinks(libzpool: Make, release: str, between: tuple[int, int]) -> None:
    """After both removes 2.1 keeps its two leaves; 2.3 has one, and takes the freed block's number back."""
    target = libzpool(release)
    target.begin(Program((PREHASHED,), ()))
    target.apply_all([add(A), add(B), remove(A), remove(B)])
    assert _leaves_and_freeblk(target) == between


@pytest.mark.parametrize("release", RELEASES)
def test_a_parked_cursor_asked_after_the_removes(libzpool: Make, release: str) -> None:
    """The last row of the table: ENOENT on both."""
    target = libzpool(release)
    ops = (add(A), add(B), SYNC, *PARK, remove(A), remove(B), Op("retrieve", "c"))
    assert target.run_program(Program((PREHASHED,), ops))[-1] == Result(2)


@pytest.mark.parametrize("release", RELEASES)
def test_every_value_comes_back(libzpool: Make, release: str) -> None:
    """Values, lengths, counts, entries and errnos, for names and for words."""
    zaps = (Zap("n", hash64=True), Zap("w", words=2), Zap("m", fat=False))
    name, words = b"Ein Name", (3, 1 << 63)
    ops = (
        Op("add", "n", name, 2, 3, 0x1FFFF),
        Op("lookup", "n", name, 2, 8),
        Op("lookup", "n", name, 2, 2),
        Op("length", "n", name),
        Op("add", "n", name, 1, 1),
        Op("add", "w", words, 8, 1, 7),
        Op("cursor", "c", other="w"),
        Op("next", "c"),
        Op("next", "c"),
        Op("cursor", "c", other="n"),
        Op("next", "c"),
        Op("count", "w"),
        Op("add", "m", b"mikro", 8, 1, 5),
        Op("lookup", "m", b"mikro", 8, 1),
        Op("destroy", "m"),
        Op("count", "m"),
        Op("create", "n"),
        Op("close", "d"),
    )
    results = libzpool(release).run_program(Program(zaps, ops))
    wrapped = bytes.fromhex("ffff00000100")
    assert results == [
        Result(),
        Result(0, wrapped.rstrip(b"\0")),
        Result(75, wrapped[:4].rstrip(b"\0")),
        Result(0, (2, 3)),
        Result(17),
        Result(),
        Result(),
        Result(0, Entry(words, 8, 1, 7)),
        Result(2),
        Result(),
        Result(0, Entry(name, 2, 3, 0xFFFF)),
        Result(0, 1),
        Result(),
        Result(0, b"\x05"),
        Result(),
        Result(2),
        Result(17),
        Result(9),
    ]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("shape", "at"), [(Zap("z", hash64=True), 80), (Zap("z", fat=False), 8)])
def test_the_salt_is_the_programs(libzpool: Make, release: str, shape: Zap, at: int) -> None:
    """Names must hash as in the model: on disk and in memory, so the same names make the same blocks again
    and again, also once the header was read back from disk."""
    target = libzpool(release)
    seen = set()
    for evict in ([], [SYNC, Op("evict")]):
        target.begin(Program((shape,), ()))
        target.apply_all([*evict, *(Op("add", "z", b"name%d" % k, 8, 1, k) for k in range(9))])
        blocks = target.blocks("z")
        assert blocks is not None
        assert struct.unpack_from("<Q", blocks[0], at) == (DEFAULT_SALT,)
        seen.add(digest_blocks(blocks))
    assert len(seen) == 1


@pytest.mark.parametrize("release", RELEASES)
def test_txgs_move_only_by_ops(libzpool: Make, release: str) -> None:
    """A random walk of txg, finish and sync: the worker itself raises if a txg synced that should not have,
    or one did not that should have."""
    target, chance = libzpool(release), random.Random(7)
    for _ in range(10):
        ops = [
            chance.choice((TXG, TXG, FINISH, FINISH, SYNC, add((chance.getrandbits(64),)))) for _ in range(60)
        ]
        assert {result.errno for result in target.run_program(Program((PREHASHED,), tuple(ops)))} == {0}


@pytest.mark.parametrize("release", RELEASES)
def test_programs_do_not_influence_each_other(own_libzpool: Make, release: str) -> None:
    """The same program gives the same results and bytes first, after others, and in a new worker."""
    chance = random.Random(3)
    keys = [(chance.getrandbits(64),) for _ in range(12)]
    verbs = ("add", "add", "add", "remove", "lookup")
    ops = [Op(chance.choice(verbs), "z", chance.choice(keys), 1, 60, 1) for _ in range(80)]
    for place, op in ((20, TXG), (40, TXG), (50, FINISH), (60, SYNC), (65, Op("evict"))):
        ops.insert(place, op)
    program = Program((PREHASHED,), tuple(ops))
    target = own_libzpool(release)
    first = target.run_program_digests(program)
    for row in TABLE.values():
        target.run_program(Program((PREHASHED,), tuple(row)))
    assert target.run_program_digests(program) == first
    target.close()
    target.begin(program)
    for op, (result, digests) in zip(ops, first, strict=True):
        assert target.apply(op) == result
        assert digests[0] is not None
        assert digest_blocks(target.blocks("z")) == digests[0][:DIGEST_BYTES]


@pytest.mark.parametrize("release", RELEASES)
def test_ways_to_die(own_libzpool: Make, release: str) -> None:
    """A real assertion, a crash, a hang, a suspended pool, a plain exit and a pool that cannot be imported
    again each have a kind, and the target serves the next program as if nothing had been."""
    target = own_libzpool(release, deadline=1.5)
    place, expression = "spa_misc.c:spa_config_exit", "scl->scl_count > 0"
    for how, key in {
        "assertion": ("assertion", place, expression),
        "segv": ("signal", "?:outside", "SIGSEGV"),
        "hang": ("hang", "?:outside", "no answer"),
        "suspend": ("suspended", "?:outside", "pool suspended"),
        "exit": ("died", "?:outside", "exit status 3"),
        "lost": ("died", "?:outside", "spa_import: Input/output error"),
    }.items():
        with pytest.raises(Failure) as caught:
            target.go_wrong(how)
        assert caught.value.signature.key == key
        if how == "assertion":
            assert caught.value.signature.stack[0] == "spa_config_exit"
        assert target.run_program(Program((PREHASHED,), (add(A),))) == [Result()]


def test_what_dies_at_the_end_of_a_program_is_told_with_all_its_ops(own_libzpool: Make) -> None:
    """Txgs are synced then; it would not come again without the ops."""
    program = Program((PREHASHED,), (add(A), SYNC, add(B)))
    target = own_libzpool("2.3")
    for runner in (target, BothTarget(ModelTarget("2.3"), target)):
        target.run_program(program)
        target.go_wrong("at the end")
        outcome = run(program, runner)
        assert outcome.failure is not None
        assert (outcome.failure.op, outcome.ops) == (3, 3)
        assert "SIGABRT" in str(outcome.failure)


def test_a_second_hang_is_waited_for_less_long(own_libzpool: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.targets.libzpool.plain_target.SHORT_SECONDS", 0.5)
    monkeypatch.setattr(
        "fuzz.targets.libzpool.plain_target.TIMES", 1
    )  # busy processors make the slowest slow
    target = own_libzpool("2.3", deadline=2.5)
    took = []
    for _ in range(2):
        target.run_program(Program((PREHASHED,), (add(A),)))
        began = time.monotonic()
        with pytest.raises(Failure, match="no answer"):
            target.go_wrong("hang")
        took.append(time.monotonic() - began)
    assert took[1] < took[0] - 0.75, took


def test_a_busy_machine_is_no_library_that_hangs(own_libzpool: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time in which a worker waits for a processor is not its own: at a load of 20 sound libraries were said
    to be none that can be used."""
    target = own_libzpool("2.3", deadline=1.0)
    target.run_program(Program((PREHASHED,), (add(A),)))
    child = target._ready()
    told = ready_times(child.pid)
    assert told and all(waited >= 0 for waited in told.values())
    began = time.monotonic()
    busy = 2.0
    monkeypatch.setattr(
        "fuzz.targets.libzpool.process.child.ready_times",
        lambda pid: {"1": int(min(time.monotonic() - began, busy) * 1e9)},
    )
    with pytest.raises(Failure, match="no answer"):
        target.go_wrong("hang")
    assert time.monotonic() - began > busy + 0.5


def test_many_ahead_are_one_by_one(own_libzpool: Make) -> None:
    """Programs sent ahead give what they give one by one, long ones and long answers among them, and a
    program that kills the library takes no other with it."""
    chance = random.Random(9)
    target = own_libzpool("2.3")
    value = Zap("z", hash64=True, leaf_shift=14)
    programs = []
    for number in range(30):
        ops = [Op("add", "z", (chance.getrandbits(64),), 8, 1, k) for k in range(chance.choice((1, 5, 40)))]
        programs.append(Program((PREHASHED,), tuple(ops)))
        if number % 10 == 7:
            big = [Op("add", "z", b"n", 1, 8192, 1), *[Op("lookup", "z", b"n", 1, 8192)] * 1000]
            programs.append(Program((value,), tuple(big)))
    # OpenZFS asserts that a salt is not zero.
    deadly = Program((Zap("z", hash64=True, salt=0),), (Op("add", "z", b"n", 8, 1),))
    alone = [target.run_program(program) for program in programs]
    mixed = [
        deadly if k % 3 == 1 else programs[k // 3 * 2 + k % 3 // 2] for k in range(3 * len(programs) // 2)
    ]
    outcomes = list(target.run_many(mixed))
    assert [program for program, _ in outcomes] == mixed
    for _, outcome in outcomes[1::3]:
        assert isinstance(outcome, Failure) and outcome.signature.kind == "assertion" and outcome.op == 0
    lived = [outcome for place, (_, outcome) in enumerate(outcomes) if place % 3 != 1]
    assert lived == alone[: len(lived)]


def _began(pid: int) -> int:
    """When a process began, in ticks since the machine did; 0 if it is over. Numbers are given again soon
    where other tests start thousands of processes."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


@few_and_many(8, 40)
def test_worker_killed_at_random_moments(own_libzpool: Make, own_folder: Path, count: int) -> None:
    """Each kill costs one program, which says so; all others have their results."""
    target = own_libzpool("2.3")
    chance = random.Random(1)
    program = Program((PREHASHED,), tuple(add((chance.getrandbits(64),)) for _ in range(20)))
    workers: dict[int, int] = {}
    for _ in range(count):
        target.run_program(program)
        pid = target.worker_pid
        workers[pid] = _began(pid)
        delay = chance.random() / 100
        killer = subprocess.Popen(
            [sys.executable, "-c", f"import os,time;time.sleep({delay});os.kill({pid},9)"]
        )
        killed = 0
        while not killed:
            outcomes = [outcome for _, outcome in target.run_many([program] * 50)]
            deaths = [x for x in outcomes if isinstance(x, Failure)]
            assert all(x.signature.kind == "died" for x in deaths)
            assert all(x == [Result()] * 20 for x in outcomes if not isinstance(x, Failure))
            killed = len(deaths)
        assert killed == 1
        killer.wait()
    assert len(workers) >= count - 1  # a number may be given twice
    target.close()
    end = time.monotonic() + 30
    while left := [pid for pid, began in workers.items() if _began(pid) == began]:
        assert time.monotonic() < end, left
        time.sleep(0.05)
    assert not list(own_folder.iterdir())


PARENT = """
from fuzz.language.program import *
from fuzz.targets.libzpool import LibzpoolTarget
target = LibzpoolTarget("2.3")
ops = tuple(Op("add", "z", (k * k,), 1, 90) for k in range(40))
program = Program((Zap("z", words=1, leaf_shift=9),), ops)
target.run_program(program)
print(target.worker_pid, flush=True)
while True:
    target.run_program(program)
"""


@few_and_many(8, 40)
def test_parent_killed_at_random_moments(libzpool: Make, own_folder: Path, count: int) -> None:
    """A killed parent takes its worker along, whatever that was doing."""
    libzpool("2.3")  # skips or fails where there is none
    chance = random.Random(2)
    for _ in range(count):
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        time.sleep(chance.random() / 50)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        limit = time.monotonic() + 10
        while _began(worker) and time.monotonic() < limit:
            time.sleep(0.01)
        assert not _began(worker)
    assert not list(own_folder.iterdir())


@only_now("case", [("2.3", 64)], list(itertools.product(RELEASES, (6, 64))), ids=str)
def test_half_the_speed_of_a_bare_loop(libzpool: Make, case: tuple[str, int]) -> None:
    """Blind runs cost at most as much again as the library's own calls, measured side by side."""
    release, count = case
    library = libzpool(release).library
    for _attempt in range(20):  # load of the machine passes
        bare, target = compare(library, count, seconds=0.3, rounds=3)
        if target >= bare / 2:
            return
    pytest.fail(f"{target:.0f} programs a second, {bare:.0f} in the bare loop")


def test_a_library_that_hangs_where_it_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.targets.libzpool.plain_target.START_SECONDS", 1.0)
    source, library = tmp_path / "hang.c", tmp_path / "libzpool.so.6"
    source.write_text(
        "#include <unistd.h>\n__attribute__((constructor)) static void stay(void) { for (;;) pause(); }\n"
    )
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    with (
        LibzpoolTarget("2.3", library, deadline=1.0) as target,
        pytest.raises(NoLibrary, match="not a libzpool that can be used here: no answer"),
    ):
        target.begin(Program((PREHASHED,), ()))
