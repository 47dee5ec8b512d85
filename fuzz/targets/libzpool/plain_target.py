"""A real libzpool as a target, without threads: ops one by one, and whole programs in one round trip.
Programs with threads are run by `fuzz.targets.libzpool.target`."""

from __future__ import annotations

import collections
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

from fuzz.execution.execute import run_far
from fuzz.execution.result import Forgive, Result
from fuzz.execution.result import Outcome as RunOutcome
from fuzz.judge.signature import Failure, Signature
from fuzz.language.program import Op, Program, changes_in_sync, has_large_micro, keeps_usage
from fuzz.language.verb_sets import DEFERRED, OWNED, unsettled
from fuzz.targets.base import RealLibrary, Target
from fuzz.targets.libzpool.locate import NoLibrary, find_library, release_of
from fuzz.targets.libzpool.process.child import Child, Gone, Silent, TooBig
from fuzz.targets.libzpool.process.message import last_words, read_death, read_silence
from fuzz.targets.libzpool.process.wire import Command, Flags, Names, Reader, Status, WireProblem, pack_run
from fuzz.targets.libzpool.waived_assertions import waived
from fuzz.targets.libzpool.watched.counters import MARK, Counters
from fuzz.targets.libzpool.watched.reports import FATAL_KINDS, reports
from fuzz.targets.libzpool.watched.watch import watch_of
from fuzz.targets.packages.compile_once import compiled
from zapcore.errors import LimitExceeded

DEADLINE_SECONDS = 20.0
START_SECONDS = 20.0
"""How long a worker may take to start, however little an op may: that depends on the machine's load."""
PROGRAMS_PER_WORKER = 50_000
SYNCS_PER_WORKER = 2_500
"""After so much a worker is replaced: nothing that it gathers can then matter, and each sync writes some 0.1
to 0.2 MiB of the pool's image, which is memory, to a new place."""

SHORT_SECONDS, TIMES = 2.0, 10
"""How long an op may take after a hang: so many seconds, or so many times what the slowest took. What hangs
once does so again."""

_SYNCING = frozenset({"txg", "sync", "reopen", "move"})

ENDING = -2
_PHASES = {-1: "begin", ENDING: "end", -3: "outside"}
"""What a worker was at if not at an op (`worker.BEGINNING`, `ENDING`, `OUTSIDE`)."""

AHEAD = 32
AHEAD_BYTES = 32 << 10
"""Programs, and bytes of them, that may be on their way: less than a pipe holds, so the worker and its parent
never both wait to write."""

Digests = tuple[bytes | None, ...]
"""After an op, for each ZAP of the header: the digest of all its blocks (`wire.digest_blocks`) and that of
what `dbufs` says, or None."""


Outcome = list[Result] | Failure | LimitExceeded
"""What became of a whole program: the result of each op, or how it ended."""


@dataclasses.dataclass(slots=True)
class _Sent:
    """A program that is on its way to the worker; `outcome` where it is known already."""

    program: Program
    names: Names
    body: bytes
    outcome: Outcome | None = None


def _may_spoil(program: Program) -> bool:
    """Whether a program may leave something undone, or held, with which its worker cannot go on."""
    fails = any(op.verb == "fail" for op in program.ops)
    return fails or changes_in_sync(program) or has_large_micro(program)


def _weight(sent: _Sent) -> int:
    """Bytes on their way; with a program that its worker may not outlive no other is."""
    return AHEAD_BYTES if _may_spoil(sent.program) else len(sent.body)


class HarnessError(RuntimeError):
    """The worker reports a fault of its own (a txg that moved by itself, a request it cannot read)."""


