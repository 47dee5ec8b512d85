"""`zapfuzz minimize`: a failing program cut down."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import click

from fuzz.commands.remedies import switch_on, with_remedies
from fuzz.commands.shared.options import Bad, on_target
from fuzz.commands.shared.output import program_to
from fuzz.commands.shared.program_argument import program_argument
from fuzz.corpus.named_program import Named
from fuzz.corpus.reproducer import FINE
from fuzz.execution.execute import run as run_program
from fuzz.minimize.minimize import Stats
from fuzz.minimize.same_failure import minimize_failure
from fuzz.targets.base import Target
from fuzz.targets.registry import make_target

SHOWN_SECONDS = 10.0


@click.command("minimize")
@program_argument
@on_target()
@with_remedies
@click.option("--out", type=click.Path(path_type=Path), help="File for the result; by default it is printed.")
@click.option("--keep-form", is_flag=True, help="Use no verb that the program has not.")
def minimize(
    program: Named,
    release: str,
    target: str,
    libzpool: str | None,
    remedy: tuple[str, ...],
    out: Path | None,
    keep_form: bool,
) -> None:
    """Cut a failing program down to the simplest one that still fails in the same way."""
    loaded = program.program
    switch_on(remedy, target)
    runner: Target = make_target(target, release, libzpool)
    outcome = run_program(loaded, runner)
    if outcome.failure is None:
        raise Bad(f"{program.word}: expected a program that fails on {release}, found one that ends {FINE}")
    stats = Stats()
    with _shown(stats, outcome.ops):
        small, _ = minimize_failure(
            *(loaded.with_ops(loaded.ops[: outcome.ops]), outcome.failure, runner),
            keep_form=keep_form,
            stats=stats,
        )
    for line in (f"{outcome.failure.signature}", *stats.lines()):
        click.echo(line, err=True)
    program_to(out, small)


@contextlib.contextmanager
def _shown(stats: Stats, ops: int) -> Iterator[None]:
    """Say now and then how far it is: on a real kernel a try takes seconds."""
    over = threading.Event()

    def show() -> None:
        while not over.wait(SHOWN_SECONDS):
            gone = sum(each.ops for each in stats.passes.values())
            click.echo(f"{stats.tried} programs tried, {ops - gone} ops left", err=True)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
