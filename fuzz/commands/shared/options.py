"""What several commands share: the options that say what a program runs on, and where the corpus is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fuzz.commands.shared.program_argument import release_option
from fuzz.corpus.places import CORPUS, own_findings
from fuzz.targets.registry import KINDS

SEEN = "seen.json"
"""In the user's folder (`fuzz.corpus.places.home`), what this machine ever met."""

known_option = click.option(
    "--known",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=CORPUS,
    help="The folder whose regressions and findings are known; by default the project's corpus.",
)

F = TypeVar("F", bound=Callable[..., Any])


def findings_option(help_: str) -> Callable[[F], F]:
    """The option `--out` or `-o` of what keeps findings: by default where every other command looks for
    them."""
    return click.option(
        "--out",
        "-o",
        "out",
        type=click.Path(path_type=Path, file_okay=False),
        default=own_findings,
        show_default="findings in ZAPFUZZ_HOME, or in the user's data folder",
        help=help_,
    )


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
