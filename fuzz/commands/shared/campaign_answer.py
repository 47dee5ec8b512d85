"""What a campaign's corpus says, for people and for machines."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping

from fuzz.commands.shared.ending import Status
from fuzz.commands.shared.machine_answer import Answer
from fuzz.commands.shared.screen import known_table
from fuzz.corpus.reproducer import Reproducer
from fuzz.engines.campaign.ledger import Arm, Ledger, Standing
from fuzz.judge.signature import Signature
from fuzz.language.syntax import SyntaxProblem, parse

Known = Mapping[str, list[Reproducer]]
POINTS = 8
"""Points in time that a person is shown."""


def campaign_lines(ledger: Ledger, known: Known) -> Iterator[str]:
    """Workers, arms, growth, and failures, as lines."""
    states = sum(map(len, ledger.states.values()))
    yield (
        f"{ledger.executions:,} executions in {ledger.seconds:,.0f} s of slices, {states:,} states, "
        f"{len(ledger.inputs):,} inputs"
    )
    for name, did in sorted(ledger.workers.items()):
        yield f"  worker {name}: {did.slices} slices, {did.executions:,} executions, last {_day(did.last)}"
    for arm, row in sorted(ledger.rows.items(), key=lambda each: -each[1].seconds):
        yield (
            f"  {row.seconds:9,.0f} s  {row.executions:9,} executions  {row.states:6,} states  "
            f"{row.findings} failures  {_arm(arm)}"
        )
    points = ledger.over_time()
    for at, executions, reached in points[:: max(len(points) // POINTS, 1)]:
        yield f"  until {_day(at)}: {executions:,} executions, {reached:,} states"
    met = ledger.met_in_all()
    for text, each in sorted(met.items(), key=lambda row: -row[1].count):
        if text not in known:
            when = f"first {_day(each.first)}, last {_day(each.last)}"
            yield f"{each.count:8} x {text} ({when}; {_became(ledger, text)})"
    yield from known_table([(each.count, known[text]) for text, each in met.items() if text in known])
    for text in ledger.findings.keys() | ledger.open.keys():
        if text not in met:
            yield f"not counted: {text} ({_became(ledger, text)})"
    if not (met or ledger.findings or ledger.open):
        yield "no failures"


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def _arm(arm: Arm) -> str:
    return str(arm) + ("" if arm.style or arm.engine != "random" else " / each style")


def _became(ledger: Ledger, text: str) -> str:
    standing = ledger.standing(text)
    return f"{standing.value}{f': {ledger.findings[text].name}' if standing is Standing.CUT_DOWN else ''}"


def campaign_failures(answer: Answer, ledger: Ledger, known: Known) -> None:
    """Note every failure, where it stands and its program."""
    met = ledger.met_in_all()
    for text in ledger.failures():
        source = known[text][0].program if text in known else None
        written = ledger.findings[text].program if text in ledger.findings else None
        if written is None and text in ledger.open:
            written = ledger.open[text].program
        if source is None and written is not None:
            try:
                source = parse(written, "<corpus>")
            except SyntaxProblem:
                source = None
        standing = "known" if text in known else _STANDINGS[ledger.standing(text)]
        count = met[text].count if text in met else 1
        answer.failed(Signature.of(text), standing=standing, count=count, program=source)


_STANDINGS = {
    Standing.CUT_DOWN: "new",
    Standing.NOT_MINIMIZED: "not minimized",
    Standing.NOT_AGAIN: "did not come again",
    Standing.KNOWN_THEN: "known",
}


def campaign_status(
    ledger: Ledger, known: Known, begun: float, new: Iterable[str], unwritten: Iterable[str]
) -> Status:
    """How a campaign ends that began at a time. What was `new` to it counts whatever the clocks of workers
    say, and even where nobody has counted it: a slice that is killed has told of it before."""
    lately = {*new, *(text for text, met in ledger.met_in_all().items() if met.last >= begun)}
    if any(text not in known for text in lately):
        return Status.FOUND
    if list(unwritten):
        return Status.BAD_INPUT
    return Status.KNOWN_ONLY if lately else Status.NOT_FOUND
