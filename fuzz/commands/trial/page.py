"""The one page that a trial ends with, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fuzz.commands.shared.screen import shown
from fuzz.commands.trial.stage import Difference, Stage
from fuzz.language.printing import format_program
from fuzz.targets.probe_release import Probed

SHOWN_OPS = 30
TEXT_LINES = 8
IN_FULL = 8
"""Differences that are told with their programs; of others only what they are."""


def behaviours_in_words(probed: Probed) -> str:
    """Each behaviour, and whether the library has it."""
    words = {True: "yes", False: "no", None: "cannot be told"}
    return ", ".join(f"{name} {words[has]}" for name, has in probed.behaviours.items())


def page(library: str, against: str, probed: Probed, stages: Sequence[Stage]) -> Iterator[str]:
    """Its lines."""
    yield f"{library}"
    yield (
        f"nearest release: {probed.nearest.name}, as which it does {probed.agrees} of {probed.programs} "
        "programs that tell behaviours apart"
    )
    yield f"  {behaviours_in_words(probed)}"
    if against:
        yield f"held against {against}"
    for stage in stages:
        if stage.skipped:
            yield f"{stage.name:10} not done: {stage.skipped}"
            continue
        for index, line in enumerate(stage.lines):
            yield f"{'' if index else stage.name:10} {line}"
        for text, count in stage.expected.items():
            yield f"{'':10} {count} x expected: {text}"
    differences = [each for stage in stages for each in stage.differences]
    unfinished = [stage.name for stage in stages if stage.unfinished]
    yield ""
    if not differences and not unfinished:
        yield "fine within these bounds"
        return
    for number, each in enumerate(differences, start=1):
        lines = _difference(number, each)
        yield from lines if number <= IN_FULL else [next(lines)]
    if unfinished:
        yield f"not fine: see {' and '.join(unfinished)}"


def _difference(number: int, each: Difference) -> Iterator[str]:
    yield f"{number}. {each.failure.signature}"
    yield f"   {each.first_op}"
    yield from (f"   {line}" for line in each.failure.text.strip().splitlines()[:TEXT_LINES])
    if each.file is not None:
        yield f"   {'minimized' if each.minimal else 'its program'}: {shown(each.file)}"
    if each.minimal or each.file is None:
        ops = format_program(each.program).rstrip().splitlines()
        yield from (f"     {line}" for line in ops[:SHOWN_OPS])
        if len(ops) > SHOWN_OPS:
            yield f"     ({len(ops) - SHOWN_OPS} more lines)"


def details(
    library: str, against: str | None, probed: Probed | None, stages: Sequence[Stage]
) -> dict[str, object]:
    """For a machine; `probed` is None where a signal came before."""
    return {
        "library": library,
        "against": against,
        "nearest": probed.nearest.name if probed is not None else None,
        "behaviours": dict(probed.behaviours) if probed is not None else {},
        "stages": [
            {
                "name": stage.name,
                "lines": stage.lines,
                "skipped": stage.skipped or None,
                "seconds": round(stage.seconds, 3),
                "differences": [str(each.failure.signature) for each in stage.differences],
                "unfinished": stage.unfinished,
                "expected": stage.expected,
            }
            for stage in stages
        ],
    }
