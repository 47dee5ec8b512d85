"""Bring the real libraries into the cache, for `zapfuzz fetch`.

Each OpenZFS version has a folder of its own, `<cache>/<version>/`, with its shared objects and a file
`PACKAGES` that says where they came from. Nothing of the system is changed, and no root is needed: apt runs
privately (`fuzz.targets.packages.private_apt`), and the packages are unpacked, not installed. Folders appear
whole (made beside, then renamed), and one that is there is left alone.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from fuzz.targets.packages.cache_folder import GLIBC
from fuzz.targets.packages.private_apt import AptProblem, PrivateApt, Source, machine_sources

HELP = (
    "needs Debian or Ubuntu's apt; elsewhere install OpenZFS's user-space libraries "
    "(libzpool.so, for instance the package `zfs` or `libzpool`) and give `--libzpool PATH`"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """One OpenZFS version: which Debian suite and which packages at which version hold it, and the release of
    Debian that they are made for."""

    version: str
    suite: str
    packages: tuple[str, ...]
    revision: str
    base: str


WANTED = (
    Wanted(
        "2.1.11",
        "bookworm",
        ("libzpool5linux", "libnvpair3linux", "libuutil3linux", "libzfs4linux"),
        "2.1.11-1+deb12u1",
        "bookworm",
    ),
    Wanted(
        "2.3.2",
        "bookworm-backports",
        ("libzpool6linux", "libnvpair3linux", "libuutil3linux"),
        "2.3.2-2~bpo12+2",
        "bookworm",
    ),
    Wanted(
        "2.4.4",
        "trixie-backports",
        ("libzpool7linux", "libnvpair3linux", "libuutil3linux"),
        "2.4.4-1~bpo13+1",
        "trixie",
    ),
)
"""What the model's releases `2.1`, `2.3` and `2.4` are compared against."""

RUNTIME = {
    "libtirpc.so.3": ("libtirpc3", "libtirpc3t64"),
    "libblkid.so.1": ("libblkid1",),
    "libuuid.so.1": ("libuuid1",),
    "libudev.so.1": ("libudev1",),
    "libz.so.1": ("zlib1g",),
    "libgssapi_krb5.so.2": ("libgssapi-krb5-2",),
    "libkrb5.so.3": ("libkrb5-3",),
    "libk5crypto.so.3": ("libk5crypto3",),
    "libcom_err.so.2": ("libcom-err2",),
    "libkrb5support.so.0": ("libkrb5support0",),
    "libkeyutils.so.1": ("libkeyutils1",),
    "libssl.so.3": ("libssl3", "libssl3t64"),
    "libcrypto.so.3": ("libssl3", "libssl3t64"),
}
"""Shared objects that nearly every machine has, and the package that brings each where one has not."""


def _upstream(version: str) -> str:
    """OpenZFS's own version in a Debian one: 2.3.2 in 2.3.2-2~bpo12+2."""
    match = re.match(r"(?:\d+:)?(\d+(?:\.\d+)+)", version)
    return match[1] if match else version


def private_sources(machine: list[Source]) -> list[Source]:
    """The machine's own archive, with the components that hold OpenZFS and the suites named in WANTED."""
    main = [x for x in machine if "main" in x.components and "security" not in x.uri + x.suite]
    if not main:
        raise AptProblem("no archive with a component `main` in this machine's apt sources")
    extra = ("contrib",) if "universe" not in main[0].components else main[0].components
    wide = {x.suite: dataclasses.replace(x, components=("main", *extra)) for x in reversed(main)}
    if "contrib" in extra:
        for suite in [x.suite for x in WANTED] + [x.base for x in WANTED]:
            wide.setdefault(suite, dataclasses.replace(main[0], suite=suite, components=("main", "contrib")))
    return list(wide.values())


def _flatten(unpacked: Path, folder: Path) -> None:
    """Every shared object of an unpacked tree, real files and links by name alike, into one folder; but for
    the C library's hundreds of character sets."""
    for found in sorted(unpacked.rglob("*.so*")):
        if found.is_file() and found.parent.name != "gconv":
            shutil.copy2(found, folder / found.name, follow_symlinks=True)


def _linked(folder: Path) -> str:
    """What the system's loader says of the folder's libraries."""
    environment = os.environ | {"LD_LIBRARY_PATH": str(folder)}
    commands = [["ldd", str(library)] for library in folder.glob("libzpool.so*")]
    done = [
        subprocess.run(each, env=environment, capture_output=True, text=True, check=False)
        for each in commands
    ]
    return "".join(each.stdout + each.stderr for each in done)


