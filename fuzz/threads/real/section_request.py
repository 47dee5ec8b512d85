"""What a SECTION request and its answer carry in addition to the ops and their results: JSON, which both ends
check."""

from __future__ import annotations

import json
import struct
from typing import Any, NamedTuple

from fuzz.targets.libzpool.process.wire import WireProblem
from fuzz.threads.real.turn_plan import Point, SectionPlan, Synced, Turn, What

_LENGTH = struct.Struct("<I")

TURNS_AT = 1024
"""The offset in the shared page from which each turn has a byte for its mark."""
OPS_AT = 64
"""The offset in the shared page from which each thread has 8 bytes: the index in the section of its op."""
MOST_TURNS = 3072
PENDING, EXACT, NEAR = 0, 1, 2
"""The marks of a turn: it has not ended, it ended at its point, it ended somewhere else."""


class Section(NamedTuple):
    """A request: the thread of each op, the plan, and how many seconds a thread may take to its next
    point."""

    threads: list[int]
    plan: SectionPlan
    patience: float


class Answer(NamedTuple):
    """What became of a section.

    `ticks` says for each op when it began and when it ended (0 if it did not). `instead` has, by their index,
    the turns that did not end at their point: the point where each one ended (None if its thread had ended)
    and whether the thread waits there. `compared`, `extra` and `divergences` are what comparing the points
    with the model's has found. `stuck` is `hang`, `deadlock` or empty, and `stacks` are those of the threads
    that stand somewhere then. `silent` is the thread that came to no point any more, or 0.
    """

    ticks: list[tuple[int, int]]
    instead: dict[int, tuple[Point | None, bool]]
    compared: int
    extra: int
    divergences: dict[int, str]
    stuck: str = ""
    stacks: dict[int, list[str]] = {}
    silent: int = 0


def join(head: Any, body: bytes) -> bytes:
    """JSON, then bytes."""
    text = json.dumps(head).encode()
    return _LENGTH.pack(len(text)) + text + body


def part(whole: bytes) -> tuple[Any, bytes]:
    """The other way. Raises WireProblem."""
    try:
        (length,) = _LENGTH.unpack_from(whole)
        end = _LENGTH.size + length
        return json.loads(whole[_LENGTH.size : end]), whole[end:]
    except (struct.error, ValueError) as problem:
        raise WireProblem(f"a section that does not add up: {problem}") from problem


def _point(what: int, zap: int, block: int) -> Point:
    return Point(What(what), int(zap), int(block))


def pack_section(section: Section, ops: bytes) -> bytes:
    """The body of a request; `ops` as `wire.pack_run` gives them."""
    plan = section.plan
    points = {str(thread): mine for thread, mine in plan.points.items()}
    synced = {str(thread): mine for thread, mine in plan.synced.items()}
    return join([section.threads, points, plan.turns, plan.free, synced, section.patience], ops)


def unpack_section(body: bytes) -> tuple[Section, bytes]:
    """The other way. Raises WireProblem."""
    head, ops = part(body)
    try:
        threads, told, listed, free, came, patience = head
        points = {int(thread): [_point(*point) for point in mine] for thread, mine in told.items()}
        synced = {int(thread): [Synced(*each) for each in mine] for thread, mine in came.items()}
        plan = SectionPlan(points, [Turn(*turn) for turn in listed], -1, bool(free), synced)
        return Section([int(thread) for thread in threads], plan, float(patience)), ops
    except (TypeError, ValueError, AttributeError) as problem:
        raise WireProblem(f"a section that does not add up: {problem}") from problem


def pack_answer(answer: Answer, results: bytes) -> bytes:
    """The body of an answer."""
    return join(answer, results)


def unpack_answer(body: bytes) -> tuple[Answer, bytes]:
    """The other way. Raises WireProblem."""
    head, results = part(body)
    try:
        ticks, instead, compared, extra, divergences, stuck, stacks, silent = head
        return Answer(
            [(int(began), int(ended)) for began, ended in ticks],
            {int(turn): (at and _point(*at), bool(waits)) for turn, (at, waits) in instead.items()},
            int(compared),
            int(extra),
            {int(thread): str(how) for thread, how in divergences.items()},
            str(stuck),
            {int(thread): [str(name) for name in names] for thread, names in stacks.items()},
            int(silent),
        ), results
    except (TypeError, ValueError, AttributeError) as problem:
        raise WireProblem(f"a section's answer that does not add up: {problem}") from problem
