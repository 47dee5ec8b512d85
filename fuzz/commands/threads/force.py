"""`zapfuzz force`: a program's schedule, by real threads on the real library, again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import click

from fuzz.commands.shared.does_nothing import refuse
from fuzz.commands.shared.ending import Status
from fuzz.commands.shared.machine_answer import Answer, json_option
from fuzz.commands.shared.program_argument import program_argument, release_option
from fuzz.commands.shared.progress import some_of, working
from fuzz.corpus.named_program import Named
from fuzz.execution.answer_in_words import answer_in_words
from fuzz.execution.result import Result
from fuzz.language.printing import format_op, format_program
from fuzz.language.program import Op, Program
from fuzz.language.syntax import SyntaxProblem
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.parallel_run import has_threads
from fuzz.threads.real.compare_with_model import compare_all
from fuzz.threads.real.held_run import HeldRun, model_for, run_held
from fuzz.threads.real.held_target import HeldTarget
from fuzz.threads.real.turn_plan import make_plan


def _switch_lines(runs: list[HeldRun]) -> list[str]:
    """For each switch how often it was forced, and what was done instead where it was not."""
    lines = []
    for place, first in enumerate(runs[0].forced):
        mine = [run.forced[place] for run in runs if place < len(run.forced)]
        exact = sum(each.exact for each in mine)
        lines.append(f"  forced {exact} of {len(runs)}: step {first.switch.step}: {first.text}")
        instead = Counter(
            each.why if each.reached else "the run had ended before" for each in mine if not each.exact
        )
        lines += [f"    not forced {count} of {len(runs)}: {why}" for why, count in instead.most_common()]
    return lines


def report(runs: list[HeldRun], library: str, model: ModelTarget, free: bool) -> list[str]:
    """What was forced, and how often each outcome came."""
    first = runs[0]
    many = len(first.forced)
    switches = f"{many} switch{'es' * (many != 1)}" if many else "no switch"
    exact, turns = sum(run.exact_turns for run in runs), sum(run.turns for run in runs)
    if free:
        lines = [f"{library}: no thread was held"]
    else:
        of = f"{exact} of {turns} turns of threads as on {model.name}"
        lines = [f"{library}: {switches} in the schedule; {of}", *_switch_lines(runs)]
    apart = Counter(run.divergences[0] for run in runs if run.divergences)
    lines += [
        f"  {count} of {len(runs)} runs left the model's path: {how}" for how, count in apart.most_common()
    ]
    for text, count in Counter(str(run.outcome) for run in runs).most_common():
        lines.append(f"{count} of {len(runs)}: {text}")
    lines.append(f"{model.name}: {first.model}")
    return lines


class _EverySchedule:
    """Forces each schedule once and holds it against the model."""

    def __init__(self, model: ModelTarget, bound: int, answer: Answer) -> None:
        self.model, self.answer = model, answer
        self.bound = bound
        self.outcomes: Counter[str] = Counter()
        self.first: dict[str, Program] = {}
        self.forced = self.turns = self.exact = self.differ = 0

    def run(self, program: Program, real: HeldTarget) -> None:
        """Do so. What differs is shown at once."""
        for scheduled, (run, difference, _) in compare_all(program, real, self.model, self.bound):
            self.turns, self.exact = self.turns + run.turns, self.exact + run.exact_turns
            self.forced += run.all_forced
            self.outcomes[str(run.outcome)] += 1
            if str(run.outcome) not in self.first and run.outcome.failure is not None:
                failure = run.outcome.failure
                self.answer.failed(failure.signature, text=failure.text, program=scheduled)
            self.first.setdefault(str(run.outcome), scheduled)
            if difference:
                self.differ += 1
                self.answer.say(
                    f"DIFFERS from {self.model.name}: {difference}\n{format_program(scheduled)}", nl=False
                )

    def how_far(self) -> str:
        """How many schedules were forced so far."""
        return f"{self.outcomes.total()} schedules, {self.differ} differ"

    def report(self, name: str) -> Iterator[str]:
        """What was forced, and how often each outcome came."""
        total = self.outcomes.total()
        yield (
            f"{name}: {total} schedules up to {self.bound} preemptions, {self.forced} of them forced "
            f"throughout ({self.exact} of {self.turns} turns); {self.differ} differ from {self.model.name} "
            "in results or blocks"
        )
        for text, count in self.outcomes.most_common():
            yield f"{count} of {total}: {text}"
            if text != "fine":
                switches = " ".join(f"{step}:{thread}" for step, thread in self.first[text].schedule)
                yield f"  first: schedule {switches}"

    def details(self, library: str) -> dict[str, object]:
        """For a machine."""
        return {
            "library": library,
            "runs": self.outcomes.total(),
            "outcomes": self.outcomes,
            "switches": 0,
            "turns": self.turns,
            "exact_turns": self.exact,
            "differ": self.differ,
            "limit": None,
        }

    @property
    def status(self) -> Status:
        """How the command ends."""
        fine = not self.differ and self.outcomes["fine"] == self.outcomes.total()
        return Status.NOT_FOUND if fine else Status.FOUND


@click.command("force")
@program_argument
@release_option(help="2.1, 2.3, or a version; beside --libzpool the model that leads the threads.")
@click.option("--libzpool", metavar="PATH", help="A libzpool, or a folder that has one.")
@click.option("--repeat", type=click.IntRange(1, 10_000), default=10, show_default=True)
@click.option(
    "--preemptions",
    type=click.IntRange(0, 10),
    help="Every schedule up to so many preemptions instead, once each, compared with the model.",
)
@click.option("--free", is_flag=True, help="Hold nobody: how often does it happen by itself?")
@click.option("--trace", is_flag=True, help="Each op of the first run and what it returned.")
@json_option
def force_command(
    program: Named,
    release: str,
    libzpool: str | None,
    repeat: int,
    preemptions: int | None,
    free: bool,
    trace: bool,
    machine: bool,
) -> None:
    """Force a program's schedule on the real library, by real threads.

    The model says where each thread stands when another goes on; there real threads are held, at the locks
    and dbufs of the ZAP, by a small library that is compiled when it is first needed (`cc`). Says which
    switches could be forced, and how often each outcome came; of the runs until then where Ctrl-C ends it.
    Exit status: 0 if all runs are fine, 1 if one fails, 2 if the program cannot be read or the library not be
    had, 3 if none fails and one met a bound.
    """
    if free and preemptions is not None:
        raise click.UsageError("--free holds nobody, --preemptions holds everybody: give one of them")
    for name in ("repeat", "trace"):
        refuse(
            name,
            "does nothing with --preemptions, which runs each schedule once",
            where=preemptions is not None,
        )
    loaded = program.program
    if not has_threads(loaded):
        raise SyntaxProblem(program.word, 0, 0, "ops of threads (`t1: add ...`)", "none")
    real = HeldTarget(release, libzpool)
    name, model = f"libzpool {real.library.parent.name}", model_for(real)
    answer = Answer("force", machine, release=model.release.name, target="libzpool")
    with real, answer.given():
        if preemptions is None:
            _again_and_again(loaded, real, name, model, answer, repeat, free, trace)
            return
        every = _EverySchedule(model, preemptions, answer)
        answer.details = lambda: every.details(name)
        try:
            with working("forcing every schedule", every.how_far):
                every.run(loaded, real)
        finally:
            for line in every.report(name):
                answer.say(line)
        answer.status = every.status


def _again_and_again(
    program: Program,
    real: HeldTarget,
    name: str,
    model: ModelTarget,
    answer: Answer,
    repeat: int,
    free: bool,
    trace: bool,
) -> None:
    """Force the program's own schedule so often, and tell what came of it."""
    runs: list[HeldRun] = []
    answer.details = lambda: _details(runs, name)

    def echo(index: int, op: Op, result: Result) -> None:
        answer.say(f"{index:5}  {format_op(op):50}  {answer_in_words(op, result)}")

    try:
        with working("forcing", lambda: some_of(len(runs), repeat, "runs")):
            plan = make_plan(program, model)
            for _ in range(repeat):
                shown = echo if trace and not runs else None
                runs.append(run_held(program, real, model, plan=plan, free=free, trace=shown))
    finally:
        for line in report(runs, name, model, free) if runs else ():
            answer.say(line)
        limits = [run.outcome.limit for run in runs if run.outcome.limit is not None]
        failed = [run.outcome.failure for run in runs if run.outcome.failure is not None]
        for limit in limits[:1]:
            answer.say(f"limit: {limit}")
        for failure in failed[:1]:
            answer.say(failure.text)
        for signature, count in Counter(each.signature for each in failed).items():
            text = next(each.text for each in failed if each.signature == signature)
            answer.failed(signature, text=text, count=count, program=program)
        answer.status = Status.FOUND if failed else Status.LIMIT if limits else Status.NOT_FOUND


def _details(runs: list[HeldRun], library: str) -> dict[str, object]:
    limits = [run.outcome.limit for run in runs if run.outcome.limit is not None]
    return {
        "library": library,
        "runs": len(runs),
        "outcomes": Counter(str(run.outcome) for run in runs),
        "switches": len(runs[0].forced) if runs else 0,
        "turns": sum(run.turns for run in runs),
        "exact_turns": sum(run.exact_turns for run in runs),
        "differ": sum(bool(run.divergences) for run in runs),
        "limit": limits[0] if limits else None,
    }