def missing_objects(folder: Path) -> list[str]:
    """Shared objects that the folder's libraries need and that neither it nor the system has."""
    return sorted(set(re.findall(r"(\S+) => not found", _linked(folder))))


def _complete(apt: PrivateApt, folder: Path, scratch: Path, base: str) -> None:
    """Fetch what the libraries need and the system lacks, from the release of Debian that they are made for:
    also a C library and its loader, if theirs is newer (in a folder of its own, for who starts them)."""
    tried: set[str] = set()
    while new := set(missing_objects(folder)) - tried:  # what is fetched may need more
        tried |= new
        for package in (package for name in sorted(new) for package in RUNTIME.get(name, ())):
            if versions := apt.versions(package, base) or apt.versions(package):
                apt.unpack(package, versions[0], scratch)
        _flatten(scratch, folder)
    if "version `GLIBC" in _linked(folder) and (versions := apt.versions("libc6", base)):
        unpacked = scratch / "libc6"
        unpacked.mkdir()
        apt.unpack("libc6", versions[0], unpacked)
        (folder / GLIBC).mkdir()
        _flatten(unpacked, folder / GLIBC)
    if still := missing_objects(folder):
        raise AptProblem(f"{folder.name} needs {', '.join(still)}: install what brings it")


def _bring(apt: PrivateApt, packages: tuple[tuple[str, str], ...], cache: Path, name: str, base: str) -> None:
    """Make `<cache>/<name>` from the given packages, whole or not at all."""
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=cache) as temporary:
        unpacked, folder = Path(temporary, "tree"), Path(temporary, name)
        unpacked.mkdir()
        folder.mkdir()
        for package, version in packages:
            apt.unpack(package, version, unpacked)
        _flatten(unpacked, folder)
        _complete(apt, folder, unpacked, base)
        (folder / "PACKAGES").write_text("".join(f"{package} {version}\n" for package, version in packages))
        if (cache / name).exists():
            shutil.rmtree(cache / name)
        folder.rename(cache / name)


def _plan(apt: PrivateApt, wanted: Wanted) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The version's name and (package, version) pairs: the pinned revision, else another revision of the
    same OpenZFS version, else whatever newer version of the library the archive has."""
    library = wanted.packages[0]
    there = apt.versions(library)
    if not there:
        raise AptProblem(f"{library} is in none of this machine's archives")
    same = [version for version in there if _upstream(version) == wanted.version]
    chosen = wanted.revision if wanted.revision in there else (same or there)[0]
    pairs = [(package, chosen) for package in wanted.packages if chosen in apt.versions(package)]
    return _upstream(chosen), tuple(pairs)


def present(cache: Path, version: str) -> bool:
    """Whether a version's folder is there and whole."""
    return (cache / version / "PACKAGES").is_file() and any((cache / version).glob("libzpool.so*"))


def _nobody_listens(what: str, part: float) -> None:
    """Whoever does not say is not told."""


def fetch(cache: Path, doing: Callable[[str, float], None] = _nobody_listens) -> list[str]:
    """Bring every wanted version that is not there yet; returns lines that say what is where. `doing` is told
    what is done next, and which part of all is done.

    Raises AptProblem if not a single one is there in the end.
    """
    cache.mkdir(parents=True, exist_ok=True)
    lines = [f"{x.version}: {cache / x.version} (there already)" for x in WANTED if present(cache, x.version)]
    todo = [x for x in WANTED if not present(cache, x.version)]
    if not todo:
        return lines
    sources = private_sources(machine_sources())
    with tempfile.TemporaryDirectory(prefix="zapfuzz-apt-") as scratch:
        apt = PrivateApt(Path(scratch), sources)
        doing("the archive's lists", 0)
        apt.update()
        for number, wanted in enumerate(todo, 1):
            doing(wanted.version, number / (len(todo) + 1))
            try:
                name, packages = _plan(apt, wanted)
                if not present(cache, name):
                    _bring(apt, packages, cache, name, wanted.base)
            except AptProblem as problem:
                lines.append(f"{wanted.version}: not fetched: {problem}")
                continue
            other = "" if name == wanted.version else f" ({wanted.version} is not in the archive)"
            lines.append(f"{name}: {cache / name}{other}")
    if not any(present(cache, x.name) for x in cache.iterdir()):
        raise AptProblem("; ".join(lines))
    return lines
