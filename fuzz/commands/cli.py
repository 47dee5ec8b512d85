"""The command line. Exit status: 0 as expected, 1 a failure found or a replay that differs, 2 bad usage or
input, with one line that says what is wrong and where."""

from __future__ import annotations

import contextlib
import importlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from fuzz.commands.number import Number
from fuzz.commands.output import program_to
from fuzz.commands.remedies import only_on_model, switch_on, with_remedies
from fuzz.commands.screen import Screen, show_result
from fuzz.corpus.failure_log import Seen
from fuzz.corpus.replay import known_on
from fuzz.corpus.replay import replay as replay_one
from fuzz.corpus.reproducer import FINE, corpus_folders, folders, read_reproducer
from fuzz.engines.campaign import Campaign, EngineProblem, new_seed
from fuzz.engines.config import ENGINES, EXTRAS, Config
from fuzz.engines.seeds import seed_programs
from fuzz.execution.execute import run as run_program
from fuzz.execution.result import Result
from fuzz.faults.remedies import NoRemedy
from fuzz.language.printing import format_op
from fuzz.language.program import Op
from fuzz.language.syntax import SyntaxProblem, load
from fuzz.minimize.minimize import Stats
from fuzz.minimize.reproduce import minimize_failure
from fuzz.targets.base import NoTarget, Target
from fuzz.targets.libzpool.locate import NoLibrary
from fuzz.targets.registry import KINDS, make_target
from zapcore.release import RELEASES

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
if not CORPUS.is_dir():
    CORPUS = Path("corpus")
SEEN = Path(".cache/zapfuzz/seen.json")

F = TypeVar("F", bound=Callable[..., Any])


class Bad(click.ClickException):
    """Bad usage or input."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """One line, without the word Error that click puts in front."""
        click.echo(f"zapfuzz: {self.format_message()}", err=True)


ELSEWHERE = {
    "bench": "fuzz.commands.bench:bench_command",
    "check": "fuzz.commands.check:check",
    "describe": "fuzz.commands.describe:describe",
    "enumerate": "fuzz.commands.enumerate:enumerate_",
    "explore": "fuzz.commands.explore:explore_command",
    "force": "fuzz.commands.force:force_command",
    "import-strace": "fuzz.commands.import_strace:import_strace",
    "import-tree": "fuzz.commands.import_tree:import_tree",
    "import-zdb": "fuzz.commands.import_zdb:import_zdb",
    "merge": "fuzz.corpus.merge:merge",
    "remedies": "fuzz.commands.remedies:remedies",
    "export": "fuzz.commands.export:export",
    "triage": "fuzz.commands.triage:triage",
    "verbs": "fuzz.commands.verbs:verbs",
}
"""Commands that have a file of their own, imported when they are asked for."""


def _lacking(name: str, what: str) -> click.Command:
    """A command that only says what it lacks."""

    def say() -> None:
        raise Bad(f"{name} needs {what}")

    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(name, settings, say, help=f"Needs {what}.")


_HELP = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""What click since 8.2 raises where no command is given, to show the help: not wrong."""


@contextlib.contextmanager
def _usage_in_one_line() -> Iterator[None]:
    """Wrong usage is told as all else that is wrong, without click's three lines before it."""
    try:
        yield
    except click.UsageError as problem:
        if isinstance(problem, _HELP):
            raise
        command = problem.ctx.info_name if problem.ctx is not None and problem.ctx.parent else ""
        raise Bad(f"{command}: {problem.format_message()}" if command else problem.format_message()) from None