class PlainLibzpool(Target):
    """Programs on a real library, in a worker that is started when needed and replaced when it dies.

    `release` is one of the model's (`2.1`, `2.3`) or an OpenZFS version; `path` any libzpool instead.
    `deadline` is how many seconds one op may take. Raises NoLibrary. With `valgrind` memcheck watches the
    library, else the sanitizers that it was built with, and what they report is a failure; `at_start` has
    what they have reported of the making of a pool. `told_of_leaks` says that somebody
    closes this target after a program that leaves a leaf held, as an I/O error may; else a worker serves no
    more after reads that failed.
    """

    told_of_leaks = False
    starts_anew = True
    """Whether a worker ends with each report of who watches it, since what was reported once is not reported
    again in the same process; else only with the first of each signature."""

    def __init__(
        self,
        release: str = "",
        path: str | os.PathLike[str] | None = None,
        *,
        deadline: float = DEADLINE_SECONDS,
        valgrind: bool = False,
    ) -> None:
        self.library: Path = find_library(release, path)
        self._valgrind = valgrind
        self.watch = watch_of(self.library, valgrind)
        self.counters = Counters(self.library) if MARK in self.library.read_bytes() else None
        self.at_start: list[Failure] = []
        self._reported: set[Signature] = set()
        self._forgive: Forgive | None = None
        self.name = f"libzpool-{release or self.library.parent.name}"
        self.release = release_of(self.library, release)
        self._deadline = self._patience = deadline
        self._child: Child | None = None
        self._names: Names | None = None
        self._program: Program | None = None
        self._served = self._syncs = self._lost = 0
        self._applied = 0
        self._left_open = False
        self._waived: tuple[str, ...] = ()
        self._ours: Path | None = None

    @property
    def libraries(self) -> Sequence[RealLibrary]:
        """This one."""
        return (self,)

    def begin(self, program: Program) -> None:
        """Make an empty world and create the program's ZAPs in it. Raises Failure, LimitExceeded."""
        self._start_whole(program)
        self._run(Flags.BEGIN, ())

    def apply(self, op: Op) -> Result:
        """Run one op. Raises Failure when the library died of it, LimitExceeded at a bound."""
        return self.apply_all((op,))[0]

    def apply_all(self, ops: Sequence[Op]) -> list[Result]:
        """Run several ops in one round trip."""
        reader, names = self._run(Flags(0), ops), self._known_names()
        return [reader.result(words) for words in names.packed_words[-len(ops) :]]

    def apply_with_digests(self, ops: Sequence[Op]) -> list[tuple[Result, Digests]]:
        """The same, with the digests of all ZAPs after each op."""
        reader, names = self._run(Flags.DIGEST, ops), self._known_names()
        return self._steps(reader, names.packed_words[-len(ops) :])

    def _steps(self, reader: Reader, packed_words: Sequence[int]) -> list[tuple[Result, Digests]]:
        """Results, each with the digests after it; `packed_words` are the words that each result has."""
        count = len(self._known_names().zaps)
        return [(reader.result(words), reader.digests(count)) for words in packed_words]

    def blocks(self, zap: str) -> list[bytes] | None:
        """Every block of the ZAP's object as it is now; None where it is destroyed. Raises Failure."""
        body = bytes((self._known_names().zaps[zap],))
        return Reader(self._ask(Command.BLOCKS, body, ())).blocks()

    def dbufs(self, zap: str) -> bytes:
        """How many hold each block's dbuf and whether it has user data: see `Target.dbufs`."""
        return self._ask(Command.DBUFS, bytes((self._known_names().zaps[zap],)), ())

    def block_tree(self, zap: str) -> bytes:
        """Levels, and the blocks on disk that are no holes: see `Target.block_tree`."""
        return self._ask(Command.TREE, bytes((self._known_names().zaps[zap],)), ())

    def end(self) -> None:
        """Let go of the world; the worker stays."""
        if self._program is not None and self._child is not None:
            self._run(Flags.END, ())
        self._program = None

    # Whole programs

    def run_program(self, program: Program) -> list[Result]:
        """Begin, run every op and end in one round trip. Raises Failure (with its op), LimitExceeded."""
        self._start_whole(program)
        reader, names = self._run(Flags.BEGIN | Flags.END, program.ops), self._known_names()
        self._program = None
        return [reader.result(words) for words in names.packed_words]

    def run_at_once(self, program: Program, judge: bool, forgive: Forgive | None) -> RunOutcome:
        """Run a program in one round trip, and judge its answers afterwards."""
        self._forgive = forgive
        try:
            return run_far(program, self, self.run_program, judge, forgive)
        finally:
            self._forgive = None

    def run_program_digests(self, program: Program, upto: int | None = None) -> list[tuple[Result, Digests]]:
        """The same, with the digests of all ZAPs after each op; of the first `upto` ops alone, if that is
        said. Those behind them count nevertheless where a program is to be what it is as a whole."""
        self._start_whole(program)
        flags = Flags.BEGIN | Flags.END | Flags.DIGEST
        reader, names = self._run(flags, program.ops[:upto]), self._known_names()
        self._program = None
        return self._steps(reader, names.packed_words)

    def run_many(self, programs: Iterable[Program]) -> Iterator[tuple[Program, Outcome]]:
        """Run programs one after the other, each whole, and yield each with its results or how it failed.

        The next programs are on their way while one runs, so parent and worker work at the same time; but for
        a library that is watched, whose reports must tell which program they are of.
        """
        if self.watch is not None:
            for program in programs:
                yield program, self._one_of_many(program)
            return
        waiting = iter(programs)
        sent: collections.deque[_Sent] = collections.deque()
        held: list[_Sent] = []
        more = True
        while more or sent:
            if more and len(sent) <= AHEAD // 2 and not (sent and self._worn):
                fresh = self._pack_ahead(waiting, held, sum(map(_weight, sent)))
                more = bool(fresh or held)
                sent += fresh
                if fresh:
                    self._ready().send_all(Command.RUN, (x.body for x in fresh))
            if sent:
                yield self._receive_ahead(sent)

    def _one_of_many(self, program: Program) -> Outcome:
        try:
            return self.run_program(program)
        except (Failure, LimitExceeded) as ended:
            return ended

    def _pack_ahead(self, waiting: Iterator[Program], held: list[_Sent], under_way: int) -> list[_Sent]:
        """The next programs that may go. One that is too long to go with the others is held for later; alone
        any may go."""
        fresh: list[_Sent] = []
        while len(fresh) < AHEAD // 2:
            if held:
                made = held.pop()
            elif (program := next(waiting, None)) is not None:
                names = Names(program)
                made = _Sent(program, names, pack_run(Flags.BEGIN | Flags.END, program, names, program.ops))
            else:
                break
            needs_other = self._needs_ours(made.program)
            alone = needs_other or _may_spoil(made.program)
            if under_way and (alone or under_way + len(made.body) > AHEAD_BYTES):
                held.append(made)
                break
            if needs_other:
                self._take_ours()
            fresh.append(made)
            under_way += _weight(made)
        return fresh

    def _receive_ahead(self, sent: collections.deque[_Sent]) -> tuple[Program, Outcome]:
        """The oldest program on its way, and its outcome. If the worker dies, what it was running has its
        outcome, and all the others that have none are sent anew."""
        first = sent[0]
        self._applied = 0
        while first.outcome is None:
            try:
                reader = Reader(self._receive(lambda: [x.program.ops for x in sent if x.outcome is None]))
                first.outcome = [reader.result(words) for words in first.names.packed_words]
                self._note_usage(first.program, first.program.ops)
                self._count_served(first.program.ops, idle=len(sent) == 1)
            except (Failure, LimitExceeded) as ended:
                open_ones = [x for x in sent if x.outcome is None]
                open_ones.pop(self._lost).outcome = ended
                if open_ones:
                    self._ready().send_all(Command.RUN, (x.body for x in open_ones))
        sent.popleft()
        return first.program, first.outcome

    def close(self) -> None:
        """End the worker."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def worker_pid(self) -> int:
        """The worker's process id, 0 if none is running."""
        return self._child.pid if self._child else 0

    def go_wrong(self, how: str) -> None:
        """Make the worker die on purpose (`Worker._die` lists the ways). For tests. Raises Failure."""
        self._ask(Command.DIE, how.encode(), ())

    def _start_whole(self, program: Program) -> None:
        if self._needs_ours(program):
            self._take_ours()
        if self._left_open or self._waived != waived():
            self.close()
        self._program, self._names, self._applied = program, Names(program), 0

    def _needs_ours(self, program: Program) -> bool:
        return self._ours is None and any(zap.hash_bits or zap.micro_max for zap in program.zaps)

    def _take_ours(self) -> None:
        """From now on workers have functions of ours before the library's. Raises NoCompiler."""
        self._ours = compiled(
            __package__, "hash_bits", "hash_bits or micro_max_size in a header", ("micro_max.c",)
        )
        self.close()

    def _known_names(self) -> Names:
        if self._names is None:
            raise RuntimeError("begin a program first")
        return self._names

    def _run(self, flags: Flags, ops: Sequence[Op]) -> Reader:
        assert self._program is not None
        if self._child is None and Flags.BEGIN not in flags:
            raise HarnessError("the worker that had this program is gone: begin again")
        body = pack_run(flags, self._program, self._known_names(), ops)
        answer = self._ask(Command.RUN, body, ops)
        self._applied += len(ops)
        self._syncs += sum(op.verb in _SYNCING for op in ops)
        self._note_usage(self._program, ops)
        if Flags.END in flags:
            self._count_served(())
        return Reader(answer)

    def _note_usage(self, program: Program, ops: Sequence[Op]) -> None:
        """Keep in mind whether syncing context has been left something to change, or features of the pool may
        be active that not every release knows, with which a worker cannot go on."""
        if has_large_micro(program):
            self._left_open = True
            return
        if not self.told_of_leaks and any(op.verb == "fail" for op in ops):
            self._left_open = True
            return
        if not changes_in_sync(program):
            return
        accounts = keeps_usage(program)
        tasked = {zap.name for zap in program.zaps if zap.mos}
        for op in ops:
            if op.verb in DEFERRED and op.subject in tasked:
                self._left_open = True
            elif accounts or (op.verb not in OWNED and op.verb != "txg"):
                self._left_open = unsettled(op.verb, self._left_open)

    @property
    def _worn(self) -> bool:
        """Whether the worker has served long enough."""
        return self._served >= PROGRAMS_PER_WORKER or self._syncs >= SYNCS_PER_WORKER

    def _count_served(self, ops: Sequence[Op], idle: bool = True) -> None:
        """A program has ended: replace a worn worker (`idle`: nothing else is on its way to it)."""
        self._served += 1
        self._syncs += sum(op.verb in _SYNCING for op in ops)
        if (self._worn and idle) or self._left_open:
            self.close()
        elif self._child is not None and self._served % 256 == 0:
            self._child.forget_text()

    def _ready(self) -> Child:
        """The worker, started where there is none that passes over the right assertions. Raises NoLibrary,
        NoCompiler."""
        if self._child is None:
            try:
                self._child = self._new_child()
            except (Gone, Silent) as ended:  # it dies, or hangs, where a pool is made
                why = last_words(ended.text) or str(ended)
                raise NoLibrary(f"{self.library}: not a libzpool that can be used here: {why}") from None
            self._child.deadline = self._patience
            if self.watch is not None and not self.at_start:
                self.at_start = list(reports(self._child.at_start, []))
            self._left_open = False
            self._served = self._syncs = 0
        return self._child

    def _new_child(self) -> Child:
        self._waived = waived()
        waive = ""
        if self._waived:
            passing_over = compiled(__package__, "waive", "passing over an assertion")
            waive = ":".join((str(passing_over), *self._waived))
        return Child(
            self.library,
            max(self._deadline, START_SECONDS),
            ours=self._ours,
            waive=waive,
            watch=self.watch,
            counters=self.counters,
        )

    def _ask(self, command: Command, body: bytes, ops: Sequence[Op]) -> bytes:
        try:
            self._ready().send(command, body)
            answer = self._receive(lambda: (ops,))
            if self.watch is not None:
                self._look_at_reports(ops)
            return answer
        except Exception:
            raise
        except BaseException:  # a signal, or a bound of time
            self.close()  # half an answer may have been read
            raise

    def _look_at_reports(self, ops: Sequence[Op]) -> None:
        """See what was reported while a request was served. Raises Failure."""
        child = self._ready()
        found = [
            Failure(each.signature, each.text, self._applied + each.op if each.op >= 0 else -1)
            for each in reports(child.new_text(), [op.verb for op in ops])
        ]
        wanted = [each for each in found if self._forgive is None or not self._forgive(each)]
        if found and (self.starts_anew or not self._reported.issuperset(each.signature for each in found)):
            self.close()
        self._reported.update(each.signature for each in found)
        if wanted:
            raise wanted[0]

    def _receive(self, under_way: Callable[[], Sequence[Sequence[Op]]]) -> bytes:
        """An answer, or how the world ended instead: Failure, LimitExceeded, HarnessError.

        `under_way` gives the ops of each request that has no answer yet, oldest first; on a death `_lost` is
        how many of them had been served, and the one after those is what the library died of.
        """
        child, self._lost = self._ready(), 0
        try:
            status, answer = child.receive()
        except (Gone, Silent, TooBig) as ended:
            # a worker that dies after it has served all, but before the answers are out, died at the last
            waiting = under_way()
            self._child, self._lost = None, min(child.unsent, len(waiting) - 1)
            verb, index = self._where(child, waiting[self._lost])
            if isinstance(ended, Gone):
                if self.watch is not None:
                    for fatal in reports(ended.text, [], index):
                        if fatal.signature.kind in FATAL_KINDS:
                            raise fatal from None
                raise read_death(ended.text, ended.status, verb, index) from None
            if isinstance(ended, Silent):
                self._patience = min(self._patience, max(SHORT_SECONDS, TIMES * child.slowest))
                raise read_silence(ended.text, verb, child.deadline, index) from None
            raise LimitExceeded(str(ended)) from None
        if status is Status.OK:
            return answer
        self.close()
        if status is Status.LIMIT:
            raise LimitExceeded(answer.decode())
        raise HarnessError(answer.decode())

    def _where(self, child: Child, ops: Sequence[Op]) -> tuple[str, int]:
        """The verb and index (in the whole program) of the op that was running."""
        index = child.running_op
        if 0 <= index < len(ops):
            return ops[index].verb, self._applied + index
        return _PHASES.get(index, "begin"), self._applied + len(ops) if index == ENDING else -1


__all__ = ["Digests", "HarnessError", "Outcome", "PlainLibzpool", "WireProblem"]
