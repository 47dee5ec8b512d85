"""Which target a command line or a reproducer means. The one place where targets are made by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fuzz.targets.base import TargetLike
from fuzz.targets.model import ModelTarget
from zapcore.release import RELEASES

FUZZ_BLOCK_LIMIT = 1 << 10
"""Blocks of one object while fuzzing: tables of 2^16 entries, and programs of milliseconds."""


class NoTarget(Exception):
    """No such target is to be had; the text says in one line why."""


def _model(release: str, libzpool: str | None, small: bool) -> TargetLike:
    if release not in RELEASES:
        raise NoTarget(f"release {release}: expected one of {', '.join(RELEASES)}")
    return ModelTarget(release, block_limit=FUZZ_BLOCK_LIMIT) if small else ModelTarget(release)


KINDS: Mapping[str, Callable[[str, str | None, bool], TargetLike]] = {"model": _model}
"""How each kind of target is made of a release, the path of a library, and whether to keep objects small."""


def make_target(kind: str, release: str, libzpool: str | None = None, *, small: bool = False) -> TargetLike:
    """A target. `small` bounds objects more closely, as fuzzing wants it. Raises NoTarget."""
    make = KINDS.get(kind)
    if make is None:
        raise NoTarget(f"target {kind}: expected one of {', '.join(KINDS)}")
    return make(release, libzpool, small)


def target_of_expectation(name: str) -> TargetLike | None:
    """The target that a line of a reproducer's [expect] speaks of; None where this machine cannot have it."""
    if name in RELEASES:
        return make_target("model", name)
    return None
