"""The corpus on somebody's build: which findings it has, and which it mends."""

from __future__ import annotations

from collections.abc import Iterator

from fuzz.commands.trial.stage import Difference, Stage
from fuzz.corpus.places import CORPUS, FINDINGS
from fuzz.corpus.reproducer import FINE, Reproducer, corpus_folders, read_reproducer
from fuzz.execution.execute import run
from fuzz.execution.result import Outcome
from fuzz.judge.signature import Failure, Signature
from fuzz.targets.base import NoTarget, Target
from fuzz.targets.both import alike
from fuzz.targets.registry import LIBRARY_PREFIX
from zapcore.release import RELEASES, nearest_row

LIMIT = "limit"
WORK = "work "
ENDS_APART = "difference builds:compare failure: "
_TOLD_APART = ("deadlock", "suspended")
"""Kinds of failures whose place a library does not tell as the model does."""
_GOES_ON = {"type-confusion", "use-after-free", "invariant", "stale-bytes"}


def reproducers() -> Iterator[Reproducer]:
    """All that a library can run and that shows there: not those that speak of kernels alone, nor those that
    only take their time, of which the model counts the work."""
    for folder in corpus_folders(CORPUS):
        each = read_reproducer(folder)
        texts = [
            text for name, text in each.expect.items() if name in RELEASES or name.startswith(LIBRARY_PREFIX)
        ]
        if any(text not in (FINE, LIMIT) and not text.startswith(WORK) for text in texts):
            yield each


def expected_on(reproducer: Reproducer, release: str) -> frozenset[str]:
    """What a build that is as a release may do on a reproducer: as its model, or as its packaged library. Of
    master there is none: there, as those of releases whose model does the same. Some damage no library
    tells."""
    row, expect = nearest_row(release), reproducer.expect
    rows = [row]
    if f"{LIBRARY_PREFIX}{RELEASES[row].version}" not in expect:
        rows += [name for name, text in expect.items() if name in RELEASES and text == expect.get(row)]
    names = {row, *(f"{LIBRARY_PREFIX}{RELEASES[name].version}" for name in rows)}
    return frozenset(expect[name] for name in names if name in expect)


def replay_corpus(target: Target, release: str, expected: frozenset[str], stage: Stage) -> Iterator[str]:
    """Run each reproducer, and yield its name when it has run. `expected` are texts of failures that are no
    difference, besides those that the release has."""
    has: list[str] = []
    mends: list[str] = []
    count = 0
    for reproducer in reproducers():
        try:
            outcome = run(reproducer.program, target)
        except NoTarget as lacking:
            stage.lines.append(f"{reproducer.name}: not run: {lacking}")
            continue
        count += 1
        may, got = expected_on(reproducer, release), str(outcome)
        if stage.is_expected(got, expected):
            pass
        elif got == LIMIT:
            if LIMIT not in may:
                stage.lines.append(f"{reproducer.name}: a bound was met: {outcome.limit}")
        elif outcome.failure is not None:
            if got in may or is_known(outcome.failure, may):
                has.append(reproducer.name)
            else:
                stage.differences.append(
                    Difference(outcome.failure, reproducer.program, reproducer.folder / "program.zap")
                )
        elif may and FINE not in may:
            mends.append(reproducer.name)
        yield reproducer.name
    findings = sum(1 for name in has if (CORPUS / FINDINGS / name).is_dir())
    stage.lines.insert(
        0, f"{count} reproducers: has {findings} findings of release {release}, mends {len(mends)}"
    )
    if has:
        stage.lines.append(f"has: {', '.join(has)}")
    if mends:
        stage.lines.append(f"mends: {', '.join(mends)}")


def is_known(failure: Failure, may: frozenset[str]) -> bool:
    """Whether a failure is what becomes of the one that is expected: what somebody who watches the library
    sees of it; what a library dies of where the model says that no thread goes on, or that the pool is
    suspended; or, where the model stops at damage or at memory that is no longer what it was, whatever a
    library dies of that goes on."""
    wrong = [Signature.of(text) for text in may if text not in (FINE, LIMIT)]
    if failure.signature.kind in ("asan", "memcheck"):
        return bool(wrong)
    if any(each.kind in _TOLD_APART and alike(Failure(each, ""), failure) for each in wrong):
        return True
    return bool(wrong) and {each.kind for each in wrong} <= _GOES_ON


def _goes_on(reproducer: Reproducer) -> bool:
    """Whether the model stops a program at damage with which a library goes on: how that ends hangs on what
    memory holds."""
    return any(text.split(" ", 1)[0] in _GOES_ON for text in reproducer.expect.values())


def same_on_both(target: Target, expected: frozenset[str], stage: Stage) -> Iterator[str]:
    """Run each reproducer without threads on two builds, and yield its name when it has run."""
    count = 0
    for reproducer in reproducers():
        if any(op.thread for op in reproducer.program.ops):
            continue
        outcome: Outcome = run(reproducer.program, target)
        count += 1
        text = str(outcome)
        if outcome.failure is not None and not stage.is_expected(text, expected):
            if text.startswith(ENDS_APART) and _goes_on(reproducer):
                stage.lines.append(f"{reproducer.name}: each goes on with the damage in its own way")
            else:
                stage.differences.append(
                    Difference(outcome.failure, reproducer.program, reproducer.folder / "program.zap")
                )
        yield reproducer.name
    stage.lines.append(f"{count} reproducers: {len(stage.differences)} are not the same on both")


def told_at_start(target: Target) -> list[str]:
    """What who watches the libraries has reported before any program ran, each once: it is no program's
    failure."""
    reported = [each.signature for library in target.libraries for each in library.at_start]
    return [f"while the pool was made: {text}" for text in dict.fromkeys(map(str, reported))]
