"""The workers of a campaign: a Dask cluster on this machine, or any that runs already. Dask places slices,
and places them again when a worker is gone; here is only which workers may be given some."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import queue
import time
from collections.abc import Iterator
from typing import Any

import dask
from distributed import Client, LocalCluster
from distributed.comm import connect
from distributed.security import Security

from fuzz.engines.campaign.on_worker import bound_seconds, task
from fuzz.engines.campaign.slice import Brought, Slice, version

CONNECT_SECONDS = 10.0
COUNT_SECONDS = 2.0
"""From one look at the workers to the next."""
HUNG_SECONDS = 300.0
"""How long a worker is left alone that has not ended a slice in time."""
GIVEN_UP_SECONDS = 30.0
"""How long after its process should have been killed a slice is given up."""
QUIET = {
    "distributed.logging.distributed": "critical",
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "5 s",
    "distributed.admin.tick.limit": "1 h",
}


class NoCluster(Exception):
    """The scheduler cannot be reached, or is gone. The text says which."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """A slice that is over, and what it came to."""

    work: Slice
    brought: Brought


async def _reached(address: str) -> None:
    """Connect to a scheduler, and let go of it. Raises OSError, ValueError, ImportError, TypeError."""
    comm = await connect(address, timeout=CONNECT_SECONDS, **Security().get_connection_args("client"))
    await comm.close()


class Cluster:
    """Workers by Dask. `scheduler` is the address of a running one; where it is "", a cluster of `workers`
    is started here, in threads of this process, since a slice is a process anyway."""

    def __init__(self, scheduler: str, workers: int, campaign: str) -> None:
        """Raises NoCluster."""
        dask.config.set(QUIET)
        self._address = scheduler
        self._local = None
        if not scheduler:
            self._local = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=False,
                dashboard_address=None,
                worker_dashboard_address="127.0.0.1:0",  # else it listens to everybody
                silence_logs=50,
            )
        try:
            if scheduler:  # a client that fails in a way it does not expect is noisy for long
                asyncio.run(_reached(scheduler))
            self._client = Client(self._local or scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, ImportError, TypeError) as problem:
            raise NoCluster(f"scheduler {scheduler}: cannot be reached: {problem}") from problem
        self._campaign = campaign
        self._ready: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._running: dict[str, tuple[Any, Slice, float]] = {}
        self._workers: dict[str, int] = {}
        self._next_count = 0.0
        self._hung: dict[str, float] = {}
        self.refused: dict[str, str] = {}
        self.told: queue.Queue[str] = queue.Queue()
        self._client.subscribe_topic(campaign, lambda event: self.told.put(event[1]))

    def workers(self) -> dict[str, int]:
        """The addresses of the workers that may be given slices, and how many each at once. Raises
        NoCluster."""
        now = time.monotonic()
        if now >= self._next_count:
            self._next_count = now + COUNT_SECONDS
            self._workers = self._asked(self._client.nthreads)
        left_alone = self.refused.keys() | {each for each, until in self._hung.items() if until > now}
        return {address: count for address, count in self._workers.items() if address not in left_alone}

    @property
    def running(self) -> list[Slice]:
        """The slices that were given away and are not over."""
        return [work for _, work, _ in self._running.values()]

    def free(self) -> int:
        """How many more slices there are workers for. Raises NoCluster."""
        return sum(self.workers().values()) - len(self._running)

    def submit(self, work: Slice) -> None:
        """Give a slice to some worker. Raises NoCluster."""
        key = f"{work.name}-{work.what}"
        known = self.workers()
        # One that is left alone is taken all the same when the others are gone: better than to wait for these
        some = list(known) if len(known) < len(self._workers) else None
        future = self._asked(
            lambda: self._client.submit(
                task(work.to_json(), version()),
                key=key,
                pure=False,
                workers=some,
                allow_other_workers=some is not None,
                retries=0,
            )
        )
        self._running[key] = future, work, time.monotonic() + bound_seconds(work) + GIVEN_UP_SECONDS
        future.add_done_callback(lambda done: self._ready.put((key, done)))

    def ended(self, seconds: float) -> Iterator[Ended]:
        """The slices that are over, as soon as there is one, or after so many seconds. Raises NoCluster."""
        with contextlib.suppress(queue.Empty):
            key, future = self._ready.get(timeout=seconds)
            yield from self._over(key, future)
            while True:
                key, future = self._ready.get_nowait()
                yield from self._over(key, future)
        if self._client.status != "running":
            raise NoCluster(f"scheduler {self._address}: is gone")
        yield from self._overdue()

    def _over(self, key: str, future: Any) -> Iterator[Ended]:
        if key not in self._running:
            return
        _, work, _ = self._running.pop(key)
        if future.status == "finished":
            text, address = future.result()
            brought = Brought.from_json(text)
            if brought.refused and address not in self.refused:
                self.refused[address] = brought.refused
                yield Ended(
                    work, dataclasses.replace(brought, problems=(f"worker {address}: {brought.refused}",))
                )
                return
            yield Ended(work, brought)
        elif future.status == "error":
            problem = future.exception()
            yield Ended(
                work, Brought(problems=(f"{type(problem).__name__}: {str(problem).partition('. ')[0]}",))
            )
        else:
            yield Ended(work, Brought(problems=("a slice was cancelled",)))

    def _overdue(self) -> Iterator[Ended]:
        """Give up what some worker should have ended long ago, and leave that alone for a while."""
        now = time.monotonic()
        late = {key for key, (_, _, until) in self._running.items() if now > until}
        if not late:
            return
        processing = self._asked(self._client.processing)
        for key in late:
            future, work, _ = self._running.pop(key)
            at = [address for address, keys in processing.items() if key in keys]
            self._hung.update((address, now + HUNG_SECONDS) for address in at)
            with contextlib.suppress(Exception):
                future.cancel()
            yield Ended(
                work, Brought(problems=(f"worker {' '.join(at) or '?'}: did not end a slice in time",))
            )

    def _asked(self, ask: Any) -> Any:
        """Ask the scheduler something."""
        try:
            return ask()
        except (OSError, RuntimeError, ValueError) as problem:
            if self._client.status == "running" and isinstance(problem, ValueError):
                raise
            raise NoCluster(f"scheduler {self._address}: is gone: {problem}") from problem

    def close(self) -> None:
        """Let go of it; a cluster that was started here ends."""
        with contextlib.suppress(Exception):
            self._client.close(timeout=1)
        if self._local is not None:
            with contextlib.suppress(Exception):
                self._local.close(timeout=1)
