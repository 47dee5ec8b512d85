"""Which target a command line or a reproducer means. The one place where targets are made by name.

What only the real library needs is loaded where it is asked for: an engine's process on the model starts
without it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from fuzz.targets.base import NoTarget, Target
from fuzz.targets.libzpool.locate import NoLibrary
from fuzz.targets.model.target import ModelTarget
from zapcore.release import PINNED, RELEASES, named_release

if TYPE_CHECKING:
    from fuzz.targets.both import BothTarget
    from fuzz.targets.kernel.target import KernelTarget
    from fuzz.targets.libzpool.target import LibzpoolTarget
    from fuzz.targets.two_builds import TwoBuilds

FUZZ_BLOCK_LIMIT = 1 << 10
"""Blocks of one object while fuzzing: tables of 2^16 entries, and programs of milliseconds."""
FUZZ_BYTE_LIMIT = 1 << 23
"""Its bytes: 64 of the largest blocks. A program takes up to three times as much, for what is on disk and in
flight and for what its judges remember."""

LIBRARY_PREFIX = "libzpool-"

KERNEL_PREFIX = "kernel-"
KERNEL_KINDS = ("kernel", "kernel-asserts")
"""Targets that are a guest. A line of [expect] calls them `kernel-2.3.2` and `kernel-asserts-2.3.2`."""

LIBRARIES = tuple(LIBRARY_PREFIX + version for version in PINNED.values())
"""The real libraries that reproducers speak of."""


class Build(NamedTuple):
    """What a target is made of besides a release. `libzpool` is the path of a library (of a kernel's
    modules), `against` that of another one to compare it with; `valgrind` has memcheck watch libraries, and
    `small` bounds objects more closely, as fuzzing wants it."""

    libzpool: str | None = None
    against: str | None = None
    valgrind: bool = False
    small: bool = False


def _model(release: str, build: Build) -> ModelTarget:
    if named_release(release) is None:
        raise NoTarget(
            f"release {release}: expected one of {', '.join(RELEASES)}, or a version such as 2.3.2 or 2.2"
        )
    if build.libzpool is not None:
        raise NoTarget("--libzpool: expected --target libzpool, both or kernel; the model needs no library")
    if build.valgrind:
        raise NoTarget("--valgrind: expected --target libzpool or both; the model needs no library")
    if not build.small:
        return ModelTarget(release)
    return ModelTarget(release, block_limit=FUZZ_BLOCK_LIMIT, byte_limit=FUZZ_BYTE_LIMIT)


def _real(release: str, build: Build) -> LibzpoolTarget:
    from fuzz.targets.libzpool.target import LibzpoolTarget

    if build.libzpool is None and release in RELEASES and release not in PINNED:
        raise NoTarget(
            f"release {release} has no package: give --libzpool PATH, or one of {', '.join(PINNED)}"
        )
    try:
        return LibzpoolTarget(release, build.libzpool, valgrind=build.valgrind)
    except NoLibrary as missing:
        raise NoTarget(str(missing)) from missing


def _both(release: str, build: Build) -> BothTarget:
    from fuzz.targets.both import BothTarget

    return BothTarget(_model(release, Build(small=build.small)), _real(release, build))


def _builds(release: str, build: Build) -> TwoBuilds:
    from fuzz.targets.two_builds import TwoBuilds

    if build.libzpool is None or build.against is None:
        raise NoTarget("--target builds: expected --libzpool PATH and --against PATH, the two to compare")
    other = build._replace(libzpool=build.against)
    return TwoBuilds(_real(release, build), _real(release, other))


def _kernel(release: str, build: Build, modules: str = "shipped") -> KernelTarget:
    from fuzz.targets.kernel.target import KernelTarget

    return KernelTarget(release, modules, build.libzpool, thorough=not build.small)


KINDS: Mapping[str, Callable[[str, Build], Target]] = {
    "model": _model,
    "libzpool": _real,
    "both": _both,
    "builds": _builds,
    "kernel": _kernel,
    "kernel-asserts": functools.partial(_kernel, modules="asserts"),
}
"""How each kind of target is made of a release and a build."""


def make_target(
    kind: str,
    release: str,
    libzpool: str | None = None,
    *,
    small: bool = False,
    against: str | None = None,
    valgrind: bool = False,
) -> Target:
    """A target; see `Build`. Raises NoTarget."""
    make = KINDS.get(kind)
    if make is None:
        raise NoTarget(f"target {kind}: expected one of {', '.join(KINDS)}")
    if against is not None and kind != "builds":
        raise NoTarget(f"--against: expected --target builds, found {kind}")
    if valgrind and kind in KERNEL_KINDS:
        raise NoTarget(f"--valgrind: expected --target libzpool, both or builds, found {kind}")
    return make(release, Build(libzpool, against, valgrind, small))


def name_of_expectation(kind: str, release: str, remedies: Iterable[str] = ()) -> str:
    """How a reproducer's [expect] calls a target: what model and library must share is the model's. With
    remedies: `2.3+trunc-next-table`, their names sorted."""
    named = named_release(release)
    if kind in ("libzpool", *KERNEL_KINDS):
        name = f"{kind}-{PINNED.get(release, release)}"
    else:
        name = named.name if named is not None else release
    return "+".join((name, *sorted(remedies)))


@functools.cache
def target_of_expectation(name: str) -> Target | None:
    """The target that a line of a reproducer's [expect] speaks of, a release, `libzpool-VERSION`,
    `kernel-VERSION` or `kernel-asserts-VERSION`; None where this machine cannot have it. The same one each
    time: a worker serves many programs."""
    try:
        if name.startswith(KERNEL_PREFIX):
            kind, _, version = name.rpartition("-")
            return make_target(kind, version)
        if name.startswith(LIBRARY_PREFIX):
            return make_target("libzpool", name.removeprefix(LIBRARY_PREFIX))
        return make_target("model", name) if named_release(name) is not None else None
    except NoTarget:
        return None
