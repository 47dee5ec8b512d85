"""The command line. The exit statuses are those of `fuzz.commands.shared.ending.Status`."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from fuzz.commands.shared.ending import drop_what_cannot_be_written, nobody_reads, signals_end_it
from fuzz.commands.shared.options import Bad
from fuzz.corpus.extras import lacking
from fuzz.engines.fuzzing_run import EngineProblem
from fuzz.faults.remedies import NoRemedy
from fuzz.language.syntax import SyntaxProblem
from fuzz.targets.base import NoTarget
from fuzz.targets.libzpool.locate import NoLibrary

COMMANDS = {
    "fuzz": "fuzz.commands.fuzz:fuzz",
    "campaign": "fuzz.commands.campaign:campaign",
    "run": "fuzz.commands.run:run_command",
    "show": "fuzz.commands.show:show",
    "replay": "fuzz.commands.replay:replay",
    "minimize": "fuzz.commands.minimize:minimize",
    "bench": "fuzz.commands.bench:bench_command",
    "check": "fuzz.commands.check:check",
    "completion": "fuzz.commands.setup.completion:completion",
    "coverage": "fuzz.commands.coverage:coverage",
    "describe": "fuzz.commands.describe:describe",
    "doctor": "fuzz.commands.setup.doctor:doctor",
    "enumerate": "fuzz.commands.enumerate:enumerate_",
    "explore": "fuzz.commands.threads.explore:explore_command",
    "fetch": "fuzz.commands.setup.fetch:fetch",
    "force": "fuzz.commands.threads.force:force_command",
    "import-strace": "fuzz.commands.imports.strace:import_strace",
    "import-tree": "fuzz.commands.imports.tree:import_tree",
    "import-zdb": "fuzz.commands.imports.zdb:import_zdb",
    "list": "fuzz.commands.lists.programs:list_command",
    "page": "fuzz.commands.pages.page:page",
    "report": "fuzz.commands.pages.report:report",
    "site": "fuzz.commands.pages.site:site",
    "merge": "fuzz.commands.merge:merge",
    "remedies": "fuzz.commands.remedies:remedies",
    "export": "fuzz.commands.export:export",
    "reach": "fuzz.commands.reach:reach_command",
    "schema": "fuzz.commands.shared.machine_answer:schema_command",
    "soak": "fuzz.commands.threads.soak:soak_command",
    "triage": "fuzz.commands.triage:triage",
    "try": "fuzz.commands.trial.command:try_command",
    "verbs": "fuzz.commands.lists.verbs:verbs",
}
"""Every command: the file and the function, imported when it is asked for."""


def _lacking(name: str, module: str, what: str) -> click.Command:
    """A command that only says what it lacks. What it would do, the first line of its file says, which cannot
    be imported here."""
    spec = importlib.util.find_spec(module)
    source = Path(spec.origin).read_text("utf-8") if spec is not None and spec.origin else '""'
    does = (
        (ast.get_docstring(ast.parse(source)) or "").partition(": ")[2].partition(";")[0].partition(". ")[0]
    )
    does = f"{does[:1].upper()}{does[1:].rstrip('.')}. " if does else ""

    def say() -> None:
        raise Bad(f"{name} needs {what}")

    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(name, settings, say, help=f"{does}Needs {what}.")


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
        said = " ".join(problem.format_message().split())
        raise Bad(f"{command}: {said}" if command else said) from None


class Group(click.Group):
    """Finds the commands of other files, and turns what is wrong with files and targets into one line and
    status 2."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a process of its own, which signals end. Whoever calls `main` instead has his own."""
        with signals_end_it():
            try:
                return super().__call__(*args, **kwargs)
            finally:
                drop_what_cannot_be_written()

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = COMMANDS[cmd_name].partition(":")
        try:
            command = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as missing:
            return _lacking(cmd_name, module, lacking(missing))
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
            nobody_reads()
        except OSError as problem:
            where = f"{problem.filename}: " if problem.filename else ""
            raise Bad(f"{where}{problem.strerror or problem}") from None


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="zapfuzz", prog_name="zapfuzz")
def main() -> None:
    """Programs of ZAP operations that break OpenZFS: find them, cut them down, keep them."""
