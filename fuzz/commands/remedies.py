"""Remedies on the command line: the option `--remedy NAME`, and `zapfuzz remedies`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from textwrap import fill
from typing import Any, TypeVar

import click

from fuzz.faults.remedies import REMEDIES, NoRemedy, switched_on

F = TypeVar("F", bound=Callable[..., Any])


def _known_names(ctx: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Each name once. Raises NoRemedy."""
    for name in names:
        if name not in REMEDIES:
            raise NoRemedy(f"--remedy {name}: expected one of {', '.join(REMEDIES)}")
    return tuple(sorted(set(names)))


def with_remedies(function: F) -> F:
    """The option `--remedy`, as the parameter `remedy`: names that exist, sorted, each once."""
    option = click.option(
        "--remedy",
        metavar="NAME",
        multiple=True,
        callback=_known_names,
        help="Correct a known bug in the model, to see behind it; `zapfuzz remedies` lists them.",
    )
    return option(function)


def only_on_model(names: Sequence[str], target: str) -> None:
    """Raises NoRemedy for remedies on anything but the model: a real library cannot be corrected, but for
    assertions that it can pass over."""
    for name in names if target != "model" else ():
        if REMEDIES[name].waives and target in ("libzpool", "both"):
            continue
        raise NoRemedy(
            f"--remedy {name} with --target {target}: expected --target model, "
            "a remedy corrects the model and the real library stays as it is"
        )


def switch_on(names: Sequence[str], target: str = "model") -> None:
    """Switch remedies on until the command ends. Raises NoRemedy."""
    only_on_model(names, target)
    click.get_current_context().with_resource(switched_on(names))


@click.command()
@click.option("--json", "machine", is_flag=True, help="One JSON object for each remedy, one a line.")
def remedies(machine: bool) -> None:
    """List the remedies: what is wrong in OpenZFS, and what one would propose there."""
    for remedy in REMEDIES.values():
        if machine:
            row = {"name": remedy.name, "finding": remedy.finding, "wrong": remedy.reason, "fix": remedy.fix}
            click.echo(json.dumps(row))
            continue
        click.echo(f"{remedy.name}  (corpus/findings/{remedy.finding})")
        for label, text in (("wrong", remedy.reason), ("fix", remedy.fix)):
            click.echo(fill(f"{label}: {text}", 100, initial_indent="  ", subsequent_indent="    "))
