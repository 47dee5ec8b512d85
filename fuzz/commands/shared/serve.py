"""The option `--serve`: a live page while a command goes on."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from fuzz.commands.shared.ending import Bad
from fuzz.corpus.extras import lacking

if TYPE_CHECKING:
    from fuzz.export.pages.live_sources import Source


def _can_serve(context: click.Context, parameter: click.Parameter, port: int | None) -> int | None:
    """What a server needs is looked for before anything is run. Raises Bad."""
    if port is not None:
        try:
            importlib.import_module("fuzz.export.pages.live")
        except ModuleNotFoundError as missing:
            raise Bad(f"--serve needs {lacking(missing)}") from None
    return port


serve_option = click.option(
    "--serve",
    callback=_can_serve,
    type=click.IntRange(0, 65535),
    is_flag=False,
    flag_value=0,
    metavar="[PORT]",
    help="A live page on 127.0.0.1, at any free port or at this one.",
)


@contextlib.contextmanager
def live_page(port: int | None, source: Callable[[], Source], tell: Callable[[str], None]) -> Iterator[None]:
    """A live page of a source while this lasts, if one is wanted; `tell` is told where. Raises Bad."""
    if port is None:
        yield
        return
    from fuzz.export.pages.live import served

    shown = source()
    with contextlib.ExitStack() as stack:
        try:
            address = stack.enter_context(served(shown, port))
        except OSError as problem:
            raise Bad(f"--serve {port}: expected a port that is free, found {problem.strerror}") from None
        tell(f"live page: {address}")
        yield
