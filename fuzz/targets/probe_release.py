"""Which release's behaviours a library has, told by what it does and not by its name.

`corpus/probes/` has a program for each behaviour (a field of `zapcore.release.Release`) on which it makes a
difference. All of them run once on the library. The nearest release is the one whose model agrees with it on
most; and each behaviour is as in the model of that release that agrees, with the behaviour and without.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fuzz.corpus.places import CORPUS
from fuzz.language.program import Program
from fuzz.language.syntax import load
from fuzz.targets.both import run_model, same
from fuzz.targets.libzpool.target import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.side_by_side import run_library
from zapcore.release import RELEASES, Release, named_release

PROBES = "probes"
_SERIES = {"2.2": range(0, 10), "2.3": range(0, 12), "2.4": range(0, 8)}


class Probed(NamedTuple):
    """`behaviours` says of each whether the library has it; None where its program cannot tell, since the
    library does something else, or since there it is the same for the nearest release. `agrees` of `programs`
    programs end on the library as on that release's model."""

    nearest: Release
    behaviours: Mapping[str, bool | None]
    agrees: int
    programs: int


def probes(corpus: Path = CORPUS) -> dict[str, Program]:
    """The program of each behaviour, by the name of its field. Raises SyntaxProblem."""
    return {path.stem: load(path) for path in sorted((corpus / PROBES).glob("*.zap"))}


def candidates() -> Iterator[Release]:
    """Every release that does something that no other does: first the model's own, the newest before the
    others, then versions, the newest of a kind before the others."""
    seen: list[Release] = []
    names = [
        *reversed(list(RELEASES)),
        *(f"{series}.{patch}" for series in _SERIES for patch in reversed(_SERIES[series])),
    ]
    for name in names:
        release = named_release(name)
        if release is None:
            continue
        plain = dataclasses.replace(release, name="", about="", version="", instead={})
        if plain not in seen:
            seen.append(plain)
            yield release


def probe(real: LibzpoolTarget) -> Probed:
    """Find out. Raises NoLibrary."""
    programs = probes()
    ends = {name: run_library(real, program) for name, program in programs.items()}

    def agrees(release: Release, name: str) -> bool:
        return same(run_model(ModelTarget(release), programs[name]), ends[name])

    scores = [(sum(agrees(each, name) for name in programs), each) for each in candidates()]
    best, nearest = max(scores, key=lambda scored: scored[0])
    behaviours = {}
    for name in programs:
        ways = {value: agrees(_with(nearest, name, value), name) for value in (False, True)}
        behaviours[name] = ways[True] if ways[False] != ways[True] else None
    return Probed(nearest, behaviours, best, len(programs))


def _with(release: Release, behaviour: str, has: bool) -> Release:
    changes: Mapping[str, Any] = {behaviour: has}
    return dataclasses.replace(release, **changes)
