"""How far a failure is from what a user can type: file operations on a dataset as it is by default that fail
in the same way on the model, or why there are none."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from fuzz.execution.execute import run
from fuzz.generate.reach.lift_to_files import FILE_SHIFT, FULL, NoWay, Tried, file_name, lifted
from fuzz.generate.reach.project_crowds import project_programs
from fuzz.judge.signature import JUDGED_KINDS
from fuzz.language.program import TO_UPPER, U64, Op, Program, Zap
from fuzz.targets.kernel.plain_files import has_long_names, is_utf8, names_of, why_not_files
from fuzz.targets.model.target import ModelTarget

ANY_USER, INSIDE = "any user who may create files", "code inside the kernel alone"
SALTS = 8
"""Other salts that a program is tried under, to see whether it needs the one it was made for."""
SAME_HASH_BITS = 64

INSTEAD = {
    "cursor": "readdir() begins a cursor of its own in each call, and holds the directory's lock meanwhile",
    "destroy": "a directory's object is destroyed when nobody can walk it any more",
    "update": "directories are written by zap_add() and zap_remove() alone",
    "lookup": "the value of a directory's entry is one 64-bit integer, and is read as such",
    "lookup_norm": "the value of a directory's entry is one 64-bit integer, and is read as such",
}
"""What of a plain user's file operations stands in the way of a verb."""
THREADS = (
    "threads meet in one ZAP: Linux holds a directory's lock (i_rwsem) through every create, unlink and"
    " rename in it, and through readdir"
)


class Reach(NamedTuple):
    """A distance: `program` is None where there is no way, and `why` says what stands in it."""

    who: str
    program: Program | None = None
    outcome: str = ""
    by_default: bool = False
    needs_salt: bool = False
    why: str = ""

    def lines(self) -> list[str]:
        """What a person reads."""
        if self.program is None:
            return [f"who can do it: {self.who}", f"no way by file operations: {self.why}"]
        settings = "longname=on" if has_long_names(self.program) else "none: a dataset as it is by default"
        salt = "is needed" if self.needs_salt else f"is not needed ({SALTS} others tried)"
        shown = (
            "a build as distributions ship it shows it"
            if self.by_default
            else (
                "only a build with assertions stops there; what goes wrong after it is for the kernel to show"
            )
        )
        return [
            f"who can do it: {self.who}",
            f"operations: {len(self.program.ops)}",
            f"settings: {settings}",
            f"the directory's salt: {salt}",
            f"on the model: {self.outcome}",
            f"without assertions: {shown}",
        ]


def crowd(program: Program) -> Program:
    """As many names of one hash as no leaf of a directory takes, whatever its salt is."""
    if len(program.zaps) != 1 or any(op.verb != "touch" for op in program.ops):
        raise NoWay("it is more than creating files")
    names = [file_name(0, number, SAME_HASH_BITS) for number in range(FULL + 1)]
    zap = Zap(program.zaps[0].name, fat=False, leaf_shift=FILE_SHIFT)
    return Program((zap,), tuple(Op("touch", zap.name, name, fill=1) for name in names))


def same(program: Program) -> Program:
    """The program as it is, where it is one of file operations."""
    if (why := why_not_files(program)) is not None:
        raise NoWay(why)
    return program


def of_projects(program: Program, fails: Callable[[Program], bool]) -> Program:
    """Project ids that files of one user have, in leaves of 16 KiB."""
    if not any(zap.usage for zap in program.zaps):
        raise NoWay("it has no ZAP of usage")
    for made in project_programs():
        if fails(made):
            return made
    raise NoWay("no crowd of project ids fails in the same way on the model")


UTF8 = (
    "a normalization turns utf8only on, and the file system refuses a name that is no UTF-8 before the ZAP"
    " has it"
)
OWNERS = "a user's or a group's id is for root to choose; a project's for the owner of a file (chattr -p)"


def _obstacle(program: Program) -> str | None:
    """What no other names or numbers would change."""
    if any(op.thread for op in program.ops):
        return THREADS
    if any(zap.norm & ~TO_UPPER for zap in program.zaps) and not all(map(is_utf8, names_of(program))):
        return UTF8
    return next(
        (f"`{op.verb}`: {INSTEAD[op.verb]}" for op in program.ops if op.verb in ("cursor", "destroy")), None
    )


def reach(program: Program, release: str = "2.3", tried: Tried | None = None) -> Reach:
    """The shortest way of those known. A program that ends well reaches nothing. `tried` is counted."""
    obstacle = _obstacle(program)
    if obstacle is not None:
        return Reach(INSIDE, why=obstacle)
    model = ModelTarget(release)
    # what a kernel shows is what the model shows by itself; what only a judge sees is the second choice
    wanted = [str(run(program, model, judge=judge)) for judge in (False, True)]
    if any(zap.usage for zap in program.zaps):
        wanted.append(str(run(_synced(program), model)))
    if wanted == ["fine", "fine"]:
        return Reach(INSIDE, why=f"the program ends well on {release}")
    aims = [text for text in dict.fromkeys(wanted) if text != "fine"]
    reasons = []
    for aim in aims:
        judged = aim.split()[0] in JUDGED_KINDS

        def fails(made: Program, aim: str = aim, judged: bool = judged) -> bool:
            return str(run(made, model, judge=judged)) == aim

        ways: tuple[Callable[[], Program], ...] = (
            lambda: same(program),
            lambda: crowd(program),
            lambda fails=fails: of_projects(program, fails),  # type: ignore[misc]
            lambda fails=fails: lifted(program, fails, tried=tried),  # type: ignore[misc]
        )
        for way in ways:
            try:
                found = way()
            except NoWay as why:
                reasons.append(str(why))
                continue
            if fails(found):
                return _told(found, aim, fails)
    verb = next((INSTEAD[op.verb] for op in program.ops if op.verb in INSTEAD), "")
    if any(zap.usage for zap in program.zaps):
        verb = OWNERS
    return Reach(INSIDE, why=verb or reasons[-1])


def _synced(program: Program) -> Program:
    """The program with nothing in flight when an op has ended, so that a judge sees each txg's work."""
    return program.with_ops([Op("sync") if op.verb == "txg" else op for op in program.ops])


def _told(program: Program, aim: str, fails: Callable[[Program], bool]) -> Reach:
    rng = Random(1)
    salted = [
        Program(tuple(zap._replace(salt=rng.getrandbits(64) & U64 | 1) for zap in program.zaps), program.ops)
        for _ in range(SALTS)
    ]
    needs = not all(fails(each) for each in salted)
    by_default = aim == "limit" or aim.split()[0] in ("hang", "oracle", "work")
    return Reach(ANY_USER, program, aim, by_default, needs)
