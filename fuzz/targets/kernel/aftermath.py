"""What is left on disk of a program that has failed: boot again, import the pool, and look at everything once
more. A step that the kernel does not survive has another boot before the next one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from fuzz.evidence.check.files import BadInput
from fuzz.evidence.check.pool import read_objects
from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program
from fuzz.targets.kernel.guest import POOL
from fuzz.targets.kernel.plain_files import OWNING, pack
from fuzz.targets.kernel.target import KernelTarget
from fuzz.targets.packages.cache_folder import cache_folder, working_folder
from zapcore.errors import errno_name
from zapcore.verify.object import check_object

LATER_FILE = 60_000
"""The first of the files that come after an import."""
SYNCED = 24
"""How many of the program's last projects get one more file then, each in a txg of its own."""

SHOWN = 3
"""Violations of a ZAP's blocks that are told in full."""

Step = Callable[[KernelTarget, Program], Iterator[str]]


def left_after(target: KernelTarget, program: Program) -> Iterator[str]:
    """A line for each step, and one for each that ends the kernel or does not come back."""
    steps: list[Step] = [_names, _scrub, _readdir]
    steps.append(_blocks)
    if any(zap.usage for zap in program.zaps):
        steps += [_file_without_project, _files_with_projects, _projectspace]
    up = False
    for step in steps:
        try:
            if not up:
                _import_again(target)
                yield "booted again; the pool is imported"
                if not _is_there(target):
                    yield "not all of its directories are there: no txg of the program had synced them"
                    return
                target.open_directories()
            up = False
            yield from step(target, program)
            up = True
        except Failure as failure:
            yield f"{failure.text.splitlines()[0] if failure.text else ''} [{failure.signature}]"
            if failure.signature.place.endswith(":import"):
                return


def _import_again(target: KernelTarget) -> None:
    with target.failing(Op("import")):
        target.guest.reboot()
        target.import_pool("-f")
        target.open_pool()


def _is_there(target: KernelTarget) -> bool:
    paths = [target.path_of(zap).decode() for zap in target.directories]
    return target.guest.run("/bin/ls", "-d", *paths)[0] == 0


def _names(target: KernelTarget, program: Program) -> Iterator[str]:
    names = {op.key for op in program.ops if op.verb == "touch"}
    with target.failing(Op("contains")):
        for zap, slot in target.directories.items() if names else ():
            asked = [pack(Op("contains", zap, name), {zap: slot}) for name in names]
            codes = Counter(code for code, _ in target.answers(b"".join(asked), len(asked)))
            told = ", ".join(f"{count} {errno_name(code)}" for code, count in sorted(codes.items()))
            yield f"{zap}: of the names that the program ever made: {told}"


def _scrub(target: KernelTarget, program: Program) -> Iterator[str]:
    with target.failing(Op("scrub")):
        yield "scrub: " + (target.scrubbed() or "no errors, the pool is healthy")


def _readdir(target: KernelTarget, program: Program) -> Iterator[str]:
    with target.failing(Op("readdir")):
        for zap, listed in zip(target.directories, target.listed(), strict=True):
            yield f"{zap}: readdir gives {len(listed)} names, {len(set(listed))} of them different"


def _file_without_project(target: KernelTarget, program: Program) -> Iterator[str]:
    """What every user does all the time: the project of such a file is 0."""
    zap = next(zap.name for zap in program.zaps if zap.usage)
    with target.failing(Op("sync")):
        target.answers(pack(Op("touch", zap, b"without"), target.slots), 1)
        target.as_root("/sbin/zpool", "sync", POOL)
        yield "one more file that has no project: it is synced"


def _files_with_projects(target: KernelTarget, program: Program) -> Iterator[str]:
    given = [op for op in program.ops if op.verb in OWNING and op.verb != "free"][-SYNCED:]
    for number, op in enumerate(given):
        more = op._replace(verb="allocate", size=1, length=LATER_FILE + number)
        with target.failing(Op("sync")):
            target.answers(pack(more, target.slots), 1)
            target.as_root("/sbin/zpool", "sync", POOL)
    yield f"one more file for each of the last {len(given)} projects: they are synced"


def _projectspace(target: KernelTarget, program: Program) -> Iterator[str]:
    with target.failing(Op("projectspace")):
        for dataset in sorted(set(target.datasets.values())):
            words = ("/sbin/zfs", "projectspace", "-H", "-p", "-o", "name,objused", dataset)
            yield f"{dataset}: zfs projectspace tells {len(target.as_root(*words).splitlines())} projects"


def _blocks(target: KernelTarget, program: Program) -> Iterator[str]:
    """What `zapfuzz check` says of the blocks on disk: of each directory's, or of the ZAP of usage's."""
    readable = [zap for zap in program.zaps if not zap.properties.encryption]
    if len(readable) < len(program.zaps):
        yield "blocks on disk that are encrypted are not judged"
    with target.failing(Op("check")):
        numbers = {zap.name: -zap.usage or _number(target, zap.name) for zap in readable}
        target.as_root("/sbin/zpool", "sync", POOL)
        with working_folder(target.guest.image.parent, ".pool-") as folder:
            image = folder / "pool"
            target.guest.save_pool(image)
            for zap, number in numbers.items():
                yield f"{zap} on disk: {_judged(target, image, target.datasets[zap], number)}"


def _number(target: KernelTarget, zap: str) -> int:
    return int(target.as_root("/bin/stat", "-c", "%i", target.path_of(zap).decode()))


def _judged(target: KernelTarget, image: Path, dataset: str, number: int) -> str:
    try:
        for found in read_objects(image, dataset, number, cache_folder() / target.parts.version):
            if isinstance(found, str):
                return found
            report = check_object(found.blocks, operations=False)
            wrong = [str(each) for each in report.violations]
            entries = f"{len(report.entries)} entries can be read"
            return f"{entries}, {len(wrong)} violations{': ' * bool(wrong)}{'; '.join(wrong[:SHOWN])}"
    except BadInput as problem:
        return str(problem)
    return "no object"
