"""A real libzpool as a target: `fuzz.targets.base.TargetLike`, and whole programs in one round trip."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fuzz.program import Op, Program
from fuzz.signature import Failure
from fuzz.targets.base import Result
from fuzz.targets.libzpool.child import Child, Gone, Silent, TooBig
from fuzz.targets.libzpool.locate import find_library
from fuzz.targets.libzpool.message import read_death, read_silence
from fuzz.targets.libzpool.wire import Command, Flags, Names, Reader, Status, WireProblem, pack_run
from zapcore.errors import LimitExceeded

DEADLINE_SECONDS = 20.0
PROGRAMS_PER_WORKER = 50_000

_PHASES = {-1: "begin", -2: "end", -3: "outside"}
"""What a worker was at if not at an op (`worker.BEGINNING`, `ENDING`, `OUTSIDE`)."""

AHEAD = 3
AHEAD_BYTES = 16 << 10
"""Programs, and bytes of them, that may be on their way: less than a pipe holds, so no write ever waits."""

Digests = tuple[bytes | None, ...]
"""After an op, for each ZAP of the header: the digest of all its blocks (`wire.digest_blocks`), or None."""


Outcome = list[Result] | Failure | LimitExceeded
"""What became of a whole program: the result of each op, or how it ended."""


class _Sent(NamedTuple):
    """A program that is on its way to the worker."""

    program: Program
    names: Names
    body: bytes


class HarnessError(RuntimeError):
    """The worker reports a fault of its own (a txg that moved by itself, a request it cannot read)."""


class LibzpoolTarget:
    """Programs on a real library, in a worker that is started when needed and replaced when it dies.

    `release` is one of the model's (`2.1`, `2.3`) or an OpenZFS version; `path` any libzpool instead.
    `deadline` is how many seconds one op may take. Raises NoLibrary.
    """

    def __init__(
        self,
        release: str = "",
        path: str | os.PathLike[str] | None = None,
        *,
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        self.library: Path = find_library(release, path)
        self.name = f"libzpool-{release or self.library.parent.name}"
        self._deadline = deadline
        self._child: Child | None = None
        self._names: Names | None = None
        self._program: Program | None = None
        self._served = 0
        self._applied = 0

    # TargetLike

    def begin(self, program: Program) -> None:
        """Make an empty world and create the program's ZAPs in it. Raises Failure, LimitExceeded."""
        self._program, self._names, self._applied = program, Names(program), 0
        self._run(Flags.BEGIN, ())

    def apply(self, op: Op) -> Result:
        """Run one op. Raises Failure when the library died of it, LimitExceeded at a bound."""
        return self.apply_all((op,))[0]

    def apply_all(self, ops: Sequence[Op]) -> list[Result]:
        """Run several ops in one round trip."""
        reader, names = self._run(Flags(0), ops), self._known_names()
        return [reader.result(words) for words in names.packed_words[-len(ops) :]]

    def apply_digest(self, op: Op) -> tuple[Result, Digests]:
        """Run one op; its result and the digests of all ZAPs after it."""
        names = self._known_names()
        reader = self._run(Flags.DIGEST, (op,))
        return reader.result(names.packed_words[-1]), reader.digests(len(names.zaps))

    def blocks(self, zap: str) -> list[bytes] | None:
        """Every block of the ZAP's object as it is now; None where it is destroyed. Raises Failure."""
        body = bytes((self._known_names().zaps[zap],))
        return Reader(self._ask(Command.BLOCKS, body, ())).blocks()

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

    def run_program_digests(self, program: Program) -> list[tuple[Result, Digests]]:
        """The same, with the digests of all ZAPs after each op."""
        self._start_whole(program)
        reader, names = self._run(Flags.BEGIN | Flags.END | Flags.DIGEST, program.ops), self._known_names()
        self._program = None
        count = len(names.zaps)
        return [(reader.result(words), reader.digests(count)) for words in names.packed_words]

    def run_many(self, programs: Iterable[Program]) -> Iterator[tuple[Program, Outcome]]:
        """Run programs one after the other, each whole, and yield each with its results or how it failed.

        The next programs are on their way while one runs, so parent and worker work at the same time.
        """
        waiting = iter(programs)
        sent: collections.deque[_Sent] = collections.deque()
        more = True
        while more or sent:
            if more and len(sent) < AHEAD and sum(len(x.body) for x in sent) < AHEAD_BYTES:
                program = next(waiting, None)
                more = program is not None
                if program is not None:
                    sent.append(self._send_ahead(program))
                    continue
            if sent:
                first = sent[0]
                outcome = self._receive_ahead(sent)
                yield first.program, outcome

    def _send_ahead(self, program: Program) -> _Sent:
        names = Names(program)
        made = _Sent(program, names, pack_run(Flags.BEGIN | Flags.END, program, names, program.ops))
        self._transmit(made)
        return made

    def _transmit(self, made: _Sent) -> None:
        self._ready().send(Command.RUN, made.body)

    def _receive_ahead(self, sent: collections.deque[_Sent]) -> Outcome:
        """The outcome of the oldest program on its way; if the worker died of it, the rest is sent anew."""
        first = sent.popleft()
        self._program, self._names, self._applied = first.program, first.names, 0
        outcome: Outcome
        try:
            reader = Reader(self._receive(first.program.ops))
            outcome = [reader.result(words) for words in first.names.packed_words]
            self._count_served(idle=not sent)
        except (Failure, LimitExceeded) as ended:
            outcome = ended
        self._program = None
        if self._child is None:
            for made in sent:
                self._transmit(made)
        return outcome

    def close(self) -> None:
        """End the worker."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def __enter__(self) -> LibzpoolTarget:
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
        self._program, self._names, self._applied = program, Names(program), 0

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
        if Flags.END in flags:
            self._count_served()
        return Reader(answer)

    def _count_served(self, idle: bool = True) -> None:
        """A worker is replaced after many programs, so that nothing it gathers can matter."""
        self._served += 1
        if self._served >= PROGRAMS_PER_WORKER and idle:
            self.close()
        elif self._child is not None and self._served % 256 == 0:
            self._child.forget_text()

    def _ready(self) -> Child:
        """The worker, started where there is none."""
        if self._child is None:
            self._child, self._served = Child(self.library, self._deadline), 0
        return self._child

    def _ask(self, command: Command, body: bytes, ops: Sequence[Op]) -> bytes:
        self._ready().send(command, body)
        return self._receive(ops)

    def _receive(self, ops: Sequence[Op]) -> bytes:
        """An answer, or how the world ended instead: Failure, LimitExceeded, HarnessError."""
        child = self._ready()
        try:
            status, answer = child.receive()
        except Gone as gone:
            self._child = None
            verb, index = self._where(child, ops)
            raise read_death(gone.text, gone.status, verb, index) from None
        except Silent as silent:
            self._child = None
            verb, index = self._where(child, ops)
            raise read_silence(silent.text, verb, self._deadline, index) from None
        except TooBig as big:
            self._child = None
            raise LimitExceeded(str(big)) from None
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
        return _PHASES.get(index, "begin"), -1


__all__ = ["Digests", "HarnessError", "LibzpoolTarget", "Outcome", "WireProblem"]
