"""Protects the history that a trace tells against what happened: random operations are traced by strace with
every kind of options, and the program's directories are those that are there in the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.evidence.imports.strace import strace_program
from fuzz.language.program import Program
from tests.support.missing import missing
from tests.support.paths import ROOT

OPTIONS = (
    *("-f", "-f -y", "-f -yy", "-f -r", "-f -i", "-f -t", "-f -tt -T", "-f -ttt -i -y --decode-pids=comm"),
    *(
        "-f --decode-pids=comm",
        "-f -s 4096",
        "-f -x",
        "-f -xx",
        "-f -v",
        "-f -X raw",
        "-f -X verbose",
        "-f -n",
    ),
    *(
        "-f --relative-timestamps=ns",
        "-f --absolute-timestamps=format:unix,precision:us",
        "-f -Y -y",
        "-f -C",
    ),
    *("-f -a 1", "-f -z -y", "-f -e trace=file,desc,process", "-f --seccomp-bpf"),
)

Names = list[tuple[bytes, ...]]


def traced(options: str, seed: int, folder: Path, *how: str) -> Path:
    """The trace of random operations in `folder`."""
    if shutil.which("strace") is None:
        missing(RuntimeError("strace is not installed"))
    log = folder.with_suffix(".strace")
    folder.mkdir()
    acts = [sys.executable, "-B", "-m", "tests.support.file_operations", str(seed), str(folder), *how]
    command = ["strace", *options.split(), "-o", str(log), *acts]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        missing(RuntimeError(done.stderr.splitlines()[0]))
    assert done.returncode == 0, done.stderr
    return log


def there(folder: Path) -> Names:
    """The names in each directory that has some."""
    walked = os.walk(os.fsencode(folder))
    return sorted(tuple(sorted(folders + files)) for _, folders, files in walked if folders or files)


def told(program: Program) -> Names:
    """The names in each ZAP that has some when the program ends."""
    zaps: dict[str, set[bytes]] = {}
    for op in program.ops:
        names, key, to = zaps.setdefault(op.subject, set()), op.key, op.to
        if op.verb == "destroy":
            del zaps[op.subject]
        elif isinstance(key, bytes):
            had = key in names
            names.discard(key)
            if op.verb in ("touch", "mkdir", "add", "update"):
                names.add(key)
            elif op.verb == "rename" and had and isinstance(to, bytes):
                zaps.setdefault(op.other, set()).add(to)
            else:
                assert op.verb in ("unlink", "rmdir", "remove", "rename", "contains"), op
                if op.verb == "contains" and had:
                    names.add(key)
    return sorted(tuple(sorted(names)) for names in zaps.values() if names)


@pytest.mark.parametrize("how", [("40",), ("15", "workers")], ids=["one after the other", "at once"])
@pytest.mark.parametrize("options", OPTIONS)
def test_the_directories_are_those_that_were_left(options: str, how: tuple[str, ...], tmp_path: Path) -> None:
    for seed in range(2):
        folder = tmp_path / f"d{seed}"
        log = traced(options, seed + len(options), folder, *how)
        assert told(strace_program(log)) == there(folder)