class Group(click.Group):
    """Finds the commands of other files, and turns what is wrong with files and targets into one line and
    status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted({*super().list_commands(ctx), *ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name."""
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, _, name = ELSEWHERE[cmd_name].partition(":")
        try:
            command = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as missing:
            if missing.name not in EXTRAS:
                raise
            return _lacking(cmd_name, f"{missing.name}: pip install 'zapfuzz[{EXTRAS[missing.name]}]'")
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what stands before the command."""
        with _usage_in_one_line():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            with _usage_in_one_line():
                return super().invoke(ctx)
        except (SyntaxProblem, NoTarget, NoLibrary, NoRemedy, EngineProblem) as problem:
            raise Bad(str(problem)) from None
        except BrokenPipeError:
            raise  # nobody reads any more: click ends that without a word
        except OSError as problem:
            where = f"{problem.filename}: " if problem.filename else ""
            raise Bad(f"{where}{problem.strerror or problem}") from None


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="zapfuzz", prog_name="zapfuzz")
def main() -> None:
    """Programs of ZAP operations that break OpenZFS: find them, cut them down, keep them."""


def on_target(default: str = "2.3") -> Callable[[F], F]:
    """The options that say what a program runs on."""

    def add(function: F) -> F:
        for option in (
            click.option("--libzpool", metavar="PATH", help="A libzpool, or a folder that has one."),
            click.option("--target", type=click.Choice(list(KINDS)), default="model", show_default=True),
            click.option("--release", metavar="R", default=default, show_default=True, help=_RELEASES),
        ):
            function = option(function)
        return function

    return add


_RELEASES = f"One of {', '.join(RELEASES)}."


@main.command()
@on_target()
@click.option("--engine", type=click.Choice(ENGINES), default="atheris", show_default=True)
@click.option("--time", "seconds", type=Number(0), default=0, help="Seconds; 0 for no bound.")
@click.option("--runs", type=click.IntRange(0), default=0, help="Executions; 0 for no bound.")
@click.option("--seed", type=click.IntRange(0, 0x7FFFFFFF), default=0, help="0 for one of the clock's.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, file_okay=False),
    help="Working corpus to begin with and add to.",
)
@click.option("--seeds", multiple=True, metavar="PATH", help="Programs to start from; files or folders.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=CORPUS / "findings",
    help="For what is new.",
)
@click.option(
    "--known",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=CORPUS,
    help="The folder whose regressions and findings are known; by default the project's corpus.",
)
@click.option("--forms", is_flag=True, help="Look for other ways to known failures too.")
@with_remedies
@click.option("--max-ops", type=click.IntRange(1, 10_000), default=160, show_default=True)
@click.argument("libfuzzer", nargs=-1, type=click.UNPROCESSED)
def fuzz(
    release: str,
    target: str,
    libzpool: str | None,
    engine: str,
    seconds: float,
    runs: int,
    seed: int,
    jobs: int,
    corpus: Path | None,
    seeds: tuple[str, ...],
    out: Path,
    known: Path,
    forms: bool,
    remedy: tuple[str, ...],
    max_ops: int,
    libfuzzer: tuple[str, ...],
) -> None:
    """Look for programs that fail. What is new is minimized and written; what is known is counted.

    Options after -- go to libFuzzer. Status 1 if a failure was found that the corpus does not expect.
    """
    only_on_model(remedy, target)
    if engine == "threads" and target != "model":
        raise Bad(f"--engine threads: expected --target model, whose threads it switches, found {target}")
    runner = make_target(target, release, libzpool, small=True)
    reproducers = [read_reproducer(folder) for folder in corpus_folders(known)]
    expected = known_on(reproducers, target, release, remedy)
    seen = Seen(SEEN)
    for path in seeds:
        if not Path(path).exists():
            raise Bad(f"{path}: expected a program or a folder of programs, found nothing")
    with tempfile.TemporaryDirectory(prefix="zapfuzz-") as scratch:
        working = corpus or Path(scratch)
        working.mkdir(parents=True, exist_ok=True)
        config = Config(
            engine=engine,
            release=release,
            target=target,
            libzpool=libzpool,
            seed=seed or new_seed(),
            runs=runs,
            seconds=seconds,
            started=time.monotonic(),
            corpus=str(working),
            seeds=seeds,
            max_ops=max_ops,
            known=tuple(expected),
            forms=forms,
            remedies=remedy,
            extra=libfuzzer,
        )
        for _ in seed_programs(config):
            pass  # what cannot be read is told here, before any process begins
        screen = Screen(config, jobs)
        campaign = Campaign(config, runner, expected, out, screen, jobs)
        try:
            campaign.run()
        finally:
            seen.add(release, campaign.status.met)
            screen.summary(campaign)
    raise SystemExit(1 if campaign.new or campaign.lost else 0)


@main.command("run")
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


@main.command()
@click.argument("program")
@click.option("--release", metavar="R", default="2.3", show_default=True, help=_RELEASES)
def show(program: str, release: str) -> None:
    """Run a program on the model and show the objects and their dbufs afterwards."""
    from fuzz.targets.model_text import describe

    make_target("model", release)
    click.echo(describe(load(program), release))


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--release", metavar="R", default="all", show_default=True, help="A release, or all.")
def replay(paths: tuple[Path, ...], release: str) -> None:
    """Run reproducers (all of the corpus, or those at or below PATHS) and hold them to what they say."""
    if release.partition("+")[0] not in ("all", *RELEASES) and not release.startswith("libzpool-"):
        raise Bad(f"--release {release}: expected all, one of {', '.join(RELEASES)}, or libzpool-VERSION")
    chosen = list(folders(paths)) if paths else corpus_folders(CORPUS)
    if paths and not chosen:
        raise Bad(f"{paths[0]}: expected a reproducer at or below it, found none")
    ran = differ = 0
    for folder in chosen:
        for replayed in replay_one(read_reproducer(folder), release):
            ran += replayed.got is not None
            if replayed.got is None:
                click.echo(f"not run  {folder.name} on {replayed.release}: not on this machine")
            elif replayed.differs:
                differ += 1
                click.echo(f"DIFFERS  {folder.name} on {replayed.release}")
                click.echo(f"  expected {replayed.expected}\n  got      {replayed.got}")
    click.echo(f"{len(chosen)} reproducers, {ran} runs, {differ} that differ")
    raise SystemExit(1 if differ else 0)


@main.command()
@click.argument("program")
@on_target()
@with_remedies
@click.option("--out", type=click.Path(path_type=Path), help="File for the result; by default it is printed.")
@click.option("--keep-form", is_flag=True, help="Use no verb that the program has not.")
def minimize(
    program: str,
    release: str,
    target: str,
    libzpool: str | None,
    remedy: tuple[str, ...],
    out: Path | None,
    keep_form: bool,
) -> None:
    """Cut a failing program down to the simplest one that still fails in the same way."""
    loaded = load(program)
    switch_on(remedy, target)
    runner: Target = make_target(target, release, libzpool)
    outcome = run_program(loaded, runner)
    if outcome.failure is None:
        raise Bad(f"{program}: expected a program that fails on {release}, found one that ends {FINE}")
    stats = Stats()
    small, _ = minimize_failure(
        loaded.with_ops(loaded.ops[: outcome.ops]), outcome.failure, runner, keep_form=keep_form, stats=stats
    )
    for line in (f"{outcome.failure.signature}", *stats.lines()):
        click.echo(line, err=True)
    program_to(out, small)
