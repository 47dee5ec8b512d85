"""What a live page shows: the runs of a history file, or a campaign. Each is asked from the server's threads,
never from its event loop: reading takes its time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from markupsafe import Markup

from fuzz.corpus.reproducer import Reproducer
from fuzz.engines.history.read import PastRun, read_history
from fuzz.export.pages.campaign_page import Shown, campaign_report, campaign_sections, program_of_failure
from fuzz.export.pages.program_page import program_page
from fuzz.export.pages.run_page import run_report, sections, signatures_in_order
from fuzz.language.syntax import SyntaxProblem, parse
from zapcore.release import nearest_row

T = TypeVar("T")
TRIES = 50
TRY_SECONDS = 0.02
"""How often a campaign is looked at again that has just changed."""


class Source(Protocol):
    """Something that goes on."""

    def page(self) -> str:
        """The whole page as it is now."""

    def parts(self) -> tuple[Mapping[str, Markup], str]:
        """The parts of the page by their ids, and a sentence that says how far it is."""

    def failure(self, of: int, number: int) -> str | None:
        """The page of one failure's program; None if there is none."""


class LiveRuns:
    """The runs of a history file: those with these numbers, or all."""

    def __init__(self, history: Path, wanted: Sequence[int] = ()) -> None:
        self.history, self.wanted = history, wanted

    def _runs(self) -> list[PastRun]:
        """As they are now. A file that another one is just writing is read the next time."""
        with contextlib.suppress(SyntaxProblem):
            return read_history(self.history, self.wanted)
        return []

    def page(self) -> str:
        """The whole page as it is now."""
        return run_report(self._runs(), live=True)

    def parts(self) -> tuple[Mapping[str, Markup], str]:
        """Its parts, and how far the last run is."""
        runs = self._runs()
        last = runs[-1].last if runs else None
        said = f"goes on: {last.seconds:,.0f} s, {last.executions:,} executions" if last else "begins"
        return sections(runs, live=True), said

    def failure(self, of: int, number: int) -> str | None:
        """The page of what a run has met."""
        runs = self._runs()
        signatures = signatures_in_order(runs)
        run = next((each for each in runs if each.id == of), None)
        wanted = signatures[number] if number < len(signatures) else ""
        met = next((each for each in run.failures if each.signature == wanted), None) if run else None
        if run is None or met is None:
            return None
        return _stepped_through(met.program, met.signature, run.release, met.reproducer)


class LiveCampaign:
    """A campaign of this process, which `look` shows."""

    def __init__(self, look: Callable[[], Shown]) -> None:
        self.look = look

    def page(self) -> str:
        """The whole page as it is now."""
        return _unchanged(lambda: campaign_report([self.look()], live=True))

    def parts(self) -> tuple[Mapping[str, Markup], str]:
        """Its parts, and how far it is."""
        shown = _unchanged(self.look)
        said = (
            f"goes on: {shown.workers or 0} workers, {shown.ledger.executions:,} executions, "
            f"{shown.states:,} states"
        )
        return _unchanged(lambda: campaign_sections([shown], live=True)), said

    def failure(self, of: int, number: int) -> str | None:
        """The page of what it has met."""
        text, program, release = _unchanged(lambda: program_of_failure([self.look()], number))
        return _stepped_through(program, text, release)


def _unchanged(read: Callable[[], T]) -> T:
    """What is read of a ledger while nothing is added to it."""
    for _ in range(TRIES):
        with contextlib.suppress(RuntimeError):  # a dictionary that changed its size
            return read()
        time.sleep(TRY_SECONDS)
    return read()


def _stepped_through(program: str, signature: str, release: str, name: str = "") -> str | None:
    if not program:
        return None
    release = nearest_row(release)
    reproducer = Reproducer(
        parse(program, "<met>"), signature, {release: signature}, folder=Path(name or "program")
    )
    return program_page(reproducer, [release], (), "/")
