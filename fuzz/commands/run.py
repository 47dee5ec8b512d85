"""`zapfuzz run`: one program once, judged."""

from __future__ import annotations

import click

from fuzz.commands.remedies import switch_on, with_remedies
from fuzz.commands.shared.options import on_target
from fuzz.commands.shared.screen import show_result
from fuzz.execution.execute import run as run_program
from fuzz.execution.result import Result
from fuzz.language.printing import format_op
from fuzz.language.program import Op
from fuzz.language.syntax import load
from fuzz.targets.registry import make_target


@click.command("run")
@click.argument("program")
@on_target()
@with_remedies
@click.option("--trace", is_flag=True, help="Each op and what it returned.")
def run_command(
    program: str, release: str, target: str, libzpool: str | None, remedy: tuple[str, ...], trace: bool
) -> None:
    """Run a program once, judged."""
    loaded = load(program)
    switch_on(remedy, target)
    runner = make_target(target, release, libzpool)

    def echo(index: int, op: Op, result: Result) -> None:
        click.echo(f"{index:5}  {format_op(op):50}  {show_result(result)}")

    outcome = run_program(loaded, runner, trace=echo if trace else None)
    if outcome.failure is not None:
        at = outcome.failure.op
        if at < 0:
            where = "creating the ZAPs"
        elif at < len(loaded.ops):
            where = format_op(loaded.ops[at])
        else:
            where = "the end: cursors are closed, txgs synced, ZAPs destroyed"
        click.echo(f"op {at}: {where}\n{outcome.failure.text}")
        raise SystemExit(1)
    click.echo(f"limit: {outcome.limit}" if outcome.limit else f"fine: {outcome.ops} ops")
