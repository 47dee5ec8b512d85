"""What several commands share: the options that say what a program runs on, where the corpus is, and how
bad usage is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from fuzz.commands.shared.program_argument import release_option
from fuzz.targets.registry import KINDS

SEEN = "seen.json"
"""In the user's folder (`fuzz.corpus.places.home`), what this machine ever met."""

F = TypeVar("F", bound=Callable[..., Any])


class Bad(click.ClickException):
    """Bad usage or input."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """One line, without the word Error that click puts in front."""
        click.echo(f"zapfuzz: {self.format_message()}", err=True)


def on_target(default: str = "2.3") -> Callable[[F], F]:
    """The options that say what a program runs on."""

    def add(function: F) -> F:
        for option in (
            click.option(
                "--libzpool",
                "--kernel-module",
                "libzpool",
                metavar="PATH",
                help="A libzpool, or a folder that has one; of a kernel spl.ko and zfs.ko, or a built tree.",
            ),
            click.option(
                "--against",
                metavar="PATH",
                help="Another libzpool to hold --libzpool against (--target builds).",
            ),
            click.option("--valgrind", is_flag=True, help="Have memcheck watch the library."),
            click.option("--target", type=click.Choice(list(KINDS)), default="model", show_default=True),
            release_option(default),
        ):
            function = option(function)
        return function

    return add
