"""A pool without room, or a file system over its quota, on the model: which transactions are refused."""

from __future__ import annotations

import errno

from fuzz.execution.result import DONE, Result
from fuzz.language.program import Op, changes_in_sync
from fuzz.targets.model.world import HANDLERS, ModelWorld


@HANDLERS.of("full")
def full(world: ModelWorld, op: Op) -> Result:
    """dsl_dir_tempreserve_space() of a directory that has used what it may, whatever that is: what syncing
    context writes is not asked for."""
    if changes_in_sync(world.program):
        return Result(errno.ENOTSUP)
    world.objset.full = op.no_room if op.fill else 0
    return DONE
