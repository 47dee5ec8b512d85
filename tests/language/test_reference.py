"""Protects the reference of the language: it is made from the tables, and what it shows is a program."""

from __future__ import annotations

import json

import pytest

from fuzz.language.printing import format_op
from fuzz.language.reference import example_of, reference
from fuzz.language.syntax import parse
from fuzz.language.validate import FORMS
from fuzz.language.verbs import VERBS
from tests.support.command import zapfuzz


@pytest.mark.parametrize("name", VERBS)
def test_the_example_of_a_verb_is_an_operation_of_a_program(name: str) -> None:
    example = example_of(name, VERBS[name])
    of_usage = "zap u micro usage=user\n" if name in ("allocate", "chown", "free", "resize") else ""
    head = f"zap d micro\nzap e micro\n{of_usage}cursor c d\n"
    program = parse(f"{head}{example}\n")
    assert (program.ops[-1].verb, format_op(program.ops[-1])) == (name, example)
    assert f"\n    {example}\n" in reference()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", ["sensitive", "insensitive", "mixed"])
def test_the_number_of_norm_is_that_of_the_properties(form: str, case: str) -> None:
    declared = parse(f"zap d micro normalization={form} casesensitivity={case}\n").zaps[0]
    (row,) = [line for line in reference().splitlines() if line.startswith(f"| `normalization={form}` |")]
    cell = row.split(" | ")[2 if case != "sensitive" else 1].strip(" |`")
    assert parse(f"zap d micro {cell}\n").zaps[0].norm == declared.norm


def test_machines_can_read_the_verbs() -> None:
    status, output = zapfuzz("verbs", "--json")
    rows = [json.loads(line) for line in output.splitlines()]
    assert status == 0 and [row["verb"] for row in rows] == list(VERBS)
    add = rows[0]
    assert add["form"] == "add ZAP KEY [int=1] [len=1] [fill=0x0]"
    assert {each["word"]: each["high"] for each in add["numbers"]}["int"] == 8
