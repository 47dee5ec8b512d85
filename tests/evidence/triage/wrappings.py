"""Ways in which one log reaches a reader: containers, collectors, encodings, packers, pages, mail. Bytes of
each."""

from __future__ import annotations

import bz2
import csv
import gzip
import html
import io
import json
import lzma
import struct
from collections.abc import Callable

from tests.evidence.triage.collectors import COLLECTORS

_HOST = "db7.example"


def _each(form: Callable[[int, str], str]) -> Callable[[str], bytes]:
    def wrap(log: str) -> bytes:
        lines = log.rstrip("\n").split("\n")
        return "".join(form(number, line) + "\n" for number, line in enumerate(lines)).encode()

    return wrap


def _export(log: str) -> bytes:
    """journalctl -o export; a message that is not plain ASCII, or holds a tab, comes with its length."""
    parts = []
    for number, line in enumerate(log.rstrip("\n").split("\n")):
        head = f"__CURSOR=s=0f;i={number:x}\n_HOSTNAME={_HOST}\n"
        text = line.encode()
        if number % 3:
            message = b"MESSAGE=" + text + b"\n"
        else:
            message = b"MESSAGE\n" + struct.pack("<Q", len(text)) + text + b"\n"
        parts.append(head.encode() + b"_TRANSPORT=kernel\nPRIORITY=0\nSYSLOG_IDENTIFIER=kernel\n" + message)
    return b"\n".join(parts)


def _verbose(number: int, line: str) -> str:
    head = f"Fri 2024-05-03 08:00:43.{number:06d} UTC [s=0f3a;i={number:x};b=77;m=1;t=2;x=3]"
    fields = (
        "_TRANSPORT=kernel",
        f"_HOSTNAME={_HOST}",
        "SYSLOG_IDENTIFIER=kernel",
        f"MESSAGE={line}",
        "_BOOT_ID=77",
    )
    return "\n    ".join((head, *fields))


def _dmesg_json(log: str) -> bytes:
    """dmesg --json, as util-linux prints it."""
    entries = ",".join(
        f'{{\n         "pri":  0,\n         "time":{812 + number / 1e6:12.6f},\n'
        f'         "msg": {json.dumps(line)}\n      }}'
        for number, line in enumerate(log.rstrip("\n").split("\n"))
    )
    return ('{\n   "dmesg": [\n      ' + entries + "\n   ]\n}\n").encode()


def _one_array(log: str) -> bytes:
    entries = [{"pri": 0, "time": 812.5, "msg": line} for line in log.rstrip("\n").split("\n")]
    return json.dumps({"dmesg": entries}, separators=(",", ":")).encode()


def _loki(log: str) -> bytes:
    values = [[str(1714723243000000000 + at), line] for at, line in enumerate(log.rstrip("\n").split("\n"))]
    return json.dumps({"data": {"result": [{"stream": {"host": _HOST}, "values": values}]}}).encode()


def _elastic(log: str) -> bytes:
    hits = [{"_source": {"host": {"name": _HOST}, "message": line}} for line in log.rstrip("\n").split("\n")]
    return json.dumps({"hits": {"hits": hits}}).encode()


def _table(delimiter: str, header: bool) -> Callable[[str], bytes]:
    def wrap(log: str) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
        if header:
            writer.writerow(["timestamp", "hostname", "facility", "message"])
        for line in log.rstrip("\n").split("\n"):
            writer.writerow(["2024-05-03T08:00:43Z", _HOST, "kern", line])
        return out.getvalue().encode()

    return wrap


def _fragments(log: str) -> bytes:
    """Extended netconsole, which sends a long line in pieces."""
    parts = []
    for number, line in enumerate(log.rstrip("\n").split("\n")):
        text, head = line.encode(), f"4,{100 + number},{812000000 + number},-"
        if len(text) < 60:
            parts.append(f"{head};".encode() + text)
            continue
        for at in range(0, len(text), 40):
            parts.append(f"{head},ncfrag={at}/{len(text)};".encode() + text[at : at + 40])
    return b"\n".join(parts) + b"\n"


