"""Which lines and branches of OpenZFS's C code programs reach: Clang's coverage of a library, read by LLVM's
tools.

The library writes its counters into a file while it runs (`-mllvm -runtime-counter-relocation`), so what a
program reaches before it ends its process counts, too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

MARK = b"__llvm_profile_counter_bias"
"""What a library has that writes its counters while it runs."""
FLAGS = "-fprofile-instr-generate -fcoverage-mapping -mllvm -runtime-counter-relocation"
PROFILE = "LLVM_PROFILE_FILE"
FILES = re.compile(r"/module/zfs/(?:zap\w*|dbuf|dnode\w*)\.c$")
"""The files that this project is about."""
_ASSERTION = re.compile(r"\b(?:ASSERT|VERIFY|IMPLY|EQUIV)\w*\(|\bpanic\(")


class NoCoverage(Exception):
    """LLVM's tools are not here or cannot read a library's coverage; the text says why in one line."""


class Branch(NamedTuple):
    """A way that was never taken: where its condition is, and which it is."""

    file: str
    line: int
    column: int
    function: str
    value: bool
    text: str


class FileCoverage(NamedTuple):
    """What was reached in a file, of how much: functions, lines, and ways of branches without those of
    assertions."""

    name: str
    functions: tuple[int, int]
    lines: tuple[int, int]
    branches: tuple[int, int]


def counts(library: Path) -> bool:
    """Whether a library is built so."""
    return MARK in library.read_bytes()


def environment(folder: Path) -> dict[str, str]:
    """What the library's process needs to leave its counters in a folder."""
    return {PROFILE: f"{folder}/%c%m.profraw"}


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        numbered = [
            path
            for folder in os.environ.get("PATH", "").split(os.pathsep)
            for path in Path(folder).glob(f"{name}-[0-9]*")
        ]
        found = str(max(numbered, key=lambda path: int(path.name.rpartition("-")[2]))) if numbered else None
    if found is None:
        raise NoCoverage(f"no {name} here: install LLVM, of the version of the Clang that built the library")
    return found


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or f"status {done.returncode}").splitlines()[0]
        raise NoCoverage(f"{Path(words[0]).name}: {said}")
    return done.stdout


class Coverage:
    """What the counters in a folder say of a library. Raises NoCoverage."""

    def __init__(self, library: Path, folder: Path) -> None:
        raw = [str(path) for path in folder.glob("*.profraw")]
        if not raw:
            raise NoCoverage(f"{library}: it left no counters")
        self._library = str(library)
        self._read: dict[str, list[str]] = {}
        self._profile = str(folder / "merged.profdata")
        _run(_tool("llvm-profdata"), "merge", "-sparse", "-o", self._profile, *raw)
        told = self._export("-summary-only")
        self._sources = [each["filename"] for each in told["files"] if FILES.search(each["filename"])]
        if not self._sources:
            raise NoCoverage(f"{library}: expected coverage of zap*.c, dbuf.c and dnode*.c, found none")
        whole = self._export(*self._sources)
        self._files = whole["files"]
        self._functions = [each for each in whole["functions"] if FILES.search(each["filenames"][0])]

    def _export(self, *words: str) -> Any:
        text = _run(
            *(_tool("llvm-cov"), "export", "-format=text", f"-instr-profile={self._profile}", self._library),
            *words,
        )
        return json.loads(text)["data"][0]

    def files(self) -> Iterator[FileCoverage]:
        """Each file."""
        never = list(self.never_taken())
        for each in self._files:
            summary, name = each["summary"], Path(each["filename"]).name
            ways = sum(
                2 for branch in each["branches"] if not self._is_assertion(each["filename"], branch[0])
            )
            missed = sum(branch.file == name for branch in never)
            yield FileCoverage(
                name,
                (summary["functions"]["covered"], summary["functions"]["count"]),
                (summary["lines"]["covered"], summary["lines"]["count"]),
                (ways - missed, ways),
            )

    def never_entered(self) -> list[tuple[str, str]]:
        """The functions that no program calls: file and name, in their order."""
        found = [
            (Path(each["filenames"][0]).name, each["regions"][0][0], each["name"].rpartition(":")[2])
            for each in self._functions
            if not each["count"]
        ]
        return [(file, name) for file, _, name in sorted(set(found))]

    def never_taken(self) -> Iterator[Branch]:
        """The ways of branches that no program takes, without those of assertions."""
        for each in self._files:
            path = each["filename"]
            for branch in each["branches"]:
                line, column, taken, passed = branch[0], branch[1], branch[4], branch[5]
                if self._is_assertion(path, line):
                    continue
                text = self._source(path)[line - 1].strip() if self._source(path) else ""
                for count, value in ((taken, True), (passed, False)):
                    if not count:
                        yield Branch(Path(path).name, line, column, self._function(path, line), value, text)

    def _function(self, path: str, line: int) -> str:
        best = ("?", 0)
        for each in self._functions:
            region = each["regions"][0]
            if each["filenames"][0] == path and region[0] <= line <= region[2] and region[0] > best[1]:
                best = (each["name"].rpartition(":")[2], region[0])
        return best[0]

    def _is_assertion(self, path: str, line: int) -> bool:
        """Whether a branch is of an assertion, which is not there to be taken; its condition may go on over
        lines."""
        source = self._source(path)
        for at in range(line - 1, max(line - 4, -1), -1):
            if at >= len(source):
                return False
            if at < line - 1 and source[at].rstrip().endswith((";", "{", "}")):
                return False
            if _ASSERTION.search(source[at]):
                return True
        return False

    def _source(self, path: str) -> Sequence[str]:
        known = self._read
        if path not in known:
            try:
                known[path] = Path(path).read_text("utf-8", "replace").splitlines()
            except OSError:
                known[path] = []
        lines: Sequence[str] = known[path]
        return lines
