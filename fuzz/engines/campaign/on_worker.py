"""What Dask runs on a worker: it starts the process of a slice and waits for it. Nothing of a slice is done
in the worker itself, whose memory and signals are its own."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable

from fuzz.engines.campaign.slice import TOLD, Brought, Slice, version

LATE_SECONDS = 60.0
"""How long after its bound a slice may still write what it has."""


def bound_seconds(work: Slice) -> float:
    """After how many seconds a slice is killed that has not ended."""
    return work.seconds + LATE_SECONDS


def run_slice(text: str, wanted: str) -> str:
    """Run a slice of a client whose version is `wanted`. Returns what it came to. What is found meanwhile is
    told at once, and how far it is now and then: events of Dask's, with the campaign as their topic."""
    if version() != wanted:
        return Brought(refused=f"it has version {version()}, expected {wanted}").to_json()
    work = dataclasses.replace(Slice.from_json(text), worker=socket.gethostname())
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "fuzz.engines.campaign.slice_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    late = threading.Timer(bound_seconds(work), _kill, [process])
    last = [""]
    reader = threading.Thread(target=_last_line, args=(process.stderr, last), daemon=True)
    brought = Brought()
    late.start()
    reader.start()
    try:
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:  # its status says why it is gone
            process.stdin.write(work.to_json())
        for line in process.stdout:
            if line.startswith(TOLD):
                _tell(work.campaign, line.removeprefix(TOLD).strip())
            else:
                brought = Brought.from_json(line)
        status = process.wait()
    finally:
        late.cancel()
        if process.poll() is None:  # nobody would take what it brings
            _kill(process)
            process.wait()
    reader.join(1)
    if status:
        brought = Brought(problems=(f"a slice ended with status {status}: {last[0] or 'no output'}",))
    return brought.to_json()


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _last_line(stream: Iterable[str], last: list[str]) -> None:
    for line in stream:
        if line.strip():
            last[:] = [line.strip()]


def _tell(topic: str, said: str) -> None:
    """Tell the client what a slice says. Without Dask nobody listens."""
    try:
        from distributed import get_worker

        get_worker().log_event(topic, said)
    except (ImportError, ValueError):
        return


def task(text: str, wanted: str) -> Callable[[], tuple[str, str]]:
    """The function that a worker is sent: it gives what the slice came to, and the address of the worker. It
    is defined here inside, so that Dask sends its code and not its name: a worker that has no zapfuzz can say
    so."""

    def run() -> tuple[str, str]:
        import json

        from distributed import get_worker

        where = get_worker().address
        try:
            from fuzz.engines.campaign.on_worker import run_slice
        except ImportError as problem:
            return json.dumps({"refused": f"it cannot import zapfuzz: {problem}", "problems": []}), where
        return run_slice(text, wanted), where

    return run
