"""What was salvaged as JSON, and as lines of zdb with which a person gets the files back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from zapcore.verify.salvage import Salvage, Salvaged
from zapcore.zap.name import Key

TYPES = {
    **{1: "FIFO", 2: "character device", 4: "directory", 6: "block device"},
    **{8: "file", 10: "link", 12: "socket"},
}
"""What the types in a directory's values are."""


def as_json(found: Salvage, name: str) -> str:
    """One line: every entry, and what is lost."""
    return json.dumps(
        {
            "name": name,
            "kind": found.report.kind,
            "sound": found.report.sound,
            "entries": [_entry(entry) for entry in found.entries],
            "lost": {
                "missing": found.missing,
                "parts": [
                    {"block": part.block, "chunk": part.chunk, **_name(part.name), "value": part.value.hex()}
                    for part in found.parts
                ],
                "violations": [str(violation) for violation in found.report.violations],
            },
        }
    )


def _entry(entry: Salvaged) -> dict[str, Any]:
    return {
        **_name(entry.key),
        "object": entry.object,
        "type": TYPES.get(entry.type, str(entry.type)),
        "value": entry.value.hex(),
        "block": entry.block,
        "chunk": entry.chunk,
        "reached": entry.reached,
        "verified": entry.verified,
    }


def _name(key: Key) -> dict[str, Any]:
    """A key as text; bytes that are not UTF-8 as \\xNN, and then the bytes in hex beside it."""
    if isinstance(key, tuple):
        return {"key": list(key)}
    try:
        return {"name": key.decode()}
    except UnicodeDecodeError:
        return {"name": key.decode("utf-8", "backslashreplace"), "name_hex": key.hex()}


def as_lines(found: Salvage, name: str, dataset: str = "") -> Iterator[str]:
    """A shell's lines: `zdb -r` for what a lookup finds, how to go by the object's number for the rest."""
    where = dataset or "POOL/NAME"
    total = len(found.entries)
    yield f"# {name}: {total} entries got, {found.missing} more counted, {len(found.parts)} in parts only"
    if not dataset:
        yield "# put the dataset for POOL/NAME"
    yield "# put the directory's path in the dataset for DIRECTORY (empty for its root)"
    for entry in found.entries:
        if isinstance(entry.key, tuple):
            yield f"# key {':'.join(f'{word:#x}' for word in entry.key)} = {entry.value.hex()}"
            continue
        what = TYPES.get(entry.type, f"type {entry.type}")
        text = quoted(entry.key)
        if entry.type == 4:
            yield f"# {what} {entry.object}: {text}: zdb -dddd {where} {entry.object}"
        elif entry.reached and entry.verified:
            yield f"zdb -r {where} DIRECTORY/{text} ./{text}  # {what} {entry.object}"
        else:
            yield (
                f"# {what} {entry.object}: {text}: not found by name; `zdb -ddddd {where} {entry.object}` "
                "lists its blocks, each for `zdb -R POOL VDEV:OFFSET:LSIZE/PSIZE:dr`"
            )
    for part in found.parts:
        rest = f"{quoted(part.name)}..., value {part.value.hex()}"
        yield f"# lost: block {part.block} chunk {part.chunk}: {rest}"


def quoted(name: bytes) -> str:
    """A name as a shell takes it, also on a line of a comment."""
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+=:,@%"
    if name and all(byte in plain for byte in name):
        return name.decode()
    pieces = []
    for byte in name:
        escaped = chr(byte) in "\\'" or not 32 <= byte < 127
        pieces.append(f"\\x{byte:02x}" if escaped else chr(byte))
    return f"$'{''.join(pieces)}'"
