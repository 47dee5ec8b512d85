"""The page of campaigns: what their workers did over time, what slices were spent on, what was met. For one
campaign or several beside each other, while one goes on or afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from fuzz.corpus.reproducer import Reproducer
from fuzz.engines.campaign.at_work import AtWork
from fuzz.engines.campaign.ledger import Ledger, Met, Standing
from fuzz.engines.campaign.slice import FUZZ, MERGE, MINIMIZE
from fuzz.export.pages.plots import MOST_SERIES, curves
from fuzz.export.pages.program_page import printable
from fuzz.export.pages.render import fragment, render
from fuzz.export.pages.run_page import STYLES
from fuzz.language.printing import format_program

SECTIONS = {
    "campaigns": "Campaigns",
    "plots": "Over time",
    "at_work": "At work now",
    "failures": "Failures",
    "workers": "Workers",
    "arms": "What slices were spent on",
}
"""The parts of the page, which are drawn anew one by one while a campaign goes on, and their headings."""
KNOWN = "known to the project"
ORDER = (*(each.value for each in Standing), KNOWN)
"""Of standings on the page: what nobody knew comes first."""
BAD = (Standing.CUT_DOWN.value, Standing.NOT_MINIMIZED.value, Standing.NOT_AGAIN.value)


class Shown(NamedTuple):
    """A campaign: the address of its corpus, the sum of what is there, and which failures the project knows.
    Where it goes on, `workers` says how many work on it now and `at_work` which slices; what these have told
    is in the ledger, too."""

    address: str
    ledger: Ledger
    known: Mapping[str, Sequence[Reproducer]]
    workers: int | None = None
    at_work: Sequence[AtWork] = ()

    @property
    def states(self) -> int:
        """States and edges reached, on each release. Two slices at work may both have reached the same."""
        new = sum(each.told.states for each in self.at_work if each.told is not None)
        return sum(map(len, self.ledger.states.values())) + new


def campaign_report(campaigns: Sequence[Shown], live: bool = False) -> str:
    """The text of the page; a `live` one asks for more at `/events`, and shows each failure's program at
    `/failure`."""
    parts = campaign_sections(campaigns, live)
    one = f"Campaign over {printable(campaigns[0].address)}" if campaigns else "No campaign"
    return render(
        "run.html",
        STYLES,
        ("run.js",) if live else (),
        connect="'self'" if live else "'none'",
        title=one if len(campaigns) < 2 else f"{len(campaigns)} campaigns beside each other",
        sections=[
            {"id": name, "heading": heading, "text": parts[name]}
            for name, heading in SECTIONS.items()
            if name in parts
        ],
        live=live,
    )


def campaign_sections(campaigns: Sequence[Shown], live: bool = False) -> dict[str, Markup]:
    """Each part of the page as HTML."""
    several = len(campaigns) > 1
    at_work = {"at_work": _table("At work now", AT_WORK, _at_work(campaigns))} if live else {}
    return {
        **at_work,
        "campaigns": _table("Campaigns", CAMPAIGN, map(_campaign, range(1, len(campaigns) + 1), campaigns)),
        "plots": Markup("").join(_plots(campaigns)),
        "failures": fragment(
            "campaign_failures.html", failures=list(_failures(campaigns)), several=several, live=live
        ),
        "workers": _table("Workers", WORKER, _workers(campaigns)),
        "arms": _table("What slices were spent on", ARM, _arms(campaigns)),
    }


CAMPAIGN = {
    **{"campaign": True, "corpus": True, "begun (UTC)": True, "workers": False, "slices": False},
    **{"seconds": False, "executions": False, "a second": False, "states": False, "inputs": False},
    **{"new": False, "known": False},
}
WORKER = {"worker": True, "campaign": True, "slices": False, "executions": False, "last (UTC)": True}
AT_WORK = {
    **{"slice": True, "engine, release, style": True, "does": True, "worker": True, "seconds": False},
    **{"executions": False, "a second": False, "new states": False, "failures": False},
}
ARM = {
    **{"engine, release, style": True, "campaign": True, "slices": False, "seconds": False},
    **{"executions": False, "states first reached": False, "failures": False},
}
"""Columns: the heading of each, and whether it has words; else it has numbers."""


def _table(label: str, columns: Mapping[str, bool], rows: Iterator[Sequence[object]]) -> Markup:
    words = [name for name, of_words in columns.items() if of_words]
    return fragment("plain_table.html", label=label, heads=list(columns), words=words, rows=list(rows))


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def begun(ledger: Ledger) -> float:
    """When the first slice began, as seconds since 1970; 0 where none has told. Of an older corpus it is not
    said: that slice is taken to have been as long as slices are on average."""
    if not ledger.history:
        return 0.0
    if not ledger.history[0][1]:
        return ledger.history[0][0]
    slices = sum(row.slices for row in ledger.rows.values())
    return ledger.history[0][0] - ledger.seconds / max(slices, 1)


def _campaign(number: int, shown: Shown) -> Sequence[object]:
    ledger = shown.ledger
    known = sum(_standing(shown, text) not in BAD for text in ledger.failures())
    workers = len(ledger.workers) if shown.workers is None else shown.workers
    rate = f"{ledger.executions / ledger.seconds:,.0f}" if ledger.seconds else "-"
    return (
        *(number, printable(shown.address), _day(begun(ledger)) if ledger.history else "-", workers),
        *(f"{sum(row.slices for row in ledger.rows.values()):,}", f"{ledger.seconds:,.0f}"),
        *(f"{ledger.executions:,}", rate, f"{shown.states:,}", f"{len(ledger.inputs):,}"),
        *(len(ledger.failures()) - known, known),
    )


def _workers(campaigns: Sequence[Shown]) -> Iterator[Sequence[object]]:
    for number, shown in enumerate(campaigns, 1):
        for name, did in sorted(shown.ledger.workers.items()):
            yield printable(name), number, f"{did.slices:,}", f"{did.executions:,}", _day(did.last)


DOES = {FUZZ: "fuzzes", MINIMIZE: "cuts a failure down", MERGE: "makes inputs fewer"}


def _at_work(campaigns: Sequence[Shown]) -> Iterator[Sequence[object]]:
    for shown in campaigns:
        for work, told in shown.at_work:
            does, arm = DOES.get(work.what, work.what), "" if work.what == MERGE else printable(str(work.arm))
            if told is None:
                yield work.number, arm, does, "has told nothing yet", *("",) * 5
                continue
            (worker, did) = next(iter(told.ledger.workers.items()))
            row = told.ledger.rows.get(work.arm)
            seconds = row.seconds if row is not None else 0.0
            met = sum(each.count for each in told.ledger.met_in_all().values())
            yield (
                *(work.number, arm, does, printable(worker), f"{seconds:,.0f}" if row is not None else ""),
                *(f"{did.executions:,}", f"{did.executions / seconds:,.0f}" if seconds else ""),
                *(f"{told.states:,}", f"{met:,}"),
            )


def _arms(campaigns: Sequence[Shown]) -> Iterator[Sequence[object]]:
    for number, shown in enumerate(campaigns, 1):
        for arm, row in sorted(shown.ledger.rows.items(), key=lambda each: -each[1].seconds):
            yield (
                *(printable(str(arm)), number, f"{row.slices:,}", f"{row.seconds:,.0f}"),
                *(f"{row.executions:,}", f"{row.states:,}", f"{row.findings:,}"),
            )


def _plots(campaigns: Sequence[Shown]) -> Iterator[Markup]:
    """Executions, states and different failures since the first slice began, a curve for each campaign."""
    series: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for number, shown in list(enumerate(campaigns, 1))[-MOST_SERIES:]:
        since, ledger = begun(shown.ledger), shown.ledger
        points = [(at - since, executions, states) for at, executions, states in ledger.over_time()]
        last = points[-1][0] if points else 0.0
        firsts = sorted(max(met.first - since, 0) for met in ledger.met_in_all().values())
        steps = [step for many, at in enumerate(firsts) for step in ((at, many), (at, many + 1))]
        for title, values in (
            ("executions", [(at, executions) for at, executions, _ in points]),
            # a slice knows what its base has and what it reached itself; only the sum has all
            ("states and edges reached", [*((at, states) for at, _, states in points), (last, shown.states)]),
            ("different failures", [*steps, (last, len(firsts))]),
        ):
            name = f"campaign {number}: {printable(shown.address)}"
            series.setdefault(title, {})[name] = [(0, 0), *sorted(values)]
    for title, of_campaigns in series.items():
        if any(value for points_ in of_campaigns.values() for _, value in points_):
            yield curves(title, "", of_campaigns)


def _standing(shown: Shown, text: str) -> str:
    return KNOWN if text in shown.known else shown.ledger.standing(text).value


def _program(shown: Shown, text: str) -> str:
    """The program of a failure, "" if there is none."""
    if text in shown.ledger.findings:
        return shown.ledger.findings[text].program
    if text in shown.known:
        return format_program(shown.known[text][0].program)
    return shown.ledger.open[text].program if text in shown.ledger.open else ""


def failures_in_order(campaigns: Sequence[Shown]) -> list[tuple[str, list[int]]]:
    """Each failure once, with the places of the campaigns that met it: what nobody knew first, then as they
    were met."""
    where: dict[str, list[int]] = {}
    for place, shown in enumerate(campaigns):
        for text in shown.ledger.failures():
            where.setdefault(text, []).append(place)
    firsts = [
        {text: met.first - begun(shown.ledger) for text, met in shown.ledger.met_in_all().items()}
        for shown in campaigns
    ]

    def rank(item: tuple[str, list[int]]) -> tuple[int, float]:
        text, places = item
        return (
            min(ORDER.index(_standing(campaigns[each], text)) for each in places),
            min(firsts[each].get(text, 0.0) for each in places),
        )

    return sorted(where.items(), key=rank)


def program_of_failure(campaigns: Sequence[Shown], number: int) -> tuple[str, str, str]:
    """Of a failure by its number on the page the text of its signature, its program, and the release it was
    met on; the program is "" where there is none."""
    ordered = failures_in_order(campaigns)
    if number >= len(ordered):
        return "", "", ""
    text, places = ordered[number]
    shown = next(
        (campaigns[each] for each in places if _program(campaigns[each], text)), campaigns[places[0]]
    )
    name = next((name for name, rows in shown.ledger.met.items() if text in rows), "")
    if not name and text in shown.ledger.open:
        name = shown.ledger.open[text].arm.release
    return text, _program(shown, text), name.partition("+")[0].rpartition("-")[2]


def _failures(campaigns: Sequence[Shown]) -> Iterator[dict[str, Any]]:
    """What the page tells of each failure."""
    met = [shown.ledger.met_in_all() for shown in campaigns]
    for number, (text, places) in enumerate(failures_in_order(campaigns)):
        standings = [_standing(campaigns[each], text) for each in places]
        standing = min(standings, key=ORDER.index)
        shown = campaigns[places[standings.index(standing)]]
        name = shown.ledger.findings[text].name if text in shown.ledger.findings else ""
        if standing == KNOWN:
            name = shown.known[text][0].name
        _, program, _ = program_of_failure(campaigns, number)
        yield {
            "number": number,
            "campaign": places[0],
            "signature": printable(text),
            "standing": standing,
            "bad": standing in BAD,
            "name": printable(name),
            "program": printable(program),
            "when": [_when(each + 1, met[each].get(text)) for each in places],
        }


def _when(campaign: int, met: Met | None) -> dict[str, Any]:
    if met is None:
        return {"campaign": campaign, "times": 0}
    return {
        "campaign": campaign,
        "first": _day(met.first),
        "last": _day(met.last),
        "times": met.count,
    }
