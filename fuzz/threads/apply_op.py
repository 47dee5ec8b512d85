"""Runs an op of a thread on the model."""

from __future__ import annotations

from types import FrameType

from fuzz.execution.result import Result
from fuzz.judge.signature import Failure, Signature
from fuzz.language.program import Op
from fuzz.targets.model.world import ModelWorld
from zapcore.errors import openzfs_place


def apply_op(target: ModelWorld, op: Op) -> Result:
    """Run an op; what a freed structure or an index beyond a block does to Python becomes a Failure."""
    try:
        return target.apply(op)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        places = [place for place in map(openzfs_place, _frames(error)) if place != "?:?"]
        if not places:
            raise
        freed = isinstance(error, AttributeError) and error.obj is None
        kind = "use-after-free" if freed else "wild access"
        said = "what is used is not freed" if freed else "what is used is where it is looked for"
        stack = tuple(place.partition(":")[2] for place in places)
        text = f"{kind}: {error}\nPANIC at {places[0]}()"
        raise Failure(Signature(kind, places[0], said, stack), text) from error


def _frames(error: Exception) -> list[FrameType]:
    """The frames that it came through, innermost first."""
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return frames[::-1]
