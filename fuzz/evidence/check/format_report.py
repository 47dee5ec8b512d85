"""A report of `zapcore.verify.object` as text that a person reads, or as JSON that a machine does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fuzz.language.printing import format_key
from zapcore.verify.invariants import INVARIANTS, Violation
from zapcore.verify.report import FoundEntry, Report, object_of, shown_key
from zapcore.verify.words_for_hazards import OPERATIONS, Hazard
from zapcore.zap.name import Key

ENTRIES_SHOWN = 100
REASONS_SHOWN = 4
"""For each operation."""
VALUE_SHOWN = 16
"""Bytes."""


def absent_objects(report: Report, absent: frozenset[int]) -> list[Violation]:
    """A violation for each entry that leads to one of these objects, which do not exist."""
    return [
        Violation(
            "entry-object", entry.block, "value", f"{shown_key(entry.key)}: no object {number}", entry.chunk
        )
        for entry in report.entries
        if absent and entry.size == 8 and (number := object_of(entry)) in absent
    ]


def as_text(report: Report, name: str) -> Iterator[str]:
    """Lines: the verdict, every violation, what operations would do, the entries that can be read."""
    order = "" if report.byte_order == "little" else f", {report.byte_order}-endian"
    if report.byte_order == "mixed":
        order = ", blocks of both byte orders"
    total = len(report.violations) + sum(report.unlisted.values())
    verdict = "sound" if report.sound else f"{total} violation{'s' if total > 1 else ''}"
    count = f"{report.blocks} block{'s' if report.blocks > 1 else ''}"
    kind = {"leaf": "leaf of a fat ZAP", "unknown": "no ZAP"}.get(report.kind, f"{report.kind} ZAP")
    yield f"{name}: {verdict}: {kind}, {count} of {report.block_size} bytes{order}"
    if report.header:
        yield "  " + " ".join(f"{field}={_number(field, value)}" for field, value in report.header.items())
    yield from (f"  WRONG {violation}" for violation in report.violations)
    yield from (f"  and {count} more: {INVARIANTS[name]}" for name, count in report.unlisted.items())
    yield from (f"  note: {note}" for note in report.notes)
    yield from _hazards(report)
    yield f"  {report.entries_read} entries can be read"
    yield from (f"    {_entry(entry)}" for entry in report.entries[:ENTRIES_SHOWN])
    if report.entries_read > ENTRIES_SHOWN:
        yield f"    and {report.entries_read - ENTRIES_SHOWN} more"


def _number(field: str, value: int) -> str:
    return f"{value:#x}" if field.endswith(("type", "magic", "salt", "flags")) else str(value)


def _hazards(report: Report) -> Iterator[str]:
    """A table: each operation that was tried, its worst first."""
    if report.sound or not report.tries:
        return
    yield "  what operations do (tried on the model with these bytes, as in a build without assertions):"
    for operation in OPERATIONS:
        reasons = [hazard for hazard in report.hazards if hazard.operation == operation]
        if not reasons and operation in report.tries:
            count = report.tries[operation]
            tried = f"nothing went wrong in {count} tr{'ies' if count > 1 else 'y'}"
            yield f"    {operation:7} {tried if count else 'no try came to an end that is certain'}"
        for hazard in reasons[:REASONS_SHOWN]:
            yield f"    {operation:7} {hazard.effect}: block {hazard.block}: {_why(hazard)}"
        if len(reasons) > REASONS_SHOWN:
            yield f"    {operation:7} and {len(reasons) - REASONS_SHOWN} more"


def _why(hazard: Hazard) -> str:
    more = f", and {hazard.times - 1} more like it" if hazard.times > 1 else ""
    first = f" (with assertions: panics at {hazard.assertion})" if hazard.assertion else ""
    return f"{hazard.why}{more}{first}"


def _hazard_dict(hazard: Hazard) -> dict[str, Any]:
    return {**hazard._asdict(), "key": None if hazard.key is None else _key(hazard.key)}


def _key(key: Key) -> list[int] | str:
    return list(key) if isinstance(key, tuple) else key.decode("utf-8", "backslashreplace")


def _entry(entry: FoundEntry) -> str:
    value = entry.value[:VALUE_SHOWN].hex() + ("..." if len(entry.value) > VALUE_SHOWN else "")
    lost = " (in a leaf that nothing leads to)" if entry.lost else ""
    shape = f"cd={entry.cd} int={entry.size} len={entry.length}"
    return f"block {entry.block} chunk {entry.chunk}: {format_key(entry.key)} {shape} {value}{lost}"


def as_dict(report: Report, name: str) -> dict[str, Any]:
    """Everything, as JSON has it: keys are lists of words or text (bytes that are not UTF-8 as \\xNN)."""
    return {
        "name": name,
        "sound": report.sound,
        "kind": report.kind,
        "byte_order": report.byte_order,
        "block_size": report.block_size,
        "blocks": report.blocks,
        "header": report.header,
        "violations": [_violation_dict(violation) for violation in report.violations],
        "unlisted": report.unlisted,
        "hazards": [_hazard_dict(hazard) for hazard in report.hazards],
        "tries": report.tries,
        "notes": report.notes,
        "entries_read": report.entries_read,
        "entries": [_entry_dict(entry) for entry in report.entries],
    }


def _violation_dict(violation: Violation) -> dict[str, Any]:
    fields = {**violation._asdict(), "field": violation.place, "meaning": INVARIANTS[violation.invariant]}
    del fields["elements"]  # stand in the field's name
    return fields


def _entry_dict(entry: FoundEntry) -> dict[str, Any]:
    return {**entry._asdict(), "key": _key(entry.key), "value": entry.value.hex()}


def as_json(report: Report, name: str) -> str:
    """One line."""
    return json.dumps(as_dict(report, name))
