"""A real libzpool as a target: `fuzz.targets.base.TargetLike`, and whole programs in one round trip."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fuzz.program import Op, Program
from fuzz.targets.base import Result
from fuzz.targets.libzpool.child import Child, Gone, Silent, TooBig
from fuzz.targets.libzpool.locate import find_library
from fuzz.targets.libzpool.message import read_death, read_silence
from fuzz.targets.libzpool.wire import Command, Flags, Names, Reader, Status, WireProblem, pack_run
from zapcore.errors import LimitExceeded

DEADLINE_SECONDS = 20.0
PROGRAMS_PER_WORKER = 50_000

Digests = tuple[bytes | None, ...]
"""After an op, for each ZAP of the header: the digest of all its blocks (`wire.digest_blocks`), or None."""


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

    def _count_served(self) -> None:
        """A worker is replaced after many programs, so that nothing it gathers can matter."""
        self._served += 1
        if self._served >= PROGRAMS_PER_WORKER:
            self.close()
        elif self._child is not None and self._served % 256 == 0:
            self._child.forget_text()

    def _ask(self, command: Command, body: bytes, ops: Sequence[Op]) -> bytes:
        if self._child is None:
            self._child, self._served = Child(self.library, self._deadline), 0
        child = self._child
        try:
            status, answer = child.ask(command, body)
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
        return ("end" if index < -1 else "begin"), -1


__all__ = ["Digests", "HarnessError", "LibzpoolTarget", "WireProblem"]
