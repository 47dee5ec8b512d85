"""`zapfuzz explore`: every interleaving of one program, up to a number of preemptions."""

from __future__ import annotations

import functools
import time

import click

from fuzz.commands.shared.ending import Ended, Status
from fuzz.commands.shared.live_display import Far
from fuzz.commands.shared.machine_answer import Answer, json_option
from fuzz.commands.shared.number_not_nan import Number
from fuzz.commands.shared.program_argument import program_argument, release_option
from fuzz.commands.shared.progress import working
from fuzz.corpus.named_program import Named
from fuzz.language.printing import format_program
from fuzz.language.program import Program
from fuzz.language.syntax import SyntaxProblem
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.explore import Explored, Found, Search
from fuzz.threads.minimize_schedule import fewest_switches, same_as, with_schedule
from fuzz.threads.parallel_run import has_threads


class _Explorations:
    """Explores a program on one release after the other, and tells what was found."""

    def __init__(self, program: Program, answer: Answer) -> None:
        self.program, self.answer = program, answer
        self.done: list[tuple[str, Explored]] = []

    def explore(self, release: str, search: Search) -> None:
        """Try all schedules on one release."""
        try:
            with working(f"exploring on {release}", functools.partial(_how_far, search, time.monotonic())):
                explored = search.run()
        except Ended:
            self._report(release, search.result())
            for found, failing in zip(search.found.values(), search.failing.values(), strict=True):
                self.answer.say(f"{release}: {found.failure.signature}")
                self._show_as_found(found, failing)
            raise
        self._report(release, explored)
        for found, failing in zip(explored.found, explored.failing, strict=True):
            self._show(release, search.target, found, failing)

    def details(self, preemptions: int) -> dict[str, object]:
        """For a machine."""
        releases = [
            {
                "release": release,
                "schedules": list(explored.schedules),
                "cut": explored.cut,
                "complete": explored.complete,
                "limits": explored.limits,
            }
            for release, explored in self.done
        ]
        return {"preemptions": preemptions, "releases": releases}

    def _report(self, release: str, explored: Explored) -> None:
        self.done.append((release, explored))
        self.answer.say(f"{release}: {explored}")
        if explored.limits:
            ended = f"{explored.limits} schedules ended at a limit and were not judged"
            self.answer.say(f"{release}: {ended}: {explored.limit}")

    def _show(self, release: str, target: ModelTarget, found: Found, failing: int) -> None:
        failure = found.failure
        self.answer.say(
            f"{release}: {failure.signature}: {failing} schedules, the first with {found.cost} preemptions"
        )
        scheduled = with_schedule(self.program, found.schedule)
        try:
            with working("looking for fewer switches"):
                fewest = fewest_switches(scheduled, target, same_as(failure))
        except Ended:
            self._show_as_found(found, failing)
            raise
        number = len(fewest.program.schedule)
        least = "the fewest there can be" if fewest.least else "fewer were not all tried"
        self.answer.say(f"{failure.text}\n# {number} switch{'es' * (number != 1)}, {least}:")
        self.answer.say(format_program(fewest.program), nl=False)
        self.answer.failed(failure.signature, text=failure.text, count=failing, program=fewest.program)

    def _show_as_found(self, found: Found, failing: int) -> None:
        scheduled, failure = with_schedule(self.program, found.schedule), found.failure
        self.answer.say(f"{failure.text}\n# as it was found, with more switches than it may need:")
        self.answer.say(format_program(scheduled), nl=False)
        self.answer.failed(failure.signature, text=failure.text, count=failing, program=scheduled)


def _how_far(search: Search, begun: float) -> Far:
    """How many schedules there are nobody knows before they were tried; how long they may take, perhaps."""
    tried = f"{sum(search.schedules)} schedules tried, {search.cut} cut as equivalent"
    bound = search.max_seconds
    part = (time.monotonic() - begun) / bound if bound else None
    return Far(f"{tried}, {len(search.found)} kinds of failure", part)


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
@json_option
def explore_command(
    program: Named,
    preemptions: int,
    releases: tuple[str, ...],
    seconds: float | None,
    writers_first: bool,
    machine: bool,
) -> None:
    """Try every schedule of a program with threads, up to a number of preemptions.

    Schedules that differ only in steps that do not touch the same things count once. Exit status: 0 if none
    fails, 1 if one does, 2 if the program cannot be read, 3 if none fails but some could not be judged.
    Ctrl-C ends it with what was found.
    """
    parsed = program.program
    if not has_threads(parsed):
        raise SyntaxProblem(program.word, 0, 0, "ops of threads (`t1: add ...`)", "none")
    answer = Answer("explore", machine, release=", ".join(dict.fromkeys(releases)))
    explorations = _Explorations(parsed, answer)
    answer.details = lambda: explorations.details(preemptions)
    with answer.given():
        for release in dict.fromkeys(releases):
            target = ModelTarget(release)
            search = Search(parsed, target, preemptions, writers_first=writers_first, max_seconds=seconds)
            explorations.explore(release, search)
        limited = any(explored.limits for _, explored in explorations.done)
        fine = Status.LIMIT if limited else Status.NOT_FOUND
        answer.status = Status.FOUND if answer.failures else fine
