"""`zapfuzz minimize`: a failing program cut down."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.commands.remedies import switch_on, with_remedies
from fuzz.commands.shared.ending import Bad, Ended
from fuzz.commands.shared.options import on_target
from fuzz.commands.shared.output import out_option, program_to
from fuzz.commands.shared.program_argument import program_argument
from fuzz.commands.shared.progress import cut_down, ops_done, working
from fuzz.corpus.named_program import Named
from fuzz.corpus.reproducer import FINE
from fuzz.execution.execute import run as run_program
from fuzz.minimize.minimize import Stats
from fuzz.minimize.same_failure import minimize_failure
from fuzz.targets.base import Target
from fuzz.targets.registry import make_target


@click.command("minimize")
@program_argument
@on_target()
@with_remedies
@out_option("File for the result; by default it is printed.")
@click.option("--keep-form", is_flag=True, help="Use no verb that the program has not.")
def minimize(
    program: Named,
    release: str,
    target: str,
    libzpool: str | None,
    against: str | None,
    valgrind: bool,
    remedy: tuple[str, ...],
    out: Path | None,
    keep_form: bool,
) -> None:
    """Cut a failing program down to the simplest one that still fails in the same way.

    Ctrl-C ends it with the simplest one so far.
    """
    loaded = program.program
    switch_on(remedy, target)
    runner: Target = make_target(target, release, libzpool, against=against, valgrind=valgrind)
    with working(f"running {program.word}", ops_done(len(loaded.ops))):
        outcome = run_program(loaded, runner)
    if outcome.failure is None:
        raise Bad(f"{program.word}: expected a program that fails on {release}, found one that ends {FINE}")
    stats = Stats()
    try:
        with working(f"minimizing {program.word}", lambda: cut_down(stats)):
            small, _ = minimize_failure(
                *(loaded.with_ops(loaded.ops[: outcome.ops]), outcome.failure, runner),
                keep_form=keep_form,
                stats=stats,
            )
    except Ended:
        if stats.best is not None:
            click.echo(f"not minimal: cut down to {stats.left} ops so far", err=True)
            program_to(out, stats.best)
        raise
    for line in (f"{outcome.failure.signature}", *stats.lines()):
        click.echo(line, err=True)
    program_to(out, small)
