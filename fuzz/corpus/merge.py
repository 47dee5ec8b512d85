"""Several working corpora as one small one that reaches the same.

What a program reaches are the steps from line to line in the code that decides the shape of an object, the
states of objects and dbufs after each op (`fuzz.engines.feedback.state_features`), and what each verb has
returned. The shortest programs are taken first. A program that reaches nothing new is left out, and of the
others the ops behind the last one that reached something new are cut off. A program that fails is kept whole
if no other one has the same failure.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from fuzz.engines.feedback.state_features import features
from fuzz.execution.execute import run
from fuzz.execution.result import Result
from fuzz.language.byteform import decode, encode
from fuzz.language.program import Op, Program
from fuzz.language.syntax import load
from fuzz.language.write_whole_file import write_whole
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.model.world import LONG_PATIENCE
from fuzz.targets.registry import make_target
from zapcore.zap import cursor, fat, micro, ptrtbl, shrink

_FILES = frozenset(module.__file__ for module in (cursor, fat, micro, ptrtbl, shrink))

_DIGEST = re.compile(r"[0-9a-f]{40}")

Reached = dict[object, int]
"""What a program reached, and the op at which it did so first."""


class Reach:
    """Measures what programs reach on the model of one release."""

    def __init__(self, release: str) -> None:
        model = make_target("model", release, small=True)
        assert isinstance(model, ModelTarget)
        self.model = model
        self.model.patience = LONG_PATIENCE  # following every line takes time
        self.known: set[object] = set()
        self._found: Reached = {}
        self._op = 0

    def reached(self, program: Program) -> Reached:
        """Everything that a program reaches, in the order in which it does."""
        self._found = {}
        self._op = 0
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            outcome = run(program, self.model, judge=False, trace=self._after)
        finally:
            sys.settrace(before)
        if outcome.failure is not None:
            self._found.setdefault(str(outcome), len(program.ops))
        return self._found

    def take(self, program: Program) -> Program | None:
        """The part of a program that reaches something new, which is known from then on, or None."""
        new = {what: op for what, op in self.reached(program).items() if what not in self.known}
        if not new:
            return None
        self.known.update(new)
        return program.with_ops(program.ops[: max(new.values()) + 1])

    def _after(self, index: int, op: Op, result: Result) -> None:
        self._found.setdefault((op.verb, result.errno), index)
        for feature in features(self.model, op):
            self._found.setdefault(feature, index)
        self._op = index + 1

    def _enter(self, frame: FrameType, event: str, argument: object) -> Any:
        """Follow the lines of the code that matters."""
        code = frame.f_code
        if code.co_filename not in _FILES:
            return None
        found, last = self._found, 0

        def line(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal last
            step: tuple[CodeType, int, int] = (code, last, frame.f_lineno)
            if step not in found:
                found[step] = self._op
            last = frame.f_lineno
            return line

        return line


def programs(folders: Iterable[Path]) -> Iterator[Program]:
    """The programs of files, and in folders: texts (.zap), and byte forms under their digest. What else is in
    a folder is nothing to us. Raises SyntaxProblem, OSError."""
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if path.suffix == ".zap":
                yield load(path)
            elif path == folder or (_DIGEST.fullmatch(path.name) and path.is_file()):
                yield decode(path.read_bytes())


def remove_torn(folder: Path) -> None:
    """Remove inputs whose bytes are not those of their name: libFuzzer leaves some where a disk is full."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if _DIGEST.fullmatch(path.name) and hashlib.sha1(path.read_bytes()).hexdigest() != path.name:
            path.unlink(missing_ok=True)


class Merging:
    """Looks for some of the programs, cut, that together reach what all do, on each of some releases."""

    def __init__(self, all_: Iterable[Program], *releases: str) -> None:
        self.programs = sorted(set(all_), key=lambda each: len(each.ops))
        self.measured = 0
        self.taken: list[Program] = []
        self._reaches = [Reach(release) for release in releases]

    def run(self) -> list[Program]:
        """These programs."""
        for program in self.programs:
            cuts = [cut for reach in self._reaches if (cut := reach.take(program)) is not None]
            self.measured += 1
            if cuts:  # the longest begins with all others
                self.taken.append(max(cuts, key=lambda cut: len(cut.ops)))
        return self.taken


def smallest(all_: Iterable[Program], *releases: str) -> list[Program]:
    """Some of the programs, cut, that together reach what all do, on each of some releases."""
    return Merging(all_, *releases).run()


def write(programs: Iterable[Program], folder: Path) -> tuple[int, int]:
    """Leave exactly these byte forms in a folder, each under its digest, as libFuzzer names them. Returns how
    many there are now, and how many files were removed. All new files are whole before any file is removed.
    Other files in the folder stay."""
    folder.mkdir(parents=True, exist_ok=True)
    before = [path for path in folder.iterdir() if _DIGEST.fullmatch(path.name)]
    kept, added = set(), []
    try:
        for program in programs:
            data = encode(program)
            path = folder / hashlib.sha1(data).hexdigest()
            kept.add(path)
            if not path.exists():
                added.append(path)
                write_whole(path, data)
    except BaseException:  # a full disk, or a signal: the folder is as it was
        for path in added:
            path.unlink(missing_ok=True)
        raise
    gone = [path for path in before if path not in kept]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(kept), len(gone)
