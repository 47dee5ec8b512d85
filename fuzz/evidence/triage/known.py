"""What the corpus knows about a failure. Reads reproducer.toml files; knows no log format and no output.

A kernel's compiler puts static functions into their callers, so a printed stack may miss functions that the
reproducer's has; and it goes on below the ZAP, to the system call. Nor are keys of words and names two ways:
zap_add_uint64() and zap_add() are one function here. None of this makes it another stack.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Sequence
from pathlib import Path

from fuzz.corpus.places import CORPUS
from fuzz.corpus.reproducer import FINE, GROUPS, REPRODUCER_FILE, Reproducer, read_expectations
from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.failed_assertion import canonical
from fuzz.evidence.triage.known_outside_corpus import release_of
from fuzz.judge.signature import Signature
from fuzz.language.syntax import SyntaxProblem

_OF_THE_ZAP = ("zap_", "fzap_", "mzap_", "mze_")


_MOST_JUDGED = 1024
"""Verdicts that are remembered."""


class Match(enum.StrEnum):
    """How well the corpus knows a failure, best first."""

    EXACT = "exact"
    OTHER_STACK = "other-stack"
    STACK_ONLY = "stack-only"
    SAME_PLACE = "same-place"
    OTHER_EXPRESSION = "other-expression"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What the corpus says of one failure. `difference` is empty for an exact match."""

    match: Match
    reproducer: Reproducer | None = None
    releases: tuple[str, ...] = ()
    place: str = ""
    difference: str = ""
    others: tuple[Verdict, ...] = ()

    @property
    def title(self) -> str:
        """What the reproducer is called in words."""
        return "" if self.reproducer is None else self.reproducer.title or self.reproducer.folder.as_posix()


def load_corpus(root: Path) -> tuple[list[Reproducer], list[str]]:
    """Every reproducer under `root`, ordered by folder, and one line for each that cannot be read.

    A corpus that is not there is empty. Programs are not read; folders are relative to the corpus's parent,
    those of the project's own to its top, wherever it is installed.
    """
    found, problems = [], []
    top = Path("corpus") if root == CORPUS else Path(root.name)
    for path in sorted(path.parent for group in GROUPS for path in root.glob(f"{group}/*/{REPRODUCER_FILE}")):
        try:
            known = read_expectations(path)
        except SyntaxProblem as problem:
            problems.append(f"{path / REPRODUCER_FILE}: not used: {problem}")
        else:
            found.append(dataclasses.replace(known, folder=top / path.relative_to(root)))
    return found, problems


def judge(event: Event, corpus: Sequence[Reproducer]) -> Verdict:
    """The best that the corpus has on this failure, with all others that fit as well.

    A release that the log names decides which reproducers can be meant.
    """
    order = list(Match)
    verdicts = sorted(
        (verdict for known in corpus for verdict in _judge_one(event, known)),
        key=lambda verdict: (order.index(verdict.match), len(verdict.difference)),
    )
    fitting = [verdict for verdict in verdicts if _in_release(event, verdict)]
    if not fitting:
        return Verdict(Match.UNKNOWN)
    best = fitting[0]
    rest = [
        each for each in fitting[1:] if each.match is not Match.OTHER_EXPRESSION and each.title != best.title
    ]
    others = {each.title: each for each in reversed(rest)}
    return dataclasses.replace(best, others=tuple(reversed(others.values())))


class Judge:
    """`judge` with one corpus, for a log that tells the same failure thousands of times."""

    def __init__(self, corpus: Sequence[Reproducer]) -> None:
        self._corpus = corpus
        self._judged: dict[object, Verdict] = {}

    def __call__(self, event: Event) -> Verdict:
        """The verdict; remembered by all that `judge` looks at."""
        asked = event.signature, event.function, event.cut, event.mixed, release_of(event)
        if asked not in self._judged:
            if len(self._judged) >= _MOST_JUDGED:
                self._judged.clear()
            self._judged[asked] = judge(event, self._corpus)
        return self._judged[asked]


def _in_release(event: Event, verdict: Verdict) -> bool:
    """False if the log names a release, the reproducer was tried on its like, and it fails otherwise
    there."""
    version = release_of(event)
    if version is None or verdict.reproducer is None:
        return True
    release = model_release(version)
    return release not in verdict.reproducer.expect or release in verdict.releases


