"""libzpool's headers, for compiling the C form: those of the fetched libraries, into
`<cache>/headers/<version>/`, from the machine's own archive, without changing the system."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from fuzz.targets.packages.cache_folder import cache_folder
from fuzz.targets.packages.fetch_libzpool import private_sources
from fuzz.targets.packages.private_apt import PrivateApt, machine_sources

PACKAGE = "libzfslinux-dev"


def headers_of(library: Path) -> Path | None:
    """The folder with libzfs/ and libspl/ that fits a fetched library; None where it is not there."""
    folder = cache_folder() / "headers" / library.parent.name
    return folder if (folder / "libzfs" / "sys" / "zap.h").is_file() else None


def compile_command(source: Path, library: Path, headers: Path, program: Path) -> list[str]:
    """The compiler line of the C form, for a library that is not installed; warnings are errors."""
    return [
        *("cc", "-O1", "-g", "-Wall", "-Wextra", "-Werror"),
        *("-isystem", str(headers / "libzfs"), "-isystem", str(headers / "libspl")),
        *(str(source), "-o", str(program), str(library), str(library.parent / "libnvpair.so.3")),
        *("-lpthread", "-ldl", "-Wl,--allow-shlib-undefined", f"-Wl,-rpath,{library.parent}"),
    ]


def fetch_headers() -> list[str]:
    """Bring the headers of every library in the cache; returns lines that say what is where. Raises
    AptProblem."""
    cache = cache_folder()
    lines = []
    todo = []
    for listed in sorted(cache.glob("*/PACKAGES")):
        folder = cache / "headers" / listed.parent.name
        version = listed.read_text("utf-8").split()[1]
        if folder.is_dir():
            lines.append(f"{folder} (there already)")
        else:
            todo.append((folder, version))
    if not todo:
        return lines
    with tempfile.TemporaryDirectory(prefix="zapfuzz-apt-") as scratch:
        apt = PrivateApt(Path(scratch), private_sources(machine_sources()))
        apt.update()
        for folder, version in todo:
            tree = Path(scratch, folder.name)
            tree.mkdir()
            apt.unpack(PACKAGE, version, tree)
            folder.parent.mkdir(parents=True, exist_ok=True)
            beside = folder.with_name(f".{folder.name}")
            shutil.rmtree(beside, ignore_errors=True)
            shutil.copytree(tree / "usr" / "include", beside)
            beside.rename(folder)
            lines.append(str(folder))
    return lines
