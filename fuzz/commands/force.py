"""`zapfuzz force`: a program's schedule, by real threads on the real library, again and again."""

from __future__ import annotations

from collections import Counter

import click

from fuzz.commands.shared.answer_in_words import answer_in_words
from fuzz.commands.shared.does_nothing import refuse
from fuzz.commands.shared.program_argument import program_argument, release_option
from fuzz.corpus.named_program import Named
from fuzz.execution.result import Result
from fuzz.language.printing import format_op, format_program
from fuzz.language.program import Op, Program
from fuzz.language.syntax import SyntaxProblem
from fuzz.targets.base import NoTarget
from fuzz.targets.libzpool.locate import NoLibrary
from fuzz.targets.model import ModelTarget
from fuzz.threads.parallel_run import has_threads
from fuzz.threads.real.compare_with_model import compare_all
from fuzz.threads.real.judged_run import HeldRun, model_for, run_held
from fuzz.threads.real.target import HeldTarget
from fuzz.threads.real.turn_plan import make_plan


def _echo(index: int, op: Op, result: Result) -> None:
    click.echo(f"{index:5}  {format_op(op):50}  {answer_in_words(op, result)}")


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


def _every_schedule(program: Program, real: HeldTarget, name: str, model: ModelTarget, bound: int) -> int:
    """Force each schedule once and hold it against the model; returns the exit status."""
    outcomes: Counter[str] = Counter()
    first: dict[str, Program] = {}
    forced = turns = exact = differ = 0
    for scheduled, (run, difference) in compare_all(program, real, model, bound):
        turns, exact, forced = turns + run.turns, exact + run.exact_turns, forced + run.all_forced
        outcomes[str(run.outcome)] += 1
        first.setdefault(str(run.outcome), scheduled)
        if difference:
            differ += 1
            click.echo(f"DIFFERS from {model.name}: {difference}\n{format_program(scheduled)}", nl=False)
    total = outcomes.total()
    click.echo(
        f"{name}: {total} schedules up to {bound} preemptions, {forced} of them forced throughout "
        f"({exact} of {turns} turns); {differ} differ from {model.name} in results or blocks"
    )
    for text, count in outcomes.most_common():
        click.echo(f"{count} of {total}: {text}")
        if text != "fine":
            switches = " ".join(f"{step}:{thread}" for step, thread in first[text].schedule)
            click.echo(f"  first: schedule {switches}")
    return 1 if differ or outcomes["fine"] < total else 0


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
def force_command(
    program: Named,
    release: str,
    libzpool: str | None,
    repeat: int,
    preemptions: int | None,
    free: bool,
    trace: bool,
) -> None:
    """Force a program's schedule on the real library, by real threads.

    The model says where each thread stands when another goes on; there real threads are held, at the locks
    and dbufs of the ZAP, by a small library that is compiled when it is first needed (`cc`). Says which
    switches could be forced, and how often each outcome came. Exit status: 0 if all runs are fine, 1 if one
    fails, 2 if the program cannot be read or the library not be had.
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
    try:
        real = HeldTarget(release, libzpool)
    except NoLibrary as missing:
        raise NoTarget(str(missing)) from missing
    name, model = f"libzpool {real.library.parent.name}", model_for(real)
    with real:
        if preemptions is not None:
            raise SystemExit(_every_schedule(loaded, real, name, model, preemptions))
        plan = make_plan(loaded, model)
        runs = [
            run_held(loaded, real, model, plan=plan, free=free, trace=_echo if trace and not number else None)
            for number in range(repeat)
        ]
    for line in report(runs, name, model, free):
        click.echo(line)
    limits = [run.outcome.limit for run in runs if run.outcome.limit is not None]
    if limits:
        click.echo(f"limit: {limits[0]}")
    failed = [run.outcome.failure for run in runs if run.outcome.failure is not None]
    if failed:
        click.echo(failed[0].text)
    raise SystemExit(1 if failed else 0)
