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


def strace_of(options: str, log: Path) -> list[str]:
    """The beginning of a command that is traced."""
    if shutil.which("strace") is None:
        missing(RuntimeError("strace is not installed"))
    return ["strace", *options.split(), "-o", str(log)]


def traced(options: str, seed: int, folder: Path, *how: str) -> Path:
    """The trace of random operations in `folder`."""
    log = folder.with_suffix(".strace")
    folder.mkdir()
    acts = [sys.executable, "-B", "-m", "tests.support.file_operations", str(seed), str(folder), *how]
    command = [*strace_of(options, log), *acts]
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


COMMANDS = {
    "tar": "mkdir s; for i in 1 2 3; do echo $i > s/f$i; done; mkdir s/sub; ln -s ../f1 s/sub/l; ln s/f2 s/h;"
    " tar cf a.tar s; mkdir t; tar xf a.tar -C t; rm -rf s; mv t/s s2",
    "cp": "mkdir -p a/b/c; touch a/x a/b/y a/b/c/z; cp -a a e; rm -r a/b; mv e/b a/b2; cp -rT e g",
    "sed": "seq 10 > f; sed -i s/1/2/ f; sed -i.bak s/3/4/ f; cp f 'sp ace'; ln -sf f l; ln -sfn f l;"
    " install -D f i/j/k; find . -name '*.bak' -exec mv {} {}.x \\;",
    "shells": "(mkdir a; cd a; touch 1; (cd ..; touch 2); touch 3) & (mkdir b; cd b; touch 4) & wait;"
    " mv a b/; mv b/a/1 b/a/one; exec 5>n; echo x >&5; mkdir x; cd x; echo > ../up; cd ..; rmdir x",
    "xargs": "mkdir d; seq 20 | xargs -P3 -I{} touch d/f{}; ls d | head -7 | xargs -I{} rm d/{}",
}


@pytest.mark.parametrize("options", ["-f", "-f -y", "-f -tt -T -yy", "-f -xx -X raw", "-f -z", "-f -q -v"])
@pytest.mark.parametrize("what", COMMANDS)
def test_what_ordinary_programs_leave(what: str, options: str, tmp_path: Path) -> None:
    """Each directory is as it was left. What these programs do elsewhere, as with /dev/null, is told, too."""
    folder, log = tmp_path / "d", tmp_path / "d.strace"
    folder.mkdir()
    command = [*strace_of(options, log), "bash", "-c", COMMANDS[what]]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    known = told(strace_program(log))
    assert [names for names in there(folder) if names not in known] == []
