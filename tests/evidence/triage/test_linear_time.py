"""Protects that no line takes triage long: an expression for a table's header once took time exponential in
the columns that are spaces, and a log is anybody's bytes."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import fuzz.evidence.triage as triage
from fuzz.evidence.triage.stream import Scanner

PIECES = (
    *(
        " ",
        ",",
        " ,",
        ", ",
        ",  ",
        '" ",',
        '"',
        ";",
        "\t",
        "| ",
        "a",
        "a ",
        "a,",
        "a.",
        "a_",
        "_",
        "-",
        "0",
        "0 ",
    ),
    *("0x", "0:", ": ", "(", ")", "[", "]", "<", "<a>", "&#", "&lt;", "{", '{"a":', "\\", '\\"', "a (a="),
    *("=", "a=", 'a="', "+0x1", "zfs:", "VERIFY(", "a == ", "failed ", "panic: ", "#0 ", "#0 0x1 in a ("),
    *("May  3 08:00:43 ", "2024-05-03T08:00:43Z ", "kernel: ", "[ 1.0] ", "stderr P ", "=3D", "^[["),
)


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every expression for text of triage's modules, in whatever table it stands."""

    def inside(value: object) -> Iterator[re.Pattern[str]]:
        if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
            yield value
        elif isinstance(value, (tuple, list)):
            for each in value:
                yield from inside(each)

    seen = set()
    for module in pkgutil.walk_packages(triage.__path__, triage.__name__ + "."):
        if module.name.endswith("harness"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            for pattern in inside(value):
                if pattern.pattern not in seen:
                    seen.add(pattern.pattern)
                    yield f"{module.name.rpartition('.')[2]}.{name} {pattern.pattern[:40]}", pattern


ALL = dict(patterns())


def test_there_are_expressions() -> None:
    assert len(ALL) > 200


def test_no_expression_takes_long_on_a_line() -> None:
    """Lines grow step by step, so that an exponential one is over the bound in seconds, and does not hang."""
    for name, pattern in ALL.items():
        for piece in PIECES:
            for times in (*range(8, 32, 2), 300 // len(piece)):
                begun = time.process_time()
                pattern.search("a" + piece * times + "!")
                assert time.process_time() - begun < 0.5, f"{name} on {piece!r}"


def test_a_header_of_columns_that_are_spaces() -> None:
    """What was exponential, as a log: over a second once, and years for ten more columns."""
    begun = time.process_time()
    for separator in ",;\t|":
        scanner = Scanner()
        list(scanner.feed(f"a{f'{separator}  ' * 23}!\nVERIFY(x) failed\n".encode()))
    assert time.process_time() - begun < 1.5
