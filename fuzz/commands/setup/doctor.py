"""`zapfuzz doctor`: what is here, what is missing, and how to get it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from fuzz.corpus.extras import EXTRAS, how_to_get
from fuzz.corpus.places import CORPUS, home
from fuzz.corpus.reproducer import corpus_folders
from fuzz.targets.kernel.locate import kernel_cache
from fuzz.targets.libzpool.locate import NoLibrary, find_library
from fuzz.targets.packages import fetch_kernel_guest, fetch_libzpool
from fuzz.targets.packages.cache_folder import cache_folder
from fuzz.targets.packages.compile_once import COMPILERS
from fuzz.targets.packages.fetch_headers import headers_of


class Check(NamedTuple):
    """Something that may be here: what, whether it is, where or in which version, what needs it and how to
    get it where it is not."""

    what: str
    here: bool
    detail: str
    needed_for: str = ""
    get: str = ""


def checks() -> Iterator[Check]:
    """Everything that is looked for."""
    version = importlib.metadata.version("zapfuzz")
    yield Check(
        "zapfuzz", True, f"{version}, Python {platform.python_version()}, {os.cpu_count()} processors"
    )
    yield Check("corpus", True, f"{len(corpus_folders(CORPUS))} reproducers in {CORPUS}")
    for folder, needed_for, variable in (
        (home(), "keeping what is found", "ZAPFUZZ_HOME"),
        (cache_folder(), "libraries", "ZAPFUZZ_CACHE"),
    ):
        get = f"make it writable, or set {variable}"
        yield Check(f"folder {folder}", _writable(folder), "", needed_for, get)
    for name, extra in EXTRAS.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = ""
        yield Check(name, bool(found), found, extra.needed_for, how_to_get(name))
    yield from _libraries()
    compiler = next((path for name in COMPILERS if (path := shutil.which(name))), "")
    needed_for = "`force`, and the C form of `export`"
    yield Check("a C compiler", bool(compiler), compiler, needed_for, "apt-get install gcc libc6-dev")
    apt = shutil.which("apt-get") or ""
    yield Check("apt-get", bool(apt), apt, "`zapfuzz fetch`", "give libraries by --libzpool PATH instead")
    for wanted in fetch_kernel_guest.WANTED:
        folder = kernel_cache() / wanted.version
        here = fetch_kernel_guest.present(kernel_cache(), wanted.version)
        get = f"zapfuzz fetch --kernel {wanted.version}"
        yield Check(f"kernel guest {wanted.version}", here, str(folder), "`--target kernel`", get)


def _libraries() -> Iterator[Check]:
    for wanted in fetch_libzpool.WANTED:
        needed_for = "`--target libzpool` and `both`, `force`, `check --pool`"
        try:
            library = find_library(wanted.version)
        except NoLibrary:
            yield Check(f"libzpool {wanted.version}", False, "", needed_for, "zapfuzz fetch")
            continue
        headers = "" if headers_of(library) else ", no headers (zapfuzz fetch brings them)"
        yield Check(f"libzpool {wanted.version}", True, f"{library}{headers}", needed_for)


def _writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or it can be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


@click.command("doctor")
@click.option("--json", "machine", is_flag=True, help="One JSON object for each thing, one a line.")
def doctor(machine: bool) -> None:
    """Say what is here, what is missing, and how to get it.

    Nothing that is missing keeps the rest from working: what needs it is said. Exit status: 0.
    """
    missing = 0
    for check in checks():
        missing += not check.here
        if machine:
            click.echo(json.dumps(check._asdict()))
        elif check.here:
            click.echo(f"  here     {check.what}{': ' if check.detail else ''}{check.detail}")
        else:
            click.echo(f"  missing  {check.what}: for {check.needed_for}. To get it: {check.get}")
    if not machine:
        click.echo("all is here" if not missing else f"{missing} missing; the rest works without")