def model_release(version: tuple[int, ...]) -> str:
    """The model's name for the behaviour of a release."""
    if version < (2, 2, 99):
        return "2.1"
    if version < (2, 3, 3):
        return "2.3"
    return "master" if version >= (2, 4, 99) else "2.4"


def _judge_one(event: Event, known: Reproducer) -> Iterator[Verdict]:
    """One verdict for each failure of the reproducer that is this one at all, and for each of its faces."""
    has_it = tuple(release for release, expected in known.expect.items() if expected != FINE)
    for text in known.faces.values():
        kind, place, expression, _ = Signature.of(text)
        same = _same_expression(event, expression)
        if kind == event.kind and same and _same_place(event, place, same, ()):
            told = event.function or event.stack
            match = Match.EXACT if expression and kind == "assertion" and told else Match.SAME_PLACE
            yield Verdict(match, known, has_it, place)
    for text in dict.fromkeys(known.expect.values()):
        kind, place, expression, _ = Signature.of(text)
        if text == FINE or kind != event.signature.kind or not expression:
            continue
        releases = tuple(release for release, expected in known.expect.items() if expected == text)
        stacks = [known.stack[release] for release in releases if release in known.stack]
        if event.cut and not event.expression and not event.function:
            if event.stack and any(not stack_difference(event.stack, stack) for stack in stacks):
                difference = "the log has only the stack; place and expression are lost"
                yield Verdict(Match.STACK_ONLY, known, releases, place, difference)
            continue
        same_expression = _same_expression(event, expression)
        if not _same_place(event, place, same_expression, stacks):
            continue
        if not same_expression:
            difference = f"the reproducer fails in the same function on: {expression}"
            yield Verdict(Match.OTHER_EXPRESSION, known, releases, place, difference)
            continue
        difference = _nearest_difference(event, stacks)
        if not event.stack and not event.function:
            difference = "the log has neither the place nor a stack"
        match = Match.OTHER_STACK if difference else Match.EXACT
        yield Verdict(match, known, releases, place, difference)


def _same_expression(event: Event, expression: str) -> bool:
    ours, theirs = canonical(event.expression), canonical(expression)
    if event.cut and len(ours) >= 8:
        return ours in theirs
    return ours == theirs


def _same_place(event: Event, place: str, same_expression: bool, stacks: Sequence[Sequence[str]]) -> bool:
    """FreeBSD says no file, and old forms no function: then the expression and the stack must do."""
    file, _, function = place.partition(":")
    our_file, _, our_function = event.place.partition(":")
    if event.what:
        return our_function == function
    if our_file not in ("?", file):
        from zapcore.zap import file_in_model  # takes its time, and most logs do not need it

        if file_in_model(our_file, our_function) != file:
            return False
    if event.function:
        return our_function == function or (event.cut and function.startswith(our_function))
    return same_expression or our_function == function


def _nearest_difference(event: Event, stacks: Sequence[tuple[str, ...]]) -> str:
    """Empty if the log's stack can be one of these, or if either side has none to compare."""
    stack = event.stack
    if not stack or not stacks or event.mixed:
        return ""
    return min((stack_difference(stack, known) for known in stacks), key=len)


def stack_difference(stack: Sequence[str], known: Sequence[str]) -> str:
    """What keeps the printed `stack` from being the `known` one, both innermost first; empty if nothing does.

    Functions of `known` may be missing (inlined); after the last common function only callers outside the ZAP
    may follow. A stack that the log cuts short is compared as far as it goes.
    """
    stack, known = ([name.replace("_uint64", "") for name in names] for names in (stack, known))
    at = common = 0
    for name in stack:
        if name not in known[at:]:
            break
        at = known.index(name, at) + 1
        common += 1
    rest = [name for name in stack[common:] if name.startswith(_OF_THE_ZAP) or name in known]
    if common and not rest:
        return ""
    theirs = [name for name in known if name not in stack]
    if not common and not rest:
        return f"the log has no function of the reproducer's stack ({' < '.join(known)})"
    here = ", ".join(dict.fromkeys(name for name in rest if name not in known)) or "another order of calls"
    there = ", ".join(theirs) or "nothing else"
    return f"on the stack the log has {here}; the reproducer has {there}"
