"""Objects that somebody owns, on the model, and the ZAPs of usage that syncing context keeps of them."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from fuzz.execution.result import Result
from fuzz.language.program import U64, Op, Zap
from fuzz.language.verb_sets import CHANGING
from fuzz.targets.model.world import HANDLERS, ModelWorld
from zapcore.errors import ZapErrno
from zapcore.user_accounting import KINDS, Account, Accounting, Usage, special_number

NOT_OURS = Result(errno.EPERM)
"""Of an op that would change a ZAP that syncing context keeps."""
ALL_IDS = 7
"""The user, the group and the project."""
BLOCK = 512
"""Bytes of a block of an object that somebody owns."""


class AccountedWorld(ModelWorld):
    """A world whose programs may have ZAPs of usage."""

    def begin_accounting(self, headers: Sequence[Zap]) -> None:
        """Make the three ZAPs of usage; ops on those of the header that would change them are refused."""
        kept = {header.usage: header for header in headers if header.usage}
        other = Zap("", fat=False)
        usages = {kind: Usage(kept.get(kind, other).fat, kept.get(kind, other).salt) for kind in KINDS}
        self.accounting = Accounting(self.objset, usages, next(iter(kept.values())).leaf_shift)
        self.numbers |= {header.name: special_number(kind) for kind, header in kept.items()}
        names = frozenset(header.name for header in kept.values())
        usual = self.usual_handlers

        def change(op: Op) -> Result:
            return NOT_OURS if op.subject in names or op.other in names else usual[op.verb](op)

        self.handlers = usual | dict.fromkeys(CHANGING, change)


def _owned(world: ModelWorld, op: Op, there: bool) -> list[int]:
    """The objects of an op that are there, or those that are not. Raises ENOTSUP without accounting."""
    if world.accounting is None:
        raise ZapErrno(errno.ENOTSUP)
    objects = world.accounting.objects
    return [number for number in range(op.first, op.first + op.many) if (number in objects) is there]


def _change(
    world: ModelWorld, op: Op, changed: Callable[[int, Account], Account | None], *, there: bool = True
) -> Result:
    """Change objects; how many there were, or an errno where there is none."""
    numbers = _owned(world, op, there)
    accounting = world.accounting
    assert accounting is not None
    for number in numbers:
        accounting.change(number, changed(number, accounting.objects.get(number, Account(0, 0, 0))))
    return Result(0, len(numbers)) if numbers else Result(errno.ENOENT if there else errno.EEXIST)


def _owned_by(op: Op, number: int, before: Account) -> Account:
    """The account of an object after an op has given it to its id, or to one of those that follow."""
    owner = (op.owner + number - op.first) & U64
    whose = op.whose or ALL_IDS
    user, group, project = (owner if whose >> place & 1 else old for place, old in enumerate(before[:3]))
    return Account(user, group, project, before.used)


@HANDLERS.of("allocate")
def allocate(world: ModelWorld, op: Op) -> Result:
    """dmu_object_alloc()."""
    return _change(world, op, lambda number, before: _owned_by(op, number, before), there=False)


@HANDLERS.of("chown")
def chown(world: ModelWorld, op: Op) -> Result:
    """Other ids in the bonus buffer (zfs_setattr)."""
    return _change(world, op, lambda number, before: _owned_by(op, number, before))


@HANDLERS.of("free")
def free(world: ModelWorld, op: Op) -> Result:
    """dmu_object_free()."""
    return _change(world, op, lambda number, before: None)


@HANDLERS.of("resize")
def resize(world: ModelWorld, op: Op) -> Result:
    """dmu_write() and dmu_free_range()."""
    return _change(world, op, lambda number, before: before._replace(used=op.fill * BLOCK))
