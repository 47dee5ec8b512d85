"""What a SECTION request and its answer say beside the ops and their results: JSON, checked on both ends."""

from __future__ import annotations

import json
import struct
from typing import Any, NamedTuple

from fuzz.targets.libzpool.wire import WireProblem
from fuzz.threads.real.turn_plan import Point, SectionPlan, Turn, What

_LENGTH = struct.Struct("<I")

TURNS_AT = 1024
"""Where in the shared page each turn's mark lies, a byte each; before that, 8 bytes each: the op that each
slot is at (`OPS_AT`, the section's own index)."""
OPS_AT = 64
MOST_TURNS = 3072
PENDING, EXACT, NEAR = 0, 1, 2
"""Marks: the turn has not ended; it ended at its point; it ended elsewhere."""


class Section(NamedTuple):
    """A request: the thread of each op, the plan, and the seconds that a thread has to its next point."""

    threads: list[int]
    plan: SectionPlan
    patience: float


class Answer(NamedTuple):
    """What became of a section: for each op when it began and ended (0: it did not), where each turn that did
    not end at its point ended instead (by its index: the point, None where its thread had ended, and whether
    it waits there), what the matching found, and `stuck` (`hang`, `deadlock` or nothing) with the stacks of
    threads that stand somewhere, and the thread that came to no point if one did not (else 0)."""

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
    return join([section.threads, points, plan.turns, plan.free, section.patience], ops)


def unpack_section(body: bytes) -> tuple[Section, bytes]:
    """The other way. Raises WireProblem."""
    head, ops = part(body)
    try:
        threads, told, listed, free, patience = head
        points = {int(thread): [_point(*point) for point in mine] for thread, mine in told.items()}
        plan = SectionPlan(points, [Turn(*turn) for turn in listed], -1, bool(free))
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
