"""What a command came to as one JSON object, for `--json`, and as JUnit's XML, for `--junit`.

`machine_answer.schema.json` says what is in the object; `zapfuzz schema` prints it.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import click

from fuzz.commands.shared.ending import Bad, Ended, Status
from fuzz.commands.shared.output import out_option, text_to
from fuzz.commands.shared.progress import say
from fuzz.corpus.extras import lacking
from fuzz.judge.signature import Signature
from fuzz.language.printing import format_program
from fuzz.language.program import Program

F = TypeVar("F", bound=Callable[..., Any])
VERSION = 1
"""Of the schema; a field that goes or means something else makes the next one."""
OUTCOMES = {
    Status.NOT_FOUND: "not found",
    Status.KNOWN_ONLY: "known only",
    Status.FOUND: "found",
    Status.BAD_INPUT: "not written",
    Status.LIMIT: "limit",
}

json_option = click.option(
    "--json",
    "machine",
    is_flag=True,
    help="One JSON object instead of text; `zapfuzz schema` says what it has.",
)


def junit_option(function: F) -> F:
    """The option `--junit FILE`."""
    return out_option("File for JUnit's XML, which CI servers show.", "--junit")(function)


def schema() -> str:
    """The JSON Schema of what `--json` prints."""
    return files(__package__).joinpath("machine_answer.schema.json").read_text("utf-8")


class Answer:
    """Collects what a command has found; for people it is said at once, for machines at the end."""

    def __init__(self, command: str, machine: bool, *, release: str, target: str = "model") -> None:
        self.command, self.machine = command, machine
        self.release, self.target = release, target
        self.begun = time.monotonic()
        self.failures: list[dict[str, Any]] = []
        self.details: Callable[[], dict[str, Any]] = dict
        self.status = Status.NOT_FOUND

    def say(self, text: str, *, nl: bool = True) -> None:
        """Say something to a person."""
        if not self.machine:
            say(text, nl=nl)

    def failed(
        self,
        signature: Signature,
        *,
        text: str = "",
        standing: str = "",
        count: int = 1,
        program: Program | None = None,
        file: Path | None = None,
    ) -> None:
        """Note a failure."""
        self.failures.append(
            {
                "signature": str(signature),
                "kind": signature.kind,
                "place": signature.place,
                "expression": signature.expression,
                "stack": list(signature.stack),
                "text": text or None,
                "standing": standing or None,
                "count": count,
                "program": format_program(program) if program is not None else None,
                "file": str(file) if file is not None else None,
            }
        )

    @contextlib.contextmanager
    def given(self) -> Iterator[None]:
        """For as long as the command works. At its end, whatever status that has, the object is printed;
        where a signal ends it, with what there is by then. What is bad usage has none. Inside, `status` is
        set, which the command then ends with."""
        try:
            yield
        except Ended as ended:
            self._print(128 + ended.number, f"ended by {ended}")
            raise
        self._print(self.status.number, OUTCOMES[self.status])
        self.status.end()

    def _print(self, status: int, outcome: str) -> None:
        if self.machine:
            click.echo(json.dumps(self.as_data(status, outcome), ensure_ascii=True))

    def as_data(self, status: int, outcome: str) -> dict[str, Any]:
        """The object."""
        return {
            "version": VERSION,
            "command": self.command,
            "status": status,
            "outcome": outcome,
            "release": self.release,
            "target": self.target,
            "seconds": round(time.monotonic() - self.begun, 3),
            "failures": self.failures,
            self.command: self.details(),
        }


def write_junit(out: Path | None, suite: str, cases: list[tuple[str, str, float, str | None, bool]]) -> None:
    """Write test cases as JUnit's XML: the class and name of each, its seconds, what is wrong if anything is,
    and whether it was left out. Raises Bad."""
    if out is None:
        return
    try:
        import junitparser
    except ModuleNotFoundError as missing:
        raise Bad(f"--junit needs {lacking(missing)}") from None
    made = junitparser.TestSuite(suite)
    for of, name, seconds, wrong, left_out in cases:
        case = junitparser.TestCase(name, of, seconds)
        if wrong is not None:
            case.result = [junitparser.Failure(wrong.partition("\n")[0], "failure")]
            case.result[0].text = wrong
        elif left_out:
            case.result = [junitparser.Skipped("not on this machine")]
        made.add_testcase(case)
    xml: Any = junitparser.JUnitXml()
    xml.add_testsuite(made)
    xml.update_statistics()
    text_to(out, xml.tostring().decode("utf-8") + "\n", "junit.xml")


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of what `campaign`, `fuzz`, `run`, `replay`, `enumerate`, `explore` and `force`
    print with --json."""
    click.echo(schema(), nl=False)
