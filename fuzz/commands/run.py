"""`zapfuzz run`: one program once, judged."""

from __future__ import annotations

from collections.abc import Iterator

import click

from fuzz.commands.remedies import switch_on, with_remedies
from fuzz.commands.shared.ending import Bad, Status
from fuzz.commands.shared.machine_answer import Answer, json_option
from fuzz.commands.shared.options import on_target
from fuzz.commands.shared.program_argument import program_argument
from fuzz.commands.shared.progress import ops_done, working
from fuzz.corpus.named_program import Named
from fuzz.execution.answer_in_words import answer_in_words
from fuzz.execution.execute import run as run_program
from fuzz.execution.result import Outcome, Result
from fuzz.language.printing import format_op
from fuzz.language.program import Op, Program
from fuzz.targets.base import Target
from fuzz.targets.registry import KERNEL_KINDS, make_target


@click.command("run")
@program_argument
@on_target()
@with_remedies
@click.option("--trace", is_flag=True, help="Each op and what it returned.")
@json_option
@click.option("--aftermath", is_flag=True, help="After a failure of a kernel: boot again, say what is left.")
def run_command(
    program: Named,
    release: str,
    target: str,
    libzpool: str | None,
    against: str | None,
    valgrind: bool,
    remedy: tuple[str, ...],
    trace: bool,
    machine: bool,
    aftermath: bool,
) -> None:
    """Run a program once, judged. Exit status: 0 if nothing is wrong, 1 if something is, 3 if an op asked for
    more time or memory than its bounds allow."""
    loaded = program.program
    switch_on(remedy, target)
    if aftermath and target not in KERNEL_KINDS:
        raise Bad(f"--aftermath: expected --target {' or '.join(KERNEL_KINDS)}, found {target}")
    runner = make_target(target, release, libzpool, against=against, valgrind=valgrind)

    answer = Answer("run", machine, release=release, target=target)
    traced: list[dict[str, str]] = []

    def echo(index: int, op: Op, result: Result) -> None:
        words = format_op(op), answer_in_words(op, result)
        traced.append({"op": words[0], "answer": words[1]})
        answer.say(f"{index:5}  {words[0]:50}  {words[1]}")

    how_far = ops_done(len(loaded.ops))
    ended: list[Outcome] = []
    answer.details = lambda: _details(ended, traced)
    with answer.given():
        with working(f"running {program.word}", how_far):
            outcome = run_program(loaded, runner, trace=echo if trace else None)
        ended.append(outcome)
        if outcome.failure is not None:
            at = outcome.failure.op
            answer.say(f"op {at}: {_op_in_words(loaded, at)}\n{outcome.failure.text}")
            answer.failed(outcome.failure.signature, text=outcome.failure.text, program=loaded)
            answer.status = Status.FOUND
            for line in _aftermath(runner, loaded) if aftermath else ():
                answer.say(line)
        elif outcome.limit is not None:
            answer.say(f"limit: {outcome.limit}")
            answer.status = Status.LIMIT
            if not any(op.thread for op in loaded.ops):  # with threads the text has it
                if not outcome.ops:  # a target that runs a whole program at once does not say where it was
                    with working(f"running {program.word} op by op", how_far):
                        outcome = run_program(loaded, runner, trace=lambda *_: None)
                    ended[:] = [outcome]
                at = outcome.ops - 1
                answer.say(f"in op {at}: {_op_in_words(loaded, at)}")
        else:
            answer.say(f"fine: {outcome.ops} ops")


def _details(ended: list[Outcome], traced: list[dict[str, str]]) -> dict[str, object]:
    if not ended:
        return {"ops": len(traced), "op": None, "limit": None, "trace": traced}
    outcome = ended[0]
    at = outcome.failure.op if outcome.failure else outcome.ops - 1 if outcome.limit else None
    return {"ops": outcome.ops, "op": at, "limit": outcome.limit, "trace": traced}


def _op_in_words(program: Program, at: int) -> str:
    if at < 0:
        return "creating the ZAPs"
    if at < len(program.ops):
        return format_op(program.ops[at])
    return "the end: cursors are closed, txgs synced, ZAPs destroyed"


def _aftermath(runner: Target, program: Program) -> Iterator[str]:
    from fuzz.targets.kernel.aftermath import left_after
    from fuzz.targets.kernel.target import KernelTarget

    assert isinstance(runner, KernelTarget)
    return left_after(runner, program)
