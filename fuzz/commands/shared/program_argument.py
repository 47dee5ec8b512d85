"""PROGRAM on a command line, which means the same to every command, and the names of releases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from fuzz.commands.shared.live_display import Far
from fuzz.commands.shared.progress import ops_run, working
from fuzz.corpus.named_program import Named, find, known_names, open_named
from fuzz.corpus.reproducer import Reproducer
from fuzz.targets.registry import LIBRARIES
from zapcore.release import RELEASES, named_release

PROGRAM_IS = (
    "PROGRAM is a file, a reproducer's folder, the name of one in the corpus, or - for standard input."
)
RELEASES_HELP = f"One of {', '.join(RELEASES)}, or a version such as 2.3.2 or 2.2."

F = TypeVar("F", bound=Callable[..., Any])


class ProgramWord(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.3
    """A word that means a program (`fuzz.corpus.named_program`)."""

    name = "program"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Named:
        """The program. Raises SyntaxProblem, OSError."""
        if isinstance(value, Named):
            return value
        with working(f"reading {value}"):
            return open_named(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names of the corpus, and files."""
        return [*_names_beginning(incomplete), CompletionItem(incomplete, type="file")]


class PlaceWord(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.3
    """A word that means a program's file or a folder of some."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The path. Raises SyntaxProblem."""
        return str(find(str(value)))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names of the corpus, and files."""
        return [*_names_beginning(incomplete), CompletionItem(incomplete, type="file")]


def _names_beginning(incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in known_names() if name.startswith(incomplete)]


class ReleaseName(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.3
    """A release by any of its names: one of the model's, or a version of OpenZFS. `more` are words that mean
    something else and are taken as they are. Where `model`, a version that is as one of the model's releases
    becomes that; elsewhere it stays, since a library is asked for by its version."""

    name = "release"

    def __init__(self, *more: str, model: bool = False) -> None:
        self.more, self.model = more, model

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name. Raises click.BadParameter."""
        if value in self.more:
            return str(value)
        name = str(value).removeprefix("zfs-").removeprefix("v")
        release = named_release(name)
        if release is None:
            expected = ", ".join([*self.more, *RELEASES])
            self.fail(f"{value}: expected one of {expected}, or a version such as 2.3.2 or 2.2", param, ctx)
        return release.name if self.model else name

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names of releases."""
        return [CompletionItem(name) for name in (*self.more, *RELEASES) if name.startswith(incomplete)]


def reproducer_of(program: Named) -> Reproducer:
    """The reproducer that a program is of, or one that says what each release does on it now."""
    asked: list[str] = []
    total, ops = len(RELEASES) + len(LIBRARIES), ops_run()

    def how_far() -> Far:
        return Far(f"{asked[-1]}, {ops().text}", (len(asked) - 1) / total) if asked else Far()

    with working("asking each release", how_far):
        return program.reproducer(asked.append)


def program_argument(function: F) -> F:
    """The argument PROGRAM, and a line of help that says what it may be."""
    function.__doc__ = f"{(function.__doc__ or '').rstrip()}\n\n    {PROGRAM_IS}\n    "
    return click.argument("program", metavar="PROGRAM", type=ProgramWord())(function)


def release_option(
    default: str | tuple[str, ...] | None = "2.3", *, name: str = "release", model: bool = False, **more: Any
) -> Callable[[F], F]:
    """The option that names a release."""
    settings: dict[str, Any] = {
        "show_default": default is not None,
        "metavar": "R",
        "help": RELEASES_HELP,
    } | more
    return click.option("--release", name, type=ReleaseName(model=model), default=default, **settings)
