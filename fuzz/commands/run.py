"""`zapfuzz run`: one program once, judged."""

from __future__ import annotations

from collections.abc import Iterator

import click

from fuzz.commands.remedies import switch_on, with_remedies
from fuzz.commands.shared.answer_in_words import answer_in_words
from fuzz.commands.shared.ending import Status
from fuzz.commands.shared.options import Bad, on_target
from fuzz.commands.shared.program_argument import program_argument
from fuzz.commands.shared.progress import ops_done, say, working
from fuzz.corpus.named_program import Named
from fuzz.execution.execute import run as run_program
from fuzz.execution.result import Result
from fuzz.language.printing import format_op
from fuzz.language.program import Op, Program
from fuzz.targets.base import Target
from fuzz.targets.registry import KERNEL_KINDS, make_target


@click.command("run")
@program_argument
@on_target()
@with_remedies
@click.option("--trace", is_flag=True, help="Each op and what it returned.")
@click.option("--aftermath", is_flag=True, help="After a failure of a kernel: boot again, say what is left.")
def run_command(
    program: Named,
    release: str,
    target: str,
    libzpool: str | None,
    remedy: tuple[str, ...],
    trace: bool,
    aftermath: bool,
) -> None:
    """Run a program once, judged. Exit status: 0 if nothing is wrong, 1 if something is, 3 if an op asked for
    more time or memory than its bounds allow."""
    loaded = program.program
    switch_on(remedy, target)
    if aftermath and target not in KERNEL_KINDS:
        raise Bad(f"--aftermath: expected --target {' or '.join(KERNEL_KINDS)}, found {target}")
    runner = make_target(target, release, libzpool)

    def echo(index: int, op: Op, result: Result) -> None:
        say(f"{index:5}  {format_op(op):50}  {answer_in_words(op, result)}")

    with working(f"running {program.word}", ops_done(len(loaded.ops))):
        outcome = run_program(loaded, runner, trace=echo if trace else None)
    if outcome.failure is not None:
        at = outcome.failure.op
        click.echo(f"op {at}: {_op_in_words(loaded, at)}\n{outcome.failure.text}")
        for line in _aftermath(runner) if aftermath else ():
            click.echo(line)
        Status.FOUND.end()
    if outcome.limit is not None:
        click.echo(f"limit: {outcome.limit}")
        if not any(op.thread for op in loaded.ops):  # with threads the text has it
            if not outcome.ops:  # a target that runs a whole program at once does not say where it was
                with working(f"running {program.word} op by op", ops_done(len(loaded.ops))):
                    outcome = run_program(loaded, runner, trace=lambda *_: None)
            at = outcome.ops - 1
            click.echo(f"in op {at}: {_op_in_words(loaded, at)}")
        Status.LIMIT.end()
    click.echo(f"fine: {outcome.ops} ops")


def _op_in_words(program: Program, at: int) -> str:
    if at < 0:
        return "creating the ZAPs"
    if at < len(program.ops):
        return format_op(program.ops[at])
    return "the end: cursors are closed, txgs synced, ZAPs destroyed"


def _aftermath(runner: Target) -> Iterator[str]:
    from fuzz.targets.kernel.target import KernelTarget

    assert isinstance(runner, KernelTarget)
    return runner.aftermath()
