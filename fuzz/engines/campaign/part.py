"""The parts of a campaign's corpus as bytes: what one slice has brought, or many of them together.

A part is text. Each line has a checksum and is JSON, and what matters most comes first: of a part that was
cut short, the lines before the cut are good, and the last line of all says whether there is a cut.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from fuzz.engines.campaign.ledger import Arm, Finding, Ledger, Open

FORMAT = 1
STATES_A_LINE = 2000


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A part. What it `covers` are the names of parts that it holds the sum of: they are not counted beside
    it. `whole` is False if it was cut short."""

    ledger: Ledger
    covers: frozenset[str] = frozenset()
    generation: int = 0
    whole: bool = True


class NoPart(ValueError):
    """These bytes are no part, not even the beginning of one. The text says what was expected."""


def encode(part: Part) -> bytes:
    """The bytes of a part."""
    lines = [*_rows(part)]
    lines.append({"end": len(lines)})
    return b"".join(map(_line, lines))


def _line(row: dict[str, Any]) -> bytes:
    text = json.dumps(row, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _rows(part: Part) -> Iterator[dict[str, Any]]:
    ledger = part.ledger
    yield {"zapfuzz part": FORMAT, "covers": sorted(part.covers), "generation": part.generation}
    for text, finding in ledger.findings.items():
        yield {"finding": text, **dataclasses.asdict(finding)}
    for text, each in ledger.open.items():
        arm = dataclasses.astuple(each.arm)
        yield {"open": text, "program": each.program, "arm": arm, "again": each.again}
    yield {"ledger": ledger.as_data()}
    for release, states in ledger.states.items():
        some = sorted(states)
        for at in range(0, len(some), STATES_A_LINE):
            packed = struct.pack(f"<{len(some[at : at + STATES_A_LINE])}q", *some[at : at + STATES_A_LINE])
            yield {"states": release, "packed": base64.b64encode(packed).decode()}
    for data in sorted(ledger.inputs):
        yield {"input": base64.b64encode(data).decode()}


def decode(data: bytes) -> Part:
    """Read a part, as far as it goes. Raises NoPart if that is nowhere."""
    ledger = Ledger()
    covers: frozenset[str] = frozenset()
    generation = -1
    for number, line in enumerate(data.split(b"\n")):
        row = _row(line)
        if row is None:
            break
        try:
            if row.get("zapfuzz part") == FORMAT and not number:
                covers, generation = frozenset(row["covers"]), int(row["generation"])
            elif generation < 0:
                break
            elif row.get("end") == number:
                return Part(ledger, covers, generation)
            else:
                _take(ledger, row)
        except (ValueError, KeyError, TypeError, binascii.Error, struct.error):
            break
    if generation < 0:
        raise NoPart(f"expected a part of a campaign's corpus, format {FORMAT}")
    return Part(ledger, covers, generation, whole=False)


def _row(line: bytes) -> dict[str, Any] | None:
    """One line, if its checksum is right."""
    try:
        row = json.loads(line[9:]) if line[:9] == b"%08x " % zlib.crc32(line[9:]) else None
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _take(ledger: Ledger, row: dict[str, Any]) -> None:
    if "finding" in row:
        text = row.pop("finding")
        ledger.findings[text] = Finding(**row)
    elif "open" in row:
        ledger.open[row["open"]] = Open(row["program"], Arm(*row["arm"]), row["again"])
    elif "ledger" in row:
        ledger.take(row["ledger"])
    elif "states" in row:
        packed = base64.b64decode(row["packed"])
        ledger.states.setdefault(row["states"], set()).update(struct.unpack(f"<{len(packed) // 8}q", packed))
    elif "input" in row:
        ledger.inputs.add(base64.b64decode(row["input"]))
