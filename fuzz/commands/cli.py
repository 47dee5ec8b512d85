"""The command line. The exit statuses are those of `fuzz.commands.shared.ending.Status`."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from fuzz.commands.shared.ending import Bad, drop_what_cannot_be_written, nobody_reads, signals_end_it
from fuzz.corpus.extras import lacking
from fuzz.language.problem import Problem

SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "You have a kernel log with a panic": {
        "triage": (
            "fuzz.commands.triage:triage",
            "Find ZFS failures in a log, and say what is known of each.",
        ),
    },
    "You have a directory that makes `ls` hang": {
        "check": ("fuzz.commands.check:check", "Judge a directory's blocks, and save what is whole."),
    },
    "You have a bug to report": {
        "run": ("fuzz.commands.run:run_command", "Run a program once, and say if it fails."),
        "minimize": ("fuzz.commands.minimize:minimize", "Cut a failing program down to the shortest."),
        "describe": ("fuzz.commands.describe:describe", "Write the report of a bug, in Markdown."),
        "export": (
            "fuzz.commands.export:export",
            "Write one file that shows a bug: C, Python, pytest, shell.",
        ),
        "page": ("fuzz.commands.pages.page:page", "Write a page that steps through a program in a browser."),
        "show": ("fuzz.commands.show:show", "Show the objects and dbufs that a program leaves."),
        "reach": ("fuzz.commands.reach:reach_command", "Look for a way of a plain user to the same failure."),
    },
    "You have changed OpenZFS": {
        "try": ("fuzz.commands.trial.try_build:try_command", "Find out whether a build of OpenZFS is right."),
        "coverage": ("fuzz.commands.coverage:coverage", "Say which lines of a build's C programs reach."),
    },
    "You look for bugs": {
        "fuzz": ("fuzz.commands.fuzz:fuzz", "Look for programs that fail."),
        "campaign": (
            "fuzz.commands.campaign:campaign",
            "Fuzz with many workers, over a corpus that outlives them.",
        ),
        "report": ("fuzz.commands.pages.report:report", "Write a page of what runs or campaigns came to."),
        "merge": ("fuzz.commands.merge:merge", "Make a corpus as small as it can be."),
        "enumerate": ("fuzz.commands.enumerate:enumerate_", "Run every program of up to so many operations."),
        "explore": (
            "fuzz.commands.threads.explore:explore_command",
            "Try every schedule of a program's threads.",
        ),
        "force": (
            "fuzz.commands.threads.force:force_command",
            "Force a schedule, by real threads on OpenZFS's own code.",
        ),
        "soak": (
            "fuzz.commands.threads.soak:soak_command",
            "Force random threads: OpenZFS's own code against the model.",
        ),
        "replay": ("fuzz.commands.replay:replay", "Run all that was found again: does it still do the same?"),
        "remedies": ("fuzz.commands.remedies:remedies", "List known faults that the model can have mended."),
    },
    "You have what somebody did": {
        "import-strace": (
            "fuzz.commands.imports.strace:import_strace",
            "Make a program of a log of strace or truss.",
        ),
        "import-tree": ("fuzz.commands.imports.tree:import_tree", "Make a program of a directory tree."),
        "import-zdb": ("fuzz.commands.imports.zdb:import_zdb", "Make a program of the names that zdb lists."),
    },
    "What is here": {
        "list": (
            "fuzz.commands.lists.programs:list_command",
            "List what has a name: findings, regressions, seeds.",
        ),
        "verbs": ("fuzz.commands.lists.verbs:verbs", "List the operations that a program may have."),
        "site": ("fuzz.commands.pages.site:site", "Write all findings as a static site."),
        "doctor": (
            "fuzz.commands.setup.doctor:doctor",
            "Say what is here, what is missing, and how to get it.",
        ),
        "fetch": ("fuzz.commands.setup.fetch:fetch", "Fetch OpenZFS's own code, from Debian's packages."),
        "completion": (
            "fuzz.commands.setup.completion:completion",
            "Print what the shell reads for the Tab key.",
        ),
        "schema": (
            "fuzz.commands.shared.machine_answer:schema_command",
            "Print the JSON Schema of what --json prints.",
        ),
        "bench": ("fuzz.commands.bench:bench_command", "Measure everything: hours."),
    },
}
"""Every command by who needs it, in README's order: its file and function, imported when it is asked for, and
what it does in a line."""
COMMANDS = {name: place for commands in SECTIONS.values() for name, (place, _) in commands.items()}


def _lacking(name: str, module: str, what: str) -> click.Command:
    """A command that only says what it lacks. What it would do, the first line of its file says, which cannot
    be imported here."""
    import ast  # here: nearly no command needs it

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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What there is, by who needs it. Nothing is imported for that."""
        width = max(map(len, COMMANDS))
        for heading, commands in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), does) for name, (_, does) in commands.items()])

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
        except Problem as problem:
            raise Bad(str(problem)) from None
        except BrokenPipeError:
            nobody_reads()
        except OSError as problem:
            where = f"{problem.filename}: " if problem.filename else ""
            raise Bad(f"{where}{problem.strerror or problem}") from None


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="zapfuzz", prog_name="zapfuzz")
def main() -> None:
    """Find operations on OpenZFS's directories (ZAPs) that break them, and say what is known of each.

    `zapfuzz COMMAND --help` says more of one. PROGRAM is a file, a reproducer's folder, a name that
    `zapfuzz list` knows, or -, standard input.
    """
