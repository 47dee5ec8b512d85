"""`zapfuzz explore`: every interleaving of one program, up to a number of preemptions."""

from __future__ import annotations

import functools

import click

from fuzz.commands.shared.ending import Ended, Status
from fuzz.commands.shared.number_not_nan import Number
from fuzz.commands.shared.program_argument import program_argument, release_option
from fuzz.commands.shared.progress import working
from fuzz.corpus.named_program import Named
from fuzz.language.printing import format_program
from fuzz.language.program import Program
from fuzz.language.syntax import SyntaxProblem
from fuzz.targets.model import ModelTarget
from fuzz.threads.explore import Explored, Found, Search
from fuzz.threads.minimize_schedule import fewest_switches, same_as, with_schedule
from fuzz.threads.parallel_run import has_threads


def _show(release: str, target: ModelTarget, program: Program, found: Found, failing: int) -> None:
    failure = found.failure
    click.echo(
        f"{release}: {failure.signature}: {failing} schedules, the first with {found.cost} preemptions"
    )
    scheduled = with_schedule(program, found.schedule)
    try:
        with working("looking for fewer switches"):
            fewest = fewest_switches(scheduled, target, same_as(failure))
    except Ended:
        _show_as_found(program, found)
        raise
    click.echo(failure.text)
    number = len(fewest.program.schedule)
    least = "the fewest there can be" if fewest.least else "fewer were not all tried"
    click.echo(f"# {number} switch{'es' * (number != 1)}, {least}:")
    click.echo(format_program(fewest.program), nl=False)


def _show_as_found(program: Program, found: Found) -> None:
    click.echo(found.failure.text)
    click.echo("# as it was found, with more switches than it may need:")
    click.echo(format_program(with_schedule(program, found.schedule)), nl=False)


def _report(release: str, explored: Explored) -> None:
    click.echo(f"{release}: {explored}")
    if explored.limits:
        ended = f"{explored.limits} schedules ended at a limit and were not judged"
        click.echo(f"{release}: {ended}: {explored.limit}")


def _how_far(search: Search) -> str:
    tried = f"{sum(search.schedules)} schedules tried, {search.cut} cut as equivalent"
    return f"{tried}, {len(search.found)} kinds of failure"


@click.command("explore")
@program_argument
@click.option("--preemptions", type=click.IntRange(0, 10), default=3, show_default=True)
@release_option(
    ("2.3",), name="releases", model=True, multiple=True, help="A release; may be given more than once."
)
@click.option("--seconds", type=Number(0, min_open=True), help="Stop a release's search then.")
@click.option(
    "--writers-first", is_flag=True,
    help="A waiting writer keeps new readers out, as Linux's rwsem does; otherwise readers pass.",
)  # fmt: skip
def explore_command(
    program: Named, preemptions: int, releases: tuple[str, ...], seconds: float | None, writers_first: bool
) -> None:
    """Try every schedule of a program with threads, up to a number of preemptions.

    Schedules that differ only in steps that do not touch the same things count once. Exit status: 0 if none
    fails, 1 if one does, 2 if the program cannot be read, 3 if none fails but some could not be judged.
    Ctrl-C ends it with what was found.
    """
    parsed = program.program
    if not has_threads(parsed):
        raise SyntaxProblem(program.word, 0, 0, "ops of threads (`t1: add ...`)", "none")
    failed = limited = False
    for release in dict.fromkeys(releases):
        target = ModelTarget(release)
        search = Search(parsed, target, preemptions, writers_first=writers_first, max_seconds=seconds)
        try:
            with working(f"exploring on {release}", functools.partial(_how_far, search)):
                explored = search.run()
        except Ended:
            _report(release, search.result())
            for found in search.found.values():
                click.echo(f"{release}: {found.failure.signature}")
                _show_as_found(parsed, found)
            raise
        _report(release, explored)
        limited |= explored.limits > 0
        for found, failing in zip(explored.found, explored.failing, strict=True):
            failed = True
            _show(release, target, parsed, found, failing)
    (Status.FOUND if failed else Status.LIMIT if limited else Status.NOT_FOUND).end()
