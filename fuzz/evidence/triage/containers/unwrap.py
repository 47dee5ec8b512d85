"""Raw lines of a log in any container to lines of text: what journald, dmesg, containers and collectors
export.

A record is recognized by its own look, line by line, so that a log may change its container in its middle.
Knows
no failure.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterator

from fuzz.evidence.triage.containers.log_prefixes import MAX_LINE, Line, split_text
from fuzz.evidence.triage.containers.markup import decode, plain_lines
from fuzz.evidence.triage.containers.records import INTERESTING, Record, records, records_of_cut

LONGEST = 1 << 20
"""Bytes of a raw line that are looked at."""

_MAX_TEXTS = 1 << 16
"""Lines that one raw line may hold."""
_DEEPEST = 4
"""Records in one another."""

# journald's export and verbose forms: a field a line.
_MESSAGE = re.compile(r"\s*MESSAGE=")
_FIELD = re.compile(
    r"\s*(?:_{1,2}[A-Z][A-Z0-9_]*|PRIORITY|SYSLOG_\w+|CODE_\w+|MESSAGE_ID|INVOCATION_ID|JOB_\w+|UNIT|TID|ERRNO"
    r"|USER_\w+|SESSION_ID|LEADER|DEVLINKS|DEVTYPE|DEVICE|SUBSYSTEM|COREDUMP_\w+|NM_\w+)=(?P<value>.*)"
)
_VERBOSE = re.compile(r"\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \S+ \[s=[0-9a-f]+;")
_LENGTH = re.compile(rb"[\x00-\xff]{1,3}\x00{5,7}")
_FRAGMENT = re.compile(
    r"(?P<head>\d{1,3},\d+,\d+,[-c+](?:,caller=\w+)?),ncfrag=(?P<at>\d{1,5})/(?P<size>\d{1,5})(?P<rest>[^;]*;)"
)
_JSON = re.compile(
    r'[\s,\[]*(?:[\w.\-/]+[:\t ]+|[^{"]{0,80}?[ `\t](?=\{"|\[\[))?(?P<json>[\[{].*)', re.DOTALL
)
_LOOKS_JSON = re.compile(r'[\[{]\s*"|\[\s*[\[{]')
_PYTHON = re.compile(r"\{'\w+': .*\}")
"""A dictionary that a program of Python has printed."""
_BRACES = re.compile(r'\s*[\[\]{},]+\s*$|\s*"\w+"\s*:\s*[\[{]\s*$')
_BYTES_BEGIN = re.compile(r'\s*"MESSAGE"\s*:\s*\[\s*$')
_BYTE = re.compile(r"\s*(?P<byte>\d{1,3})\s*,?\s*$")
_STRING = re.compile(r'\s*"(?:[^"\\]|\\.)*",?\s*$')
"""One of a list of lines, as Ansible prints it."""
_PAIR = re.compile(r'\s*"(?P<name>[\w.@\-]+)"\s*:\s*(?P<value>.+?),?\s*$')
_LOGFMT = re.compile(r"[\w.\-]+=(?:\"|\S)")
_LOGFMT_TEXT = re.compile(
    r'(?:^| )(?:msg|message|log|line|text|MESSAGE|_msg)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"?|(?P<bare>\S*))'
)
_LOGFMT_HOST = re.compile(r'(?:^| )(?:host|hostname|node)="?(?P<host>[\w.\-]+)')
_CSV = re.compile(r'(?:"(?:[^"]|"")*"|[^",;\t|]*)(?P<delimiter>[,;\t|])')
_CSV_HEADER = re.compile(r'"?[\w@.][\w@. ]*"?(?:[,;\t|] ?"?[\w@.][\w@. ]*"?){1,40}\s*$')
_UNQUOTED = re.compile(
    r"\"?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^,;\t| ]{0,16}(?: [+-]\d\d:?\d\d| [A-Z]{3,4})?\"?[,;\t"
    r"|] ?(?:\"?[\w.\-:@/\[\]]{0,64}\"?[,;\t"
    r"|] ?){0,8}(?=\S| )"
)
_TEXT_COLUMNS = (
    "message",
    "msg",
    "_raw",
    "log",
    "line",
    "text",
    "body",
    "content",
    "event",
    "description",
    "@message",
)
_HOST_COLUMNS = ("host", "hostname", "_hostname", "node", "computer")
_PARTIAL = re.compile(r"(?P<head>\S+ std(?:out|err)) (?P<tag>[PF]) (?P<text>.*)")
_HASH = re.compile(r'"(?:log|message|msg|MESSAGE)"=>"')
_YAML = re.compile(r"\s*(?:- )?(?:message|msg|log|line|text): (?P<mark>['\"])(?P<text>.*)(?P=mark)\s*$")


_ORDINARY = re.compile(
    rb"(?:\[ *\d+\.\d+\] |[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "
    rb"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.:+\-Z]{0,16} (?=[a-z]))"
    rb"(?:[ !%&'()*+,\-./0-9:>?@A-Z\[\]_`a-z~]|=(?!3D)|#(?!0)|\[<[0-9a-f]{8,16}>\]|</?TASK>)*+\r?$"
)
"""A line of dmesg, syslog or journalctl without any character by which containers, markup or encodings are
known: of those that it may have, `&` alone is no entity, and a comma separates no cells where no table is."""


class Unwrapper:
    """Raw lines in, lines out. Remembers columns of a table, the host of a record of many lines, and
    fragments."""

    def __init__(self) -> None:
        self._column = -1
        self._host_column = -1
        self._width = 0
        self._delimiter = ""
        self._host = ""
        self._binary = False
        self._fragment = ("", 0, "")
        self._bytes: bytearray | None = None
        self._partial = ""
        self._ends_lines = False

    @property
    def waiting(self) -> bool:
        """True while a piece of a message is held, whose others must come next."""
        return bool(self._fragment[0] or self._partial) or self._bytes is not None

    def lines(self, raw: bytes, number: int, offset: int) -> Iterator[Line]:
        """The lines of text that one raw line holds; none for what a container adds."""
        held = self._binary or self._partial or self._bytes is not None or self._column >= 0
        if not held and b" P " not in raw and _ORDINARY.match(raw) is not None:
            yield split_text(raw[:MAX_LINE].decode("ascii"), number, offset)
            return
        if b"\0" in raw:
            raw = _LENGTH.sub(b"", raw, count=1) if _LENGTH.match(raw) else raw
            raw = raw.replace(b"\0", b"")
        text, made = decode(raw), 0
        for record in self._records(text):
            for plain in _plain(record):
                for each in (record,) if "{" not in plain else self._inner(record, plain, text):
                    made += 1
                    if made > _MAX_TEXTS:
                        return
                    said = plain if each is record else each.text
                    yield split_text(said[:MAX_LINE], number, offset, each.host, each.program)

    def _inner(self, record: Record, plain: str, outside: str, depth: int = 0) -> Iterator[Record]:
        """The lines of a record's line that is a record itself, as where docker keeps what journald printed;
        else the line. `outside` was looked at already."""
        found = self._json(plain) if plain != outside and depth < _DEEPEST else None
        if found is None:
            yield record._replace(text=plain)
            return
        for inner in found:
            named = Record(inner.text, inner.host or record.host, inner.program or record.program)
            for line in _plain(named):
                yield from self._inner(named, line, plain, depth + 1)

    def _records(self, text: str) -> Iterator[Record]:
        text = text.rstrip("\r\n").removeprefix("\ufeff")
        if ",ncfrag=" in text:
            yield from self._fragments(text)
            return
        if " P " in text or self._partial:
            piece = self._piece(text)
            if piece is None:
                return
            text = piece
        if self._bytes is not None:
            byte = _BYTE.match(text)
            if byte is not None and int(byte["byte"]) < 256 and len(self._bytes) < LONGEST:
                self._bytes.append(int(byte["byte"]))
                return
            held, self._bytes = self._bytes, None
            yield Record(held.decode("utf-8", "replace"), self._host)
            return
        if _BYTES_BEGIN.match(text):
            self._bytes = bytearray()  # journalctl -o json-pretty prints each byte on a line of its own
            return
        if self._binary:
            self._binary = False
            yield Record(text, self._host)
            return
        field = self._journal(text)
        if field is not None:
            yield from field
            return
        if text[-1:] in "{}[]," and _BRACES.match(text):
            return
        if '"=>"' in text and _HASH.search(text):
            yield from records_of_cut(text)  # a hash of Ruby's, as fluentd prints it
            return
        yaml = _YAML.match(text) if ": " in text else None
        if yaml is not None:
            double = yaml["mark"] == '"'
            yield Record(_unescaped(yaml["text"]) if double else yaml["text"].replace("''", "'"))
            return
        if "{" in text or '"' in text:
            found = [] if _BRACES.match(text) else self._json(text)
            if found is None and (printed := _PYTHON.search(text)) is not None:
                found = _python(printed[0])
            if found is not None:
                yield from self._docker(found) if '{"log":' in text else found
                return
        if "=" in text and _LOGFMT.match(text):
            match = _LOGFMT_TEXT.search(text)
            if match is not None:
                quoted = match["quoted"]
                host = _LOGFMT_HOST.search(text)
                said = _unescaped(quoted) if quoted is not None else match["bare"]
                yield Record(said, host["host"] if host else "")
                return
        yield self._cells(text)

    def _journal(self, text: str) -> list[Record] | None:
        """A field of journald's export or verbose form, or None. A message takes the host told before it."""
        if "=" not in text:
            self._binary = text == "MESSAGE"
            return [] if self._binary or _VERBOSE.match(text) else None
        match = _MESSAGE.match(text)
        if match is not None:
            return [Record(text[match.end() :], self._host)]
        match = _FIELD.match(text)
        if match is None:
            return [] if _VERBOSE.match(text) else None
        if text.lstrip().startswith("_HOSTNAME="):
            self._host = match["value"]
        return []

    def _piece(self, text: str) -> str | None:
        """A line that a containers' runtime cut, when its last piece (F) has come; None before."""
        match = _PARTIAL.match(text)
        if match is None:
            return text
        self._partial = (self._partial + match["text"])[:LONGEST]
        if match["tag"] == "P":
            return None
        whole, self._partial = f"{match['head']} F {self._partial}", ""
        return whole

    def _docker(self, found: list[Record]) -> list[Record]:
        """Docker cuts a line at 16 KiB: a record that does not end it, where others do, waits for more."""
        if len(found) != 1:
            return found
        text = found[0].text
        if not text.endswith("\n") and self._ends_lines:
            self._partial = (self._partial + text)[:LONGEST]
            return []
        self._ends_lines = self._ends_lines or text.endswith("\n")
        whole, self._partial = self._partial + text, ""
        return [found[0]._replace(text=whole)]

    def _fragments(self, text: str) -> Iterator[Record]:
        """A long line that extended netconsole sent in pieces, when its last one has come."""
        match = _FRAGMENT.search(text)
        if match is None:
            yield Record(text)
            return
        head, held, so_far = self._fragment
        at, size, piece = int(match["at"]), int(match["size"]), text[match.end() :]
        if match["head"] == head and at == held:
            piece = so_far + piece
        elif at:
            head = ""
        self._fragment = (match["head"], at + len(text[match.end() :].encode()), piece)
        if self._fragment[1] >= size or (at and not head):
            self._fragment = ("", 0, "")
            yield Record(f"{match['head']}{match['rest']}{piece}")

    def _json(self, text: str) -> list[Record] | None:
        """The records of a line that is JSON, a part of a printed list of records, or cut JSON; else None."""
        match = _JSON.match(text)
        if match is not None and _LOOKS_JSON.match(match["json"]):
            body = match["json"].rstrip().rstrip(",")
            for candidate in (body, body.rstrip("]").rstrip(","), body.lstrip("[")):
                try:
                    return list(records(json.loads(candidate, strict=False)))
                except (ValueError, RecursionError):
                    continue
            return list(records_of_cut(body)) or None
        if _STRING.match(text):
            said = _unescaped(text.strip().rstrip(",")[1:-1])
            return [] if said.isdigit() else [Record(said)]  # Loki gives each line a time
        pair = _PAIR.match(text)
        if pair is None:
            return None
        try:
            value = json.loads(pair["value"], strict=False)
        except (ValueError, RecursionError):
            cut = list(records_of_cut(text))
            return cut or None
        found = list(records({pair["name"]: value}, whole=False))
        return [] if not found and not INTERESTING.search(text) else found or None

    def _cells(self, text: str) -> Record:
        """The cell of a table that holds the message, or the text as it is."""
        match = _CSV.match(text)
        if match is None:
            return Record(text)
        if _CSV_HEADER.match(text) and self._header(text, match["delimiter"]):
            return Record("")
        delimiter = match["delimiter"]
        if '"' not in text:
            plain = _UNQUOTED.match(text)
            if self._column >= 0 and delimiter == self._delimiter and (plain is not None or self._width < 3):
                cells = text.split(delimiter, self._width - 1)
                if len(cells) > self._column and self._column == self._width - 1:
                    return Record(cells[-1], self._host_of(cells))
            return Record(text if plain is None else text[plain.end() :])
        if not (text.startswith('"') or f'{delimiter}"' in text[:400]) or not (
            _UNQUOTED.match(text) or text.startswith('"')
        ):
            return Record(text)
        try:
            cells = next(csv.reader([text], delimiter=delimiter), [])
        except csv.Error:
            return Record(text)
        if len(cells) < 2:
            return Record(text)
        if self._column < 0 or self._column >= len(cells):
            best = [at for at, cell in enumerate(cells) if INTERESTING.search(cell)]
            if not best:
                return Record(cells[-1])
            self._column, self._width, self._delimiter = best[-1], len(cells), delimiter
        return Record(cells[self._column], self._host_of(cells))

    def _header(self, text: str, delimiter: str) -> bool:
        """True for a table's first line, whose columns are then known."""
        names = [name.strip().strip('"').lower() for name in text.strip().split(delimiter)]
        for wanted in _TEXT_COLUMNS:
            if wanted in names:
                self._column, self._width, self._delimiter = names.index(wanted), len(names), delimiter
                self._host_column = next((names.index(name) for name in _HOST_COLUMNS if name in names), -1)
                return True
        return False

    def _host_of(self, cells: list[str]) -> str:
        return cells[self._host_column] if 0 <= self._host_column < len(cells) else ""


def _plain(record: Record) -> Iterator[str]:
    """The lines of a record, without markup."""
    for line in record.text.removesuffix("\n").split("\n"):
        yield from plain_lines(line)


def _python(text: str) -> list[Record] | None:
    try:
        return list(records(ast.literal_eval(text))) or None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _unescaped(text: str) -> str:
    """A quoted string of logfmt: C's and JSON's escapes."""
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text.replace('\\"', '"').replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
