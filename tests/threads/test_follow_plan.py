"""Protects threads that are led along a plan: who waits for a processor on a busy machine does not hang."""

from __future__ import annotations

import time

import pytest

from fuzz.threads.real import follow_plan
from fuzz.threads.real.follow_plan import Conductor, Lane, Stuck
from fuzz.threads.real.hold_shim import RawPoint, Shim, State


class Late(Shim):
    """One thread, which comes to its end at a time of its own."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def step(self, slot: int, *, on: bool, milliseconds: int) -> tuple[State, RawPoint]:
        """Wait for it no longer than that."""
        left = self.end - time.monotonic()
        time.sleep(max(min(left, milliseconds / 1000), 0))
        return State.RUNNING if time.monotonic() < self.end else State.ENDED, RawPoint()


def led(seconds: float, monkeypatch: pytest.MonkeyPatch, busy: float) -> None:
    """A thread that takes so long, and a patience of half a second; that much of each second it waits for a
    processor."""
    began = time.monotonic()
    monkeypatch.setattr(follow_plan, "SOON_SECONDS", 0.1)
    monkeypatch.setattr(
        follow_plan, "ready_times", lambda _: {"1": int(busy * (time.monotonic() - began) * 1e9)}
    )
    lanes = {1: Lane(0, 1, [])}
    Conductor(Late(seconds), lanes, lambda raw: pytest.fail("it comes to no point"), 0.5).wait_for_all()
    assert lanes[1].state is State.ENDED


def test_a_thread_that_waits_for_a_processor_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    led(1.2, monkeypatch, 0.8)


def test_a_thread_that_hangs_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Stuck):
        led(1.2, monkeypatch, 0.1)
