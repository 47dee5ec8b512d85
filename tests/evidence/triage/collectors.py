"""What collectors, clouds and tools of operators make of a log when it is exported from them: bytes of each.
What many of them keep is a record that another one made, as docker keeps what journald printed."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable
from typing import Any

_HOST = "db7.example"
_TIME = "2024-05-03T08:00:43.123456789Z"


def _lines(log: str) -> list[str]:
    return log.rstrip("\n").split("\n")


def _each(form: Callable[[str], str]) -> Callable[[str], bytes]:
    return lambda log: "".join(form(line) + "\n" for line in _lines(log)).encode()


def _list(form: Callable[[str], Any], around: str = "", indent: int | None = None) -> Callable[[str], bytes]:
    def wrap(log: str) -> bytes:
        records = [form(line) for line in _lines(log)]
        return json.dumps({around: records} if around else records, indent=indent).encode()

    return wrap


def journald(line: str) -> str:
    """What `journalctl -o json` prints of a line."""
    return json.dumps({"__CURSOR": "s=ab;i=1", "_HOSTNAME": _HOST, "PRIORITY": "2", "MESSAGE": line})


def _go(value: object) -> str:
    """JSON as Go writes it."""
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _cells(cells: Iterable[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


def _otel(line: str) -> str:
    told = [
        {"key": "PRIORITY", "value": {"stringValue": "2"}},
        {"key": "MESSAGE", "value": {"stringValue": line}},
    ]
    record = {"timeUnixNano": "1", "body": {"kvlistValue": {"values": told}}}
    return json.dumps({"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": [record]}]}]})


def _columns(log: str) -> bytes:
    names = [{"name": name, "type": "string"} for name in ("TimeGenerated", "Computer", "SyslogMessage")]
    rows = [[_TIME, _HOST, line] for line in _lines(log)]
    return json.dumps({"tables": [{"name": "PrimaryResult", "columns": names, "rows": rows}]}).encode()


def _loki(log: str) -> bytes:
    values = [[str(1714723243000000000 + at), journald(line)] for at, line in enumerate(_lines(log))]
    streams = [{"stream": {"host": _HOST}, "values": values}]
    return json.dumps({"status": "success", "data": {"result": streams}}, indent=1).encode()


def _windows(log: str) -> bytes:
    pretty = json.dumps([{"Message": line, "Id": 1, "ProviderName": "a"} for line in _lines(log)], indent=4)
    return ("\ufeff" + pretty.replace("\n", "\r\n")).encode("utf-16-le")


def _ansible(log: str) -> bytes:
    told = ",\n".join("        " + json.dumps(line) for line in _lines(log))
    return f'ok: [db7] => {{\n    "changed": true,\n    "stdout_lines": [\n{told}\n    ]\n}}\n'.encode()


COLLECTORS: dict[str, Callable[[str], bytes]] = {
    "docker of journald": _each(lambda line: json.dumps({"log": journald(line) + "\n", "stream": "stderr"})),
    "docker of bytes": _each(
        lambda line: json.dumps({"log": json.dumps({"MESSAGE": list(line.encode())}) + "\n"})
    ),
    "docker of go": _each(lambda line: f'{{"log":{_go(_go({"msg": line}) + chr(10))},"stream":"stdout"}}'),
    "three in each other": _each(
        lambda line: json.dumps({"log": json.dumps({"message": journald(line)})}),
    ),
    "csv of journald": lambda log: (
        b"@timestamp,host,message\n" + _each(lambda line: _cells((_TIME, _HOST, journald(line))))(log)
    ),
    "tabs and journald": _each(lambda line: f"{_TIME}\tkern.journal\t{journald(line)}"),
    "syslog of gelf": _each(
        lambda line: f"<13>1 {_TIME} db7 fwd 8 - - {json.dumps({'host': _HOST, 'short_message': line})}"
    ),
    "syslog of cee": _each(lambda line: f"May  3 08:00:43 db7 fwd[8]: @cee: {json.dumps({'msg': line})}"),
    "runtime of journald": _each(lambda line: f"{_TIME} stderr F {journald(line)}"),
    "fluent-bit": _each(lambda line: f"[0] kern.journal: [[1714723243.5, {{}}], {journald(line)}]"),
    "vector of journald": _each(lambda line: json.dumps({"file": "/var/log/a", "message": journald(line)})),
    "logcli": _each(lambda line: json.dumps({"labels": {"job": "a"}, "line": journald(line)})),
    "loki of journald, pretty": _loki,
    "logfmt of journald": _each(lambda line: f"level=info ts={_TIME} msg={json.dumps(journald(line))}"),
    "zap": _each(lambda line: f"{_TIME}\tINFO\tfwd/main.go:12\tentry\t{json.dumps({'entry': line})}"),
    "splunk of journald": _each(
        lambda line: json.dumps({"preview": False, "result": {"_raw": journald(line)}})
    ),
    "elasticsearch bulk": _each(
        lambda line: '{"index":{"_index":"logs"}}\n' + json.dumps({"host": {"name": _HOST}, "message": line})
    ),
    "elasticsearch of journald, pretty": _list(
        lambda line: {"_id": "1", "_source": {"message": journald(line)}}, "hits", 2
    ),
    "graylog": _list(lambda line: {"index": "g", "message": {"source": _HOST, "message": line}}, "messages"),
    "datadog": _list(
        lambda line: {"type": "log", "attributes": {"message": line, "attributes": {"priority": 2}}}, "data"
    ),
    "google": _list(lambda line: {"jsonPayload": {"MESSAGE": line}, "timestamp": _TIME}, indent=2),
    "cloudwatch": _list(lambda line: {"timestamp": 1, "message": line}, "events", 4),
    "proxmox": _list(lambda line: {"n": 1, "t": f"May 03 08:00:43 db7 kernel: {line}"}, "data"),
    "azure tables": _columns,
    "telemetry, key by key": _each(_otel),
    "python": _each(lambda line: repr({"host": _HOST, "message": line})),
    "ansible": _ansible,
    "ansible on a line": lambda log: (
        f"db7 | CHANGED => {json.dumps({'rc': 0, 'stdout': log.rstrip(), 'stderr': ''})}\n".encode()
    ),
    "windows events": _windows,
    "journald of windows": lambda log: (
        "\ufeff" + "".join(journald(line) + "\r\n" for line in _lines(log))
    ).encode("utf-16-le"),
    "page of journald": lambda log: (
        "<pre>" + "\n".join(html.escape(journald(line)) for line in _lines(log)) + "</pre>\n"
    ).encode(),
    "mail of journald": _each(lambda line: f"> {journald(line)}"),
    "a pull request": lambda log: json.dumps(
        [{"number": 1, "body": "### It\r\n```\r\n" + "\r\n".join(_lines(log)) + "\r\n```\r\nthanks"}],
        indent=2,
    ).encode(),
}
