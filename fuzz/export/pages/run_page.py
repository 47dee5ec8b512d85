"""The page of runs: what they did over time, what they met, what brought something. For one run or several,
while they go on or afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from markupsafe import Markup

from fuzz.engines.history.read import Met, PastRun, Sample
from fuzz.export.pages.plots import MOST_SERIES, bars, curves
from fuzz.export.pages.program_page import printable
from fuzz.export.pages.render import fragment, render

STYLES = ("look.css", "site.css", "run.css")
SECTIONS = {
    "runs": "Runs",
    "plots": "Over time",
    "failures": "Failures",
    "ways": "What brought new states",
    "notes": "What was said beside",
}
"""The parts of the page, which are drawn anew one by one while a run goes on: template, and heading."""
CURVES: Sequence[tuple[str, str, Callable[[Sample], float]]] = (
    ("executions", "", lambda sample: sample.executions),
    ("states and edges reached", "", lambda sample: sample.states),
    ("working corpus", "inputs", lambda sample: sample.inputs),
    ("different failures", "", lambda sample: sample.kinds),
    ("memory of all processes", "MB", lambda sample: sample.memory / (1 << 20)),
)
MOST_WAYS = 14
STANDINGS = {
    "new": "new",
    "open": "not cut down",
    "lost": "did not come again",
    "earlier": "found by an earlier run",
    "known": "known to the project",
}


def run_report(runs: Sequence[PastRun], live: bool = False) -> str:
    """The text of the page; a `live` one asks for more at `/events`, and shows each failure's program at
    `/failure`."""
    parts = sections(runs, live)
    return render(
        "run.html",
        STYLES,
        ("run.js",) if live else (),
        connect="'self'" if live else "'none'",
        title=_title(runs),
        sections=[
            {"id": name, "heading": heading, "text": parts[name]} for name, heading in SECTIONS.items()
        ],
        live=live,
    )


def sections(runs: Sequence[PastRun], live: bool = False) -> dict[str, Markup]:
    """Each part of the page as HTML."""
    given = {"runs": [_row(run) for run in runs], "live": live}
    return {
        "runs": fragment("run_table.html", **given),
        "plots": Markup("").join(_plots(runs)),
        "failures": fragment(
            "run_failures.html", failures=list(_failures(runs)), several=len(runs) > 1, live=live
        ),
        "ways": Markup("").join(_ways(runs)),
        "notes": fragment(
            "run_notes.html",
            notes=[
                {"run": run.id, "seconds": f"{seconds:,.0f}", "text": printable(text)}
                for run in runs
                for seconds, text in run.notes
            ],
        ),
    }


def _title(runs: Sequence[PastRun]) -> str:
    if len(runs) == 1:
        return f"Fuzzing {runs[0].release} ({runs[0].target}) with {runs[0].engine}, seed {runs[0].seed}"
    return f"{len(runs)} runs beside each other"


def _name(run: PastRun) -> str:
    return f"run {run.id}: {run.release} {run.target} {run.engine}"


def _row(run: PastRun) -> dict[str, Any]:
    last = run.last
    counts = {standing: sum(each.standing == standing for each in run.failures) for standing in STANDINGS}
    return {
        "id": run.id,
        "begun": time.strftime("%Y-%m-%d %H:%M", time.gmtime(run.begun)),
        "what": _name(run).partition(": ")[2],
        "seed": run.seed,
        "jobs": run.jobs,
        "remedies": run.remedies,
        "campaign": printable(run.campaign),
        "how": run.how or "goes on, or was killed",
        "seconds": f"{last.seconds:,.0f}",
        "executions": f"{last.executions:,}",
        "rate": f"{last.executions / last.seconds:,.0f}" if last.seconds else "-",
        "states": f"{last.states:,}",
        "inputs": f"{last.inputs:,}",
        "memory": f"{last.memory / (1 << 20):,.0f}",
        "new": counts["new"],
        "open": counts["open"] + counts["lost"],
        "known": counts["known"] + counts["earlier"],
    }


def _plots(runs: Sequence[PastRun]) -> Iterator[Markup]:
    """A plot for each quantity that any run has."""
    shown = runs[-MOST_SERIES:]
    for title, unit, value in CURVES:
        series = {_name(run): [(each.seconds, value(each)) for each in run.samples] for run in shown}
        if any(point[1] for points in series.values() for point in points):
            yield curves(title, unit, series)
    if len(runs) > len(shown):
        yield Markup("<p>The last {} of {} runs are drawn.</p>").format(len(shown), len(runs))


def _rank(standing: str) -> int:
    """The place of a standing among others; one that a later version wrote comes last."""
    return list(STANDINGS).index(standing) if standing in STANDINGS else len(STANDINGS)


def _in_order(runs: Sequence[PastRun]) -> list[tuple[str, list[tuple[PastRun, Met]]]]:
    """Each failure once, with the runs that met it: what nobody knew first, then as they were met."""
    met: dict[str, list[tuple[PastRun, Met]]] = {}
    for run in runs:
        for failure in run.failures:
            met.setdefault(failure.signature, []).append((run, failure))

    def place(item: tuple[str, list[tuple[PastRun, Met]]]) -> tuple[int, float]:
        return min(_rank(each.standing) for _, each in item[1]), min(each.seconds for _, each in item[1])

    return sorted(met.items(), key=place)


def signatures_in_order(runs: Sequence[PastRun]) -> list[str]:
    """The failures of a page, by their numbers there."""
    return [signature for signature, _ in _in_order(runs)]


def _failures(runs: Sequence[PastRun]) -> Iterator[dict[str, Any]]:
    """What the page tells of each failure."""
    for number, (signature, where) in enumerate(_in_order(runs)):
        first = min(where, key=lambda each: _rank(each[1].standing))[1]
        yield {
            "number": number,
            "signature": printable(signature),
            "standing": STANDINGS.get(first.standing, printable(first.standing)),
            "bad": first.standing in ("new", "open", "lost"),
            "reproducer": printable(first.reproducer),
            "folder": printable(first.folder),
            "program": printable(first.program),
            "text": printable(first.text),
            "run": next(run.id for run, each in where if each is first),
            "when": [
                {
                    "run": run.id,
                    "seconds": f"{each.seconds:,.1f}",
                    "executions": f"{each.executions:,}",
                    "times": each.times,
                }
                for run, each in where
            ],
        }


def _ways(runs: Sequence[PastRun]) -> Iterator[Markup]:
    """For each kind, of a hundred programs how many brought something new."""
    counts: dict[str, dict[str, list[int]]] = {}
    for run in runs:
        for way in run.ways:
            count = counts.setdefault(way.kind, {}).setdefault(way.name, [0, 0])
            count[0] += way.drawn
            count[1] += way.brought
    for kind, names in counts.items():
        shares = {
            f"{name} ({brought:,} of {drawn:,})": 100 * brought / drawn
            for name, (drawn, brought) in names.items()
            if drawn
        }
        most = dict(sorted(shares.items(), key=lambda item: -item[1])[:MOST_WAYS])
        yield bars(f"by {kind}: programs that reach new states", most, " %")
