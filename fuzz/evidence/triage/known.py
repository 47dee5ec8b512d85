"""What the corpus knows about a failure. Reads reproducer.toml files; knows no log format and no output.

A kernel's compiler puts static functions into their callers, so a printed stack may miss functions that the
reproducer's has; and it goes on below the ZAP, to the system call. Nor are keys of words and names two ways:
zap_add_uint64() and zap_add() are one function here. None of this makes it another stack.
"""

from __future__ import annotations

import dataclasses
import enum
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

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


_ORDER = {match: place for place, match in enumerate(Match)}


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


class _Row(NamedTuple):
    """One failure that a reproducer has on these releases, or one `face` of it in the field. `names` are all
    that its stacks have."""

    known: Reproducer
    kind: str
    place: str
    expression: str
    condition: str
    releases: tuple[str, ...]
    stacks: Sequence[tuple[str, ...]] = ()
    names: frozenset[str] = frozenset()
    face: bool = False


class _Asked(NamedTuple):
    """What is compared of a failure in a log. `file` and `function` are of its place, `named` is the function
    if the log itself says it."""

    kind: str
    what: str
    file: str
    function: str
    named: str
    condition: str
    stack: tuple[str, ...]
    cut: bool
    mixed: bool


def judge(event: Event, corpus: Sequence[Reproducer]) -> Verdict:
    """What a `Judge` of this corpus says."""
    return Judge(corpus)(event)


class Judge:
    """The best that the corpus has on a failure, with all others that fit as well.

    A release that the log names decides which reproducers can be meant. A log may tell the same failure
    thousands of times: verdicts are remembered.
    """

    def __init__(self, corpus: Sequence[Reproducer]) -> None:
        self._rows = [row for known in corpus for row in _rows(known)]
        self._by: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
        for at, row in enumerate(self._rows):
            self._by[row.kind, "condition", row.condition].append(at)
            self._by[row.kind, "function", row.place.partition(":")[2]].append(at)
        self._judged: dict[object, Verdict] = {}

    def __call__(self, event: Event) -> Verdict:
        """The verdict."""
        signature, version = event.signature, release_of(event)
        asked = signature, event.function, event.cut, event.mixed, version
        if asked not in self._judged:
            if len(self._judged) >= _MOST_JUDGED:
                self._judged.clear()
            kind, place, expression, stack = signature
            file, _, function = place.partition(":")
            found = _Asked(
                *(kind, event.what, file, function, event.function, canonical(expression), stack),
                *(event.cut, event.mixed),
            )
            self._judged[asked] = self._verdict(found, version)
        return self._judged[asked]

    def _verdict(self, asked: _Asked, version: tuple[int, ...] | None) -> Verdict:
        found = (_judge_one(asked, self._rows[at]) for at in self._alike(asked))
        fitting = sorted(
            (verdict for verdict in found if verdict is not None and _in_release(version, verdict)),
            key=lambda verdict: (_ORDER[verdict.match], len(verdict.difference)),
        )
        if not fitting:
            return Verdict(Match.UNKNOWN)
        best = fitting[0]
        rest = [
            each
            for each in fitting[1:]
            if each.match is not Match.OTHER_EXPRESSION and each.title != best.title
        ]
        others = {each.title: each for each in reversed(rest)}
        return dataclasses.replace(best, others=tuple(reversed(others.values())))

    def _alike(self, asked: _Asked) -> Sequence[int]:
        """The rows that share the condition or the function, in their order; where the log is cut either may
        be a part only, and every row may be meant."""
        if asked.cut:
            return range(len(self._rows))
        by_condition = self._by.get((asked.kind, "condition", asked.condition), ())
        return sorted({*by_condition, *self._by.get((asked.kind, "function", asked.function), ())})


def _rows(known: Reproducer) -> Iterator[_Row]:
    """Its faces, then what it ends as."""
    has_it = tuple(release for release, expected in known.expect.items() if expected != FINE)
    for text in known.faces.values():
        kind, place, expression, _ = Signature.of(text)
        yield _Row(known, kind, place, expression, canonical(expression), has_it, face=True)
    for text in dict.fromkeys(known.expect.values()):
        kind, place, expression, _ = Signature.of(text)
        if text != FINE and expression:
            releases = tuple(release for release, expected in known.expect.items() if expected == text)
            stacks = [known.stack[release] for release in releases if release in known.stack]
            names = frozenset(name.replace("_uint64", "") for stack in stacks for name in stack)
            yield _Row(known, kind, place, expression, canonical(expression), releases, stacks, names)


def _in_release(version: tuple[int, ...] | None, verdict: Verdict) -> bool:
    """False if the log names a release, the reproducer was tried on its like, and it fails otherwise
    there."""
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


def _judge_one(asked: _Asked, row: _Row) -> Verdict | None:
    """How this failure and that of the reproducer are one, if they are at all."""
    if row.kind != asked.kind:
        return None
    if row.face:
        same = _same_condition(asked, row)
        if not (same and _same_place(asked, row.place, same)):
            return None
        told = asked.named or asked.stack
        match = Match.EXACT if row.expression and row.kind == "assertion" and told else Match.SAME_PLACE
        return Verdict(match, row.known, row.releases, row.place)
    if asked.cut and not asked.condition and not asked.named:
        first = asked.stack[0].replace("_uint64", "") if asked.stack else ""
        if first not in row.names or all(stack_difference(asked.stack, stack) for stack in row.stacks):
            return None
        difference = "the log has only the stack; place and expression are lost"
        return Verdict(Match.STACK_ONLY, row.known, row.releases, row.place, difference)
    same = _same_condition(asked, row)
    if not _same_place(asked, row.place, same):
        return None
    if not same:
        difference = f"the reproducer fails in the same function on: {row.expression}"
        return Verdict(Match.OTHER_EXPRESSION, row.known, row.releases, row.place, difference)
    difference = _nearest_difference(asked, row.stacks)
    if not asked.stack and not asked.named:
        difference = "the log has neither the place nor a stack"
    match = Match.OTHER_STACK if difference else Match.EXACT
    return Verdict(match, row.known, row.releases, row.place, difference)


def _same_condition(asked: _Asked, row: _Row) -> bool:
    if asked.cut and len(asked.condition) >= 8:
        return asked.condition in row.condition
    return asked.condition == row.condition


def _same_place(asked: _Asked, place: str, same_condition: bool) -> bool:
    """FreeBSD says no file, and old forms no function: then the condition and the stack must do."""
    file, _, function = place.partition(":")
    if asked.what:
        return asked.function == function
    if asked.file not in ("?", file):
        from zapcore.zap import file_in_model  # takes its time, and most logs do not need it

        if file_in_model(asked.file, asked.function) != file:
            return False
    if asked.named:
        return asked.function == function or (asked.cut and function.startswith(asked.function))
    return same_condition or asked.function == function


def _nearest_difference(asked: _Asked, stacks: Sequence[tuple[str, ...]]) -> str:
    """Empty if the log's stack can be one of these, or if either side has none to compare."""
    if not asked.stack or not stacks or asked.mixed:
        return ""
    return min((stack_difference(asked.stack, known) for known in stacks), key=len)


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
