"""`zapfuzz enumerate`: every program up to N ops, and which fail."""

from __future__ import annotations

import functools
import time

import click

from fuzz.commands.remedies import switch_on, with_remedies
from fuzz.commands.shared.ending import Ended, Status
from fuzz.commands.shared.live_display import Far
from fuzz.commands.shared.machine_answer import Answer, json_option
from fuzz.commands.shared.program_argument import release_option
from fuzz.commands.shared.progress import working
from fuzz.engines.enumerate import HEADER, KEY_CHOICES, Enumeration, Enumerator, Found
from fuzz.language.printing import format_op, format_zap
from fuzz.language.program import Program

MOST_OPS = 12


@click.command("enumerate")
@click.option("--max-ops", type=click.IntRange(1, MOST_OPS), default=6, show_default=True)
@release_option(model=True)
@click.option("--keys", type=click.Choice([str(n) for n in KEY_CHOICES]), default="2", show_default=True)
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@with_remedies
@click.option("--longer", is_flag=True, help="List the irreducible failures longer than the shortest, too.")
@json_option
def enumerate_(
    max_ops: int, release: str, keys: str, jobs: int, remedy: tuple[str, ...], longer: bool, machine: bool
) -> None:
    """Run every program of up to N ops over a small alphabet on the model and list those that fail.

    Exit status: 0 if none fails, 1 if one does. Ctrl-C ends it with one program for each failure that was
    met.
    """
    switch_on(remedy)
    begun = time.monotonic()
    answer = Answer("enumerate", machine, release=release)
    search = Enumerator(release, max_ops, keys=int(keys))
    results: list[Enumeration] = []
    answer.details = lambda: _details(search, results)
    with answer.given():
        try:
            with working("enumerating", functools.partial(_how_far, search)):
                result = search.run(jobs)
        except Ended:
            for signature, path in search.met():
                answer.failed(signature, program=Program(HEADER, path))
                answer.say(f"{signature}\n  the first program: {'; '.join(map(format_op, path))}")
            raise
        results.append(result)
        for line in report(result, longer):
            answer.say(line)
        answer.say(f"# {time.monotonic() - begun:.1f} seconds")
        for found in result.found:
            answer.failed(
                found.signature, count=sum(found.counts.values()), program=next(iter(found.irreducible), None)
            )
        answer.status = Status.FOUND if result.found else Status.NOT_FOUND


def _how_far(search: Enumerator) -> Far:
    """How many ops will be run is known when the last length has begun."""
    done, known = search.worlds
    return Far(search.how_far(), done / known if known and search.length == search.max_ops else None)


def _details(search: Enumerator, results: list[Enumeration]) -> dict[str, object]:
    whole = results[0] if results else None
    return {
        "max_ops": search.max_ops,
        "whole": whole is not None,
        "programs": whole.programs if whole else None,
        "worlds": len(search.graph.paths),
        "runs": len(search.graph.steps) * len(search.ops),
        "limits": whole.limits if whole else None,
    }


def report(result: Enumeration, longer: bool) -> list[str]:
    """The result as lines; programs in their text form, ops separated by semicolons."""
    lines = [
        *(f"# {format_zap(zap)}" for zap in result.header),
        f"# alphabet of {len(result.alphabet)} ops: {'; '.join(map(format_op, result.alphabet))}",
        f"{result.programs:,} programs of 1 to {result.max_ops} ops; "
        f"those of fewer than {result.max_ops} reach {result.worlds:,} worlds; "
        f"{result.runs:,} ops were run, each op once from each world",
    ]
    if result.limits:
        lines.append(f"{result.limits:,} programs end at a limit")
    if not result.found:
        lines.append("none fails")
    for found in result.found:
        lines += _failure(found, longer)
    return lines


def _failure(found: Found, longer: bool) -> list[str]:
    counts = ", ".join(f"{count:,} of {length} ops" for length, count in sorted(found.counts.items()))
    listed = [p for p in found.irreducible if longer or len(p.ops) == found.shortest]
    lines = [
        f"{found.signature}",
        f"  programs that end so: {counts}; none shorter",
        f"  irreducible, up to symmetry: {len(found.irreducible)}; "
        + ("all:" if longer else f"those of {found.shortest} ops:"),
    ]
    return lines + [f"    {'; '.join(map(format_op, program.ops))}" for program in listed]
