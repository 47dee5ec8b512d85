"""The programs of seeded faults on somebody's build: whoever makes a fault of OpenZFS's history again, or
one of its kind, is told at once, by a program of a few ops."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fuzz.commands.trial.stage import Difference, Stage
from fuzz.corpus.places import CORPUS, MUTANTS
from fuzz.execution.execute import run
from fuzz.language.program import Program
from fuzz.language.syntax import load
from fuzz.targets.base import NoTarget, Target


def programs_of_mutants(threads: bool, release: str) -> Iterator[tuple[str, Program]]:
    """Those with threads or those without, each with the name of its fault. The steps of a schedule are those
    of a release: where a fault shows in one at others, a folder of the release's name has its program."""
    for path in sorted((CORPUS / MUTANTS).glob("*.zap")):
        own = path.parent / release / path.name
        program = load(own if own.exists() else path)
        if any(op.thread for op in program.ops) == threads:
            yield path.stem, program


def replay_mutants(
    target: Target, release: str, known: Collection[str], expected: frozenset[str], stage: Stage
) -> Iterator[str]:
    """Run each program without threads on a library beside a release's model, or beside another library, and
    yield its name when it has run. `known` are texts of failures that the release has. Of all that differ in
    the same way the shortest is told."""
    count = 0
    wrong: list[str] = []
    shortest: dict[str, Difference] = {}
    for name, program in programs_of_mutants(threads=False, release=release):
        try:
            failure = run(program, target).failure
        except NoTarget as lacking:
            stage.lines.append(f"{name}: not run: {lacking}")
            continue
        count += 1
        text = str(failure.signature) if failure is not None else ""
        if failure is not None and text not in known and not stage.is_expected(text, expected):
            wrong.append(name)
            if text not in shortest or len(program.ops) < len(shortest[text].program.ops):
                file = CORPUS / MUTANTS / f"{name}.zap"
                shortest[text] = Difference(failure, program, file, minimal=True)
        yield name
    stage.differences += sorted(shortest.values(), key=lambda each: len(each.program.ops))
    stage.lines.append(f"{count} programs of seeded faults: {len(wrong)} differ")
    if wrong:
        stage.lines.append(f"differ: {', '.join(wrong)}")