def _zstd(log: str) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor().compress(log.encode())


def _markdown(number: int, line: str) -> str:
    for mark in "\\_*[]":
        line = line.replace(mark, "\\" + mark)
    return line


def _json(number: int, line: str) -> str:
    fields = {"__REALTIME_TIMESTAMP": str(number), "_HOSTNAME": _HOST, "SYSLOG_IDENTIFIER": "kernel"}
    return json.dumps({**fields, "MESSAGE": line, "PRIORITY": "0"})


def _json_bytes(number: int, line: str) -> str:
    """journald gives a message that is not plain text as its bytes."""
    message = list(line.encode()) if number % 3 == 1 else line
    return json.dumps({"_HOSTNAME": _HOST, "_TRANSPORT": "kernel", "MESSAGE": message})


def _pieces(log: str) -> bytes:
    """A containers' runtime marks the pieces of a line (P) and its last one (F)."""
    parts = []
    for line in log.rstrip("\n").split("\n"):
        head = "2024-05-03T08:00:43.123456789Z stderr"
        parts += [f"{head} P {line[at : at + 30]}" for at in range(0, max(len(line) - 30, 0), 30)]
        parts.append(f"{head} F {line[(len(line) - 1) // 30 * 30 :] if line else ''}")
    return "\n".join(parts).encode() + b"\n"


def _telemetry(log: str) -> bytes:
    told = [{"timeUnixNano": "1", "body": {"stringValue": line}} for line in log.rstrip("\n").split("\n")]
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": told}]}]}).encode()


def _pretty_bytes(log: str) -> bytes:
    records = ({"_HOSTNAME": _HOST, "MESSAGE": list(line.encode())} for line in log.rstrip("\n").split("\n"))
    return "\n".join(json.dumps(record, indent=1) for record in records).encode()


def _docker(number: int, line: str) -> str:
    return json.dumps({"log": line + "\n", "stream": "stderr", "time": "2024-05-03T08:00:43.1Z"})


def _gelf(number: int, line: str) -> str:
    return json.dumps({"version": "1.1", "host": _HOST, "short_message": line, "level": 0, "timestamp": 1.5})


def _among_others(log: str) -> bytes:
    other = "May  3 08:00:42 db7 app[812]: request 4711 served\n" * 3000
    return (other + log + "\nall is well" * 60).encode()


