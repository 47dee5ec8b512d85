"""A Dask cluster of processes, as other machines are: a scheduler and workers that can be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 60.0


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port: int = some.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    """Until somebody listens there."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"port {port}")


class Processes:
    """A scheduler and its workers. Each worker has a home of its own, as on a machine of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        """Start it, or start it again at the same address."""
        words = ["scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        self.scheduler = self._start("scheduler", words)
        wait_for_port(self.port)

    def start_worker(self, name: str, **environment: str) -> None:
        """Start a worker, or start it again on what it has left."""
        words = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        words += ["--host", "127.0.0.1", "--local-directory", str(self.folder / name / "dask")]
        self.workers[name] = self._start(name, words, ZAPFUZZ_HOME=self.home(name), **environment)

    def home(self, name: str) -> str:
        """Where a worker's slices are."""
        return str(self.folder / name)

    def _start(self, name: str, words: list[str], **environment: str) -> subprocess.Popen[bytes]:
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False", **environment},
            )

    def kill_scheduler(self) -> None:
        """Kill it where it stands."""
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait()

    def kill_worker(self, name: str, number: int = signal.SIGKILL) -> None:
        """Kill a worker's process; those of its slices see to themselves."""
        self.workers[name].send_signal(number)
        if number == signal.SIGKILL:
            self.workers[name].wait()

    def close(self) -> None:
        """End everything."""
        for process in filter(None, (*self.workers.values(), self.scheduler)):
            process.kill()
            process.wait()


@contextlib.contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Processes]:
    """A scheduler and so many workers, `w0` and so on."""
    made = Processes(folder)
    try:
        made.start_scheduler()
        for number in range(workers):
            made.start_worker(f"w{number}")
        yield made
    finally:
        made.close()
