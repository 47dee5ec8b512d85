"""Builds of libzpool with one fault put in: a few lines of C before the real library, which has all the rest.

From three entries on zap_count() is wrong, in a way that its flag names (`one_fault.c`); sanitizers see
it if the few lines are compiled with them. With AT_START the fault is where the library is loaded;
REMOVES adds a right zap_remove_uint64(), WRONG_BYTE_ORDER a wrong
zap_byteswap(), which with DIES or HANGS does so at a leaf.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from fuzz.language.syntax import parse
from fuzz.targets.libzpool import NoLibrary, find_library
from tests.support.missing import missing

SOURCE = Path(__file__).with_suffix(".c")

COUNTS = parse(
    'zap z micro\nadd z "a" int=8 len=1\nadd z "b" int=8 len=1\ncount z\n'
    'add z "c" int=8 len=1\ncount z\ncount z\n',
    "counts.zap",
)
WRONG_AT = 4
"""The op of COUNTS that is the first wrong one."""


def right_library(release: str) -> Path:
    """The real library of a release. Without it the test is skipped, in CI it fails."""
    try:
        return find_library(release)
    except NoLibrary as reason:
        missing(reason)


def wrong_library(folder: Path, *flags: str, release: str = "2.3", compiler: str = "gcc") -> Path:
    """Compile it into a folder. Without a compiler or the real library the test is skipped, in CI it
    fails."""
    if shutil.which(compiler) is None:
        missing(f"no {compiler}")
    real = right_library(release)
    source = folder / "module" / "zfs" / "zap_micro.c"
    source.parent.mkdir(parents=True)
    shutil.copyfile(SOURCE, source)
    made = folder / "libzpool.so.6.wrong"
    link = ["-Wl,--no-as-needed", str(real), f"-Wl,-rpath,{real.parent}", "-Wl,--disable-new-dtags"]
    command = [compiler, "-g", "-O0", "-shared", "-fPIC", *flags, "-o", str(made), str(source), *link]
    subprocess.run(command, check=True)
    return made
