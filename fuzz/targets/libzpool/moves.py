"""Programs whose pool is moved between releases: each release has a worker of its own, one has the pool."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from fuzz.execution.result import DONE, Result
from fuzz.language.program import Op, Program, cannot_move
from fuzz.language.verbs import MOVES
from fuzz.targets.libzpool.locate import NoLibrary
from fuzz.targets.libzpool.plain_target import DEADLINE_SECONDS, Digests, Outcome, PlainLibzpool
from fuzz.targets.libzpool.process.wire import Command, Flags, Reader, pack_run
from zapcore.errors import LimitExceeded


def moves(program: Program) -> bool:
    """Whether a program's pool moves."""
    return any(op.verb == "move" for op in program.ops)


class MovingLibzpool(PlainLibzpool):
    """A real library, and the others that a program's pool is moved to. Where one of these is not there, its
    programs end at a limit."""

    def __init__(
        self,
        release: str = "",
        path: str | os.PathLike[str] | None = None,
        *,
        deadline: float = DEADLINE_SECONDS,
        valgrind: bool = False,
    ) -> None:
        super().__init__(release, path, deadline=deadline, valgrind=valgrind)
        self._others: dict[str, PlainLibzpool] = {}
        self._away: PlainLibzpool | None = None

    def begin(self, program: Program) -> None:
        """Begin a program here."""
        self._come_home()
        super().begin(program)

    def apply_all(self, ops: Sequence[Op]) -> list[Result]:
        """Run several ops, wherever the pool is."""
        results: list[Result] = []
        for part in self._parts(ops):
            if isinstance(part, Op):
                results.append(self._move(part)[0])
            elif self._away is None:
                results += super().apply_all(part)
            else:
                results += self._away.apply_all(part)
        return results

    def blocks(self, zap: str) -> list[bytes] | None:
        """The blocks of a ZAP, wherever the pool is."""
        return super().blocks(zap) if self._away is None else self._away.blocks(zap)

    def dbufs(self, zap: str) -> bytes:
        """The dbufs of a ZAP, wherever the pool is."""
        return super().dbufs(zap) if self._away is None else self._away.dbufs(zap)

    def block_tree(self, zap: str) -> bytes:
        """The tree of a ZAP's object, wherever the pool is."""
        return super().block_tree(zap) if self._away is None else self._away.block_tree(zap)

    def end(self) -> None:
        """Let go of the world."""
        if self._away is None:
            super().end()
        else:
            self._away.end()
        self._come_home()

    def run_program(self, program: Program) -> list[Result]:
        """Begin, run every op and end."""
        if not moves(program):
            return super().run_program(program)
        return [result for result, _ in self.run_program_digests(program)]

    def run_program_digests(self, program: Program, upto: int | None = None) -> list[tuple[Result, Digests]]:
        """The same, with digests of all ZAPs after each op. What refuses a move may come behind `upto`."""
        if not moves(program):
            return super().run_program_digests(program, upto)
        self.begin(program)
        steps: list[tuple[Result, Digests]] = []
        for part in self._parts(program.ops[:upto]):
            if isinstance(part, Op):
                steps.append(self._move(part))
            else:
                steps += (self._away or self).apply_with_digests(part)
        self.end()
        return steps

    def run_many(self, programs: Iterable[Program]) -> Iterator[tuple[Program, Outcome]]:
        """Run programs one after the other; one that moves waits until those before it have ended."""
        waiting = iter(programs)
        moving: list[Program] = []

        def staying() -> Iterator[Program]:
            for program in waiting:
                if moves(program):
                    moving.append(program)
                    return
                yield program

        while True:
            yield from super().run_many(staying())
            if not moving:
                return
            program = moving.pop()
            yield program, self._one_of_many(program)

    def close(self) -> None:
        """End all workers."""
        super().close()
        for other in self._others.values():
            other.close()

    def _come_home(self) -> None:
        if self._away is not None:
            self._away._program = None
        self._away = None

    def _move(self, op: Op) -> tuple[Result, Digests]:
        """Let the release that an op names go on with the pool. Raises Failure, LimitExceeded."""
        here = self._away or self
        program, names = here._program, here._known_names()
        assert program is not None
        names.packed_words.append(0)
        release = MOVES[op.fill]
        there = self if release == self.release.name else self._other(release)
        left = here._ask(Command.LEAVE, b"", (op,))
        applied, here._program = here._applied, None
        there._forgive, there.starts_anew = self._forgive, self.starts_anew
        there._start_whole(program)
        there._names, there._applied = names, applied
        start = pack_run(Flags.BEGIN, program, names, ())
        body = len(start).to_bytes(4, "little") + start + left
        digests = Reader(there._ask(Command.ARRIVE, body, (op,))).digests(len(names.zaps))
        there._applied += 1
        self._away = None if there is self else there
        return DONE, digests

    def _other(self, release: str) -> PlainLibzpool:
        found = self._others.get(release)
        if found is None:
            try:
                found = self._others[release] = PlainLibzpool(
                    release, deadline=self._deadline, valgrind=self._valgrind
                )
            except NoLibrary as missing:
                raise LimitExceeded(f"move: {missing}") from None
        return found

    def _parts(self, ops: Sequence[Op]) -> Iterator[Sequence[Op] | Op]:
        """The ops in order, each move alone, but for those that the worker refuses as any other op."""
        program = (self._away or self)._program
        assert program is not None
        start = 0
        for at, op in enumerate(ops):
            if op.verb == "move" and not cannot_move(program, op.fill):
                if at > start:
                    yield ops[start:at]
                yield op
                start = at + 1
        if start < len(ops):
            yield ops[start:]
