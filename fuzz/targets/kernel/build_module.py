"""Compiling spl.ko and zfs.ko from an unpacked source, for a kernel whose headers are unpacked somewhere."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from fuzz.targets.kernel.locate import ASSERTS, SHIPPED

NICE = 5
"""Compiling takes minutes of every core: what else runs on the machine goes first."""

ZAP_FILES = ("zap.o", "zap_fat.o", "zap_impl.o", "zap_leaf.o", "zap_micro.o", "zap_prefetch.o")
"""The ZAP's files in every version. With the assertions of others (dbuf.c, dnode.c) too a pool cannot be
made, unless everything is compiled so."""


class BuildProblem(Exception):
    """The modules cannot be compiled; the text is one line."""


@dataclasses.dataclass(frozen=True, slots=True)
class Headers:
    """The kernel's headers: those of every flavour, and the flavour's own folder, where modules are made."""

    common: Path
    flavour: Path

    @classmethod
    def unpacked(cls, common: Path, flavour: Path) -> Headers:
        """Headers that were unpacked, not installed: the path in their Makefile is put right, and the
        compiler is the one that is there."""
        makefile = flavour / "Makefile"
        makefile.write_text(re.sub(r"(?m)^include .*/", f"include {common}/", makefile.read_text()))
        variables = flavour / ".kernelvariables"
        if shutil.which("gcc-12") is None:
            variables.write_text(re.sub(r"\bgcc-\d+", "cc", variables.read_text()))
        return cls(common, flavour)


def _run(command: list[str], folder: Path, what: str) -> None:
    """Run one step, its output to a file beside the source; its last error is what a failure tells."""
    log = folder / f"{what}.log"
    with log.open("wb") as out:
        done = subprocess.run(
            ["nice", "-n", str(NICE), *command], cwd=folder, stdout=out, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        wrong = [x for x in lines if re.search(r"\berror\b|\*\*\*", x)] or lines[-1:] or ["it said nothing"]
        kept = Path(os.environ.get("TMPDIR", "/tmp"), f"zapfuzz-kernel-{what}.log")
        shutil.copy2(log, kept)
        raise BuildProblem(f"{what} failed: {wrong[0].strip()} (all of it: {kept})")


def _keep(source: Path, folder: Path) -> None:
    """Copy every module (before 2.2 there are nine) without what only a debugger reads."""
    folder.mkdir()
    for found in sorted((source / "module").rglob("*.ko")):
        subprocess.run(["strip", "--strip-debug", "-o", str(folder / found.name), str(found)], check=True)
    if not (folder / "zfs.ko").is_file():
        raise BuildProblem("make ended without zfs.ko")


def _with_assertions(source: Path) -> None:
    """Turn the ZAP's assertions on in the makefile that lists its files: since 2.2 there is one for all."""
    module = source / "module"
    makefile, prefix = module / "Kbuild", "zfs/"
    if "zap_micro" not in makefile.read_text():
        makefile, prefix = module / "zfs" / "Makefile", ""
    flags = [f"CFLAGS_{prefix}{name} += -UNDEBUG -DDEBUG" for name in ZAP_FILES]
    makefile.write_text("\n".join([makefile.read_text(), *flags, ""]))


def build_modules(source: Path, headers: Headers, into: Path, say: Callable[[str], None]) -> None:
    """Compile both builds, `into`/shipped and `into`/asserts. Raises BuildProblem."""
    began = time.monotonic()

    def told(what: str) -> None:
        say(f"  {time.monotonic() - began:4.0f} s: {what}")

    told("configure (some 2 minutes)")
    places = [f"--with-linux={headers.common}", f"--with-linux-obj={headers.flavour}"]
    _run(["./configure", "--with-config=kernel", *places], source, "configure")
    told("make (some 4 minutes of CPU time)")
    make = ["make", f"-j{os.cpu_count() or 1}", "KCFLAGS=-g0"]
    _run(make, source, "make")
    _keep(source, into / SHIPPED)
    told("make again, with the ZAP's assertions (some 30 seconds)")
    _with_assertions(source)
    _run(make, source, "make-asserts")
    _keep(source, into / ASSERTS)
    told("done")