WRAPPINGS: dict[str, Callable[[str], bytes]] = {
    **COLLECTORS,
    "journald json": _each(_json),
    "journald json, bytes": _each(_json_bytes),
    "journald export": _export,
    "journald verbose": _each(_verbose),
    "dmesg json": _dmesg_json,
    "dmesg json on a line": _one_array,
    "docker": _each(_docker),
    "gelf": _each(_gelf),
    "logfmt": _each(
        lambda n, line: f"ts=2024-05-03T08:00:43Z level=emerg host={_HOST} msg={json.dumps(line)}"
    ),
    "csv with a header": _table(",", True),
    "csv without": _table(",", False),
    "csv of semicolons": _table(";", True),
    "tabs": _table("\t", False),
    "a long list of records": lambda log: _one_array("all is well\n" * 60_000 + log + "\nall is well" * 500),
    "loki": _loki,
    "elasticsearch": _elastic,
    "utf-16": lambda log: log.encode("utf-16"),
    "utf-16 big end": lambda log: b"\xfe\xff" + log.encode("utf-16-be"),
    "utf-16 unmarked": lambda log: log.encode("utf-16-le"),
    "utf-8 marked": lambda log: b"\xef\xbb\xbf" + log.encode(),
    "gzip": lambda log: gzip.compress(log.encode()),
    "gzip of utf-16": lambda log: gzip.compress(log.encode("utf-16")),
    "two gzips": lambda log: gzip.compress(log.encode()[:100]) + gzip.compress(log.encode()[100:]),
    "xz": lambda log: lzma.compress(log.encode()),
    "bzip2": lambda log: bz2.compress(log.encode()),
    "zstd": _zstd,
    "page": lambda log: f"<html><body><pre><code>{html.escape(log)}</code></pre></body></html>".encode(),
    "page with breaks": lambda log: ("<p>" + "<br>".join(html.escape(log).split("\n")) + "</p>\n").encode(),
    "page of spans": _each(lambda n, line: f'<tr><td><span class="l">{html.escape(line)}</span></td></tr>'),
    "spaces that do not break": lambda log: log.replace(" ", "\u00a0").encode(),
    "spaces of latin-1": lambda log: log.encode().replace(b" ", b"\xa0"),
    "arrows": lambda log: (
        log.replace("->", "\u2192").replace(">=", "\u2265").replace("<=", "\u2264").encode()
    ),
    "mail": _each(lambda n, line: f"> {line}"),
    "mail of mail": _each(lambda n, line: f">> {line}"),
    "fenced": lambda log: f"It died again:\n```\n{log}\n```\nAny idea?\n".encode(),
    "markdown": _each(_markdown),
    "ticks": _each(lambda n, line: f"`{line}`" if line.strip() else line),
    "numbered": _each(lambda n, line: f"{n + 1:6}\t{line}"),
    "table": _each(lambda n, line: f"| {line} |"),
    "indented": _each(lambda n, line: f"    {line}"),
    "windows": lambda log: log.replace("\n", "\r\n").encode(),
    "syslog": _each(lambda n, line: f"May  3 08:00:43 db7 kernel: {line}"),
    "rfc 5424": _each(lambda n, line: f"<0>1 2024-05-03T08:00:43.123456Z db7 kernel - - - {line}"),
    "short-full": _each(lambda n, line: f"Fri 2024-05-03 08:00:43 UTC db7 kernel: {line}"),
    "short-unix": _each(lambda n, line: f"1714723243.{n:06d} db7 kernel: {line}"),
    "kmsg": _each(lambda n, line: f"0,{n + 10},{812000000 + n},-;{line}"),
    "netconsole in pieces": _fragments,
    "containers' runtime": _each(lambda n, line: f"2024-05-03T08:00:43.123456789Z stderr F {line}"),
    "compose": _each(lambda n, line: f"storage-1  | {line}"),
    "colours": _each(lambda n, line: f"\x1b[31m{line}\x1b[0m"),
    "terminal": _each(lambda n, line: f"[2024-05-03 08:00:43] {line}"),
    "among others": _among_others,
    "containers' runtime in pieces": _pieces,
    "bytes, each on a line": _pretty_bytes,
    "telemetry": _telemetry,
    "azure": _each(lambda n, line: json.dumps({"SyslogMessage": line, "Computer": _HOST})),
    "a name of its own": _each(lambda n, line: json.dumps({"what_it_said": line, "n": n})),
    "hashes": _each(lambda n, line: f'[0] kube.var: [[{n}.0, {{}}], {{"log"=>{json.dumps(line)}}}]'),
    "yaml": _each(lambda n, line: "- message: '" + line.replace("'", "''") + "'"),
    "yaml block": lambda log: b"log: |\n" + _each(lambda n, line: f"    {line}")(log),
    "quoted-printable": _each(lambda n, line: line.replace("=", "=3D")),
    "elements": _each(lambda n, line: f"<Event><Data>{html.escape(line)}</Data></Event>"),
    "ends shown": _each(lambda n, line: line.replace("\t", "^I") + "$"),
    "kmsg with its device": _each(lambda n, line: f"0,{n + 10},{812000000 + n},-;{line}\n SUBSYSTEM=module"),
    "colours as text": _each(lambda n, line: f"\\033[31m{line}\\033[0m"),
    "grep": _each(lambda n, line: f"/var/log/kern.log:May  3 08:00:43 db7 kernel: {line}"),
    "pipe of ts": _each(lambda n, line: f"May 03 08:00:43 {line}"),
    "actions": _each(lambda n, line: f"2024-05-03T08:00:43.1234567Z {line}"),
    "begins within a line": lambda log: b"01c3>] ? pick_next+0x7b/0x120\n" + log.encode(),
}
