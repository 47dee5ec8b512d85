"""Options that would do nothing are refused: who gave one believes that it did something."""

from __future__ import annotations

import click
from click.core import ParameterSource

from fuzz.commands.shared.ending import Bad


def refuse(name: str, why: str, *, where: bool) -> None:
    """Raises Bad if a parameter was given on the command line, by its name in Python, where it does nothing;
    `why` goes on after the option's own name."""
    context = click.get_current_context()
    if not where or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
        return
    option = next(each for each in context.command.params if each.name == name).opts[0]
    raise Bad(f"{option}: {why}")
