"""The messages in a JSON value, whoever made it: journald, dmesg, docker, GELF, Loki, Elasticsearch,
macOS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

_DEEPEST = 12
_TEXTS = (
    "MESSAGE",
    "full_message",
    "message",
    "msg",
    "log",
    "short_message",
    "_raw",
    "raw",
    "text",
    "line",
    "body",
    "content",
    "original",
    "macOSPanicString",
    "panicString",
    "@message",
    "textPayload",
    "SyslogMessage",
    "RenderedDescription",
    "Message",
    "stringValue",
    "attributes",
    "kvlistValue",
    "jsonPayload",
    "_msg",
    "data",
    "event",
    "_source",
    "fields",
    "result",
    "record",
)
"""Names under which a message is kept; the first that is there counts."""

_LISTS = (
    "dmesg",
    "entries",
    "hits",
    "events",
    "streams",
    "values",
    "results",
    "data",
    "logs",
    "records",
    "result",
    "items",
    "resourceLogs",
    "scopeLogs",
    "logRecords",
    "messages",
    "tables",
    "series",
)
_HOSTS = ("_HOSTNAME", "hostname", "host", "node", "agent_hostname", "kubernetes_host", "computer")
_PROGRAMS = ("SYSLOG_IDENTIFIER", "program", "ident", "appname", "app_name", "_COMM")
_CUT = re.compile(
    r'"(?:MESSAGE|full_message|message|msg|log|short_message|_raw|text|line|macOSPanicString)"\s*(?::|=>)\s*"(?P<text>(?:[^"\\]|\\.)*)'
)

INTERESTING = re.compile(
    r"VERIFY|ASSERT|PANIC|panic|ssert|\+0x|Trace|\[zfs|BUG|Oops|lockup|zfs:|Fatal|nable to|Comm: "
)
"""What is in most lines of a failure, and in few others."""


class Record(NamedTuple):
    """A message, of one line or several, and who said it where its container tells."""

    text: str
    host: str = ""
    program: str = ""


def records(value: object, depth: int = 0, whole: bool = True) -> Iterator[Record]:
    """Every message in a value, in order. In a `whole` record one under a name that nobody else uses, too."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        if (
            len(value) == 2
            and isinstance(value[1], str)
            and isinstance(value[0], str)
            and value[0][:1].isdigit()
        ):
            yield Record(value[1])  # Loki: a time and a line
            return
        if value and all(isinstance(each, dict) and each.keys() == {"key", "value"} for each in value):
            yield from records({str(each["key"]): _any_value(each["value"]) for each in value}, depth + 1)
            return
        for each in value:
            if isinstance(each, (dict, list)):
                yield from records(each, depth + 1)
    if not isinstance(value, dict):
        return
    names, rows = value.get("columns"), value.get("rows", value.get("values"))
    if isinstance(names, list) and isinstance(rows, list):
        columns = [str(each.get("name")) if isinstance(each, dict) else str(each) for each in names]
        for row in rows:
            if isinstance(row, list):
                yield from records(dict(zip(columns, row, strict=False)), depth + 1)
        return
    for name in _LISTS:
        if isinstance(value.get(name), list) and any(isinstance(each, (dict, list)) for each in value[name]):
            yield from records(value[name], depth + 1)
            return
        if name == "hits" and isinstance(value.get(name), dict):
            yield from records(value[name], depth + 1)
            return
    for name in _TEXTS:
        text = _text(value.get(name))
        if text is not None:
            host, program = _first(value, _HOSTS), _first(value, _PROGRAMS)
            yield Record(text, host, program)
            return
        if isinstance(value.get(name), dict):
            yield from records(value[name], depth + 1)
            return
    if not whole or not value.keys().isdisjoint(_TEXTS):
        return
    strings = [each for each in value.values() if isinstance(each, str)]
    named = [each for each in strings if " " in each] or strings
    if named:
        yield Record(max(named, key=lambda each: (INTERESTING.search(each) is not None, len(each))))


def records_of_cut(text: str) -> Iterator[Record]:
    """The messages that JSON with its end lost still shows."""
    for match in _CUT.finditer(text):
        try:
            yield Record(str(json.loads(f'"{match["text"]}"', strict=False)))
        except ValueError:
            yield Record(match["text"].replace('\\"', '"').replace("\\n", "\n"))


def _text(value: object) -> str | None:
    """A message: a string, or the list of bytes that journald makes of what is not UTF-8."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
        return bytes(value).decode("utf-8", "replace")
    return None


def _any_value(value: object) -> object:
    """What OpenTelemetry calls so: a value in an object that names its type."""
    return next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value


def _first(value: dict[str, object], names: tuple[str, ...]) -> str:
    for name in names:
        found = value.get(name)
        if isinstance(found, str) and 0 < len(found) < 256:
            return found
        if isinstance(found, dict) and isinstance(found.get("name"), str):
            return str(found["name"])
    return ""
