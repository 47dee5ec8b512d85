"""`zapfuzz fetch`: OpenZFS's own code, from the machine's archive of packages into the cache."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import click

from fuzz.commands.shared.ending import Bad
from fuzz.commands.shared.live_display import Far
from fuzz.commands.shared.progress import say, working
from fuzz.targets.kernel.build_module import BuildProblem
from fuzz.targets.kernel.locate import kernel_cache
from fuzz.targets.packages import fetch_headers, fetch_kernel_guest, fetch_libzpool
from fuzz.targets.packages.cache_folder import cache_folder
from fuzz.targets.packages.private_apt import AptProblem


@click.command("fetch")
@click.option(
    "--kernel",
    "guests",
    multiple=True,
    type=click.Choice([each.version for each in fetch_kernel_guest.WANTED]),
    metavar="VERSION",
    help="Instead what a guest with that version's kernel module is made of, and compile it: "
    f"{', '.join(each.version for each in fetch_kernel_guest.WANTED)}.",
)
def fetch(guests: tuple[str, ...]) -> None:
    """Fetch libzpool in each version that reproducers speak of, and its headers, from Debian's archive.

    No root, and nothing is installed: packages are unpacked into the cache. What is there already stays.
    """
    try:
        missing = list(_guests(guests) if guests else _libraries())
    except (AptProblem, BuildProblem) as problem:
        missing = [f"{problem}; {fetch_kernel_guest.HELP if guests else fetch_libzpool.HELP}"]
    except subprocess.CalledProcessError as problem:
        missing = [str(problem)]
    if missing:
        raise Bad("; ".join(missing))


def _guests(versions: tuple[str, ...]) -> Iterator[str]:
    """Make guests; what could not be had."""
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line.partition(": ")[2] or line)
        say(line)

    with working("making the guest", lambda: told[-1] if told else ""):
        yield from fetch_kernel_guest.fetch(kernel_cache(), versions, tell)


def _libraries() -> Iterator[str]:
    """Fetch libraries and headers; what could not be had."""
    click.echo(f"libzpool into {cache_folder()}: some 20 MB if nothing is there yet", err=True)
    doing: list[tuple[str, float]] = []
    with working("fetching libzpool", lambda: Far(*doing[-1]) if doing else ""):
        lines = fetch_libzpool.fetch(cache_folder(), lambda *each: doing.append(each))
    for line in lines:
        click.echo(line)
        if "not fetched" in line:
            yield line
    with working("fetching its headers"):
        for line in fetch_headers.fetch_headers():
            say(line)
