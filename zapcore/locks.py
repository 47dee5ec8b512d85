"""Reader/writer locks with owners, and the points where a thread may lose the processor.

A lock knows nothing of schedules. It tells the scheduler in `Threads` that it is about to be taken or was let
go, and asks it to wait. If there is only one thread, a wait can never end, and is a panic for a deadlock. A
lock that was freed remembers that: taking it is a use after free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from zapcore.errors import Kind, Panic, openzfs


class Scheduler(Protocol):
    """What a scheduler of threads offers to the model. With one thread there is none."""

    def point(self, what: str, thing: object) -> None:
        """Another thread may run here before this one goes on.

        `what` says where this is, and `thing` with what: `read` and `write` before a lock is taken and `exit`
        after it was let go, with the lock; `hold` and `rele` before a dbuf is held or released, with the
        numbers of its object and block; `txg` before the next txg is opened, with the number of the open one;
        and the steps of a sync, each the name of the function that comes next, with the numbers of object and
        block (`zapcore.dmu.spa_sync`).
        """

    def wait(self, ready: Callable[[], bool], lock: RWLock, mode: str) -> None:
        """Let other threads run until `ready()` is true. Raises a Panic for a deadlock if that never
        happens."""

    def block(self, ready: Callable[[], bool], stuck: str) -> None:
        """The same for what is no lock of the ZAP; `stuck` says what must become true."""

    def quiesce(self, txg: int) -> None:
        """Wait until every transaction of a txg has committed, as txg_quiesce() does."""

    def assign(self, objects: Sequence[int]) -> None:
        """Wait until these objects have no transaction of another txg than the open one, and be in one of
        that, as dmu_tx_assign() does."""


class Threads:
    """The threads of a world: which one runs now (`current`), how many locks are held, how many were ever
    destroyed, and the scheduler if there is one."""

    __slots__ = ("current", "destroyed", "held", "scheduler")

    def __init__(self) -> None:
        self.current: int = 0
        self.held: int = 0
        self.destroyed: int = 0
        self.scheduler: Scheduler | None = None


FREED = -1
"""Owner of a lock that was destroyed together with the structure that it protects."""


class RWLock:
    """krwlock_t. `writer` is the thread that holds it as writer, `readers` are those that hold it as readers.
    `where` has the numbers of the object and of the block of the structure that it protects.

    There is no rw_tryupgrade(), because the real one always fails in user space, and nearly always on Linux.
    """

    __slots__ = ("name", "readers", "threads", "where", "writer")

    def __init__(self, threads: Threads, name: str, where: tuple[int, int] = (0, 0)) -> None:
        self.threads = threads
        self.name = name
        self.where = where
        self.writer: int | None = None
        self.readers: list[int] = []

    @openzfs("rwlock", "rw_enter")
    def enter_read(self) -> None:
        """Take it as reader. Raises a Panic if it was freed, or if the wait for it can never end."""
        threads = self.threads
        if threads.scheduler is not None:
            threads.scheduler.point("read", self)
        if self.writer is not None:
            self._wait("reader")
        self.readers.append(threads.current)
        threads.held += 1

    @openzfs("rwlock", "rw_enter")
    def enter_write(self) -> None:
        """Take it as writer. Raises a Panic if it was freed, or if the wait for it can never end."""
        threads = self.threads
        if threads.scheduler is not None:
            threads.scheduler.point("write", self)
        if self.writer is not None or self.readers:
            self._wait("writer")
        self.writer = threads.current
        threads.held += 1

    @openzfs("rwlock", "rw_exit")
    def exit(self) -> None:
        """Let it go, in the mode in which the running thread holds it. Raises a Panic if that thread does not
        hold it."""
        threads = self.threads
        writer = self.writer
        if writer == threads.current:
            self.writer = None
        elif writer is not None:
            if writer == FREED:
                self._freed()
            raise Panic(Kind.ASSERTION, "rwlock:rw_exit", f"{self.name} is held by this thread")
        else:
            try:
                self.readers.remove(threads.current)
            except ValueError:
                raise Panic(Kind.ASSERTION, "rwlock:rw_exit", f"{self.name} is held by this thread") from None
        threads.held -= 1
        if threads.scheduler is not None:
            threads.scheduler.point("exit", self)

    def held(self) -> bool:
        """RW_LOCK_HELD: somebody holds it."""
        return self.writer is not None or bool(self.readers)

    def write_held(self) -> bool:
        """RW_WRITE_HELD: the running thread holds it as writer."""
        return self.writer == self.threads.current

    @openzfs("rwlock", "rw_destroy")
    def destroy(self) -> None:
        """The structure that the lock is a part of is freed. Whoever takes the lock from now on uses freed
        memory."""
        self.writer = FREED
        self.threads.destroyed += 1

    def _freed(self) -> None:
        raise Panic(Kind.USE_AFTER_FREE, "rwlock:rw_enter", f"{self.name} is not freed")

    def _wait(self, mode: str) -> None:
        if self.writer == FREED:
            self._freed()
        threads = self.threads
        if threads.scheduler is None:
            raise Panic(
                Kind.DEADLOCK, "rwlock:rw_enter", f"{self.name} can be taken as {mode} by the only thread"
            )
        if mode == "writer":
            threads.scheduler.wait(lambda: self.writer is None and not self.readers, self, mode)
        else:
            threads.scheduler.wait(lambda: self.writer is None, self, mode)
        if self.writer == FREED:
            self._freed()
