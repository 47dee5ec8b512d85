"""What a command found as SARIF 2.1.0, for `--sarif`: what a code host shows beside the code under test."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fuzz.commands.shared.output import out_option, text_to

F = TypeVar("F", bound=Callable[..., Any])
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
NOT_NEW = ("known",)
"""What stands in a failure that is no reason for an alarm."""


def sarif_option(function: F) -> F:
    """The option `--sarif FILE`."""
    return out_option("File for SARIF, which code hosts show.", "--sarif")(function)


def write_sarif(out: Path | None, failures: Sequence[Mapping[str, Any]]) -> None:
    """Write the failures of an answer (`Answer.failures`): a rule for each signature, a result for each of
    them, at the file that has its program. Raises Bad."""
    if out is None:
        return
    rules = {each["signature"]: each for each in failures}
    driver = {
        "name": "zapfuzz",
        "version": importlib.metadata.version("zapfuzz"),
        "rules": [
            {"id": text, "name": each["kind"], "shortDescription": {"text": text}}
            for text, each in rules.items()
        ],
    }
    run = {"tool": {"driver": driver}, "results": [_result(each) for each in failures]}
    whole = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    text_to(out, json.dumps(whole, indent=1) + "\n", "zapfuzz.sarif")


def _result(failure: Mapping[str, Any]) -> dict[str, Any]:
    told = [failure["standing"], failure["text"] or failure["signature"], failure["program"]]
    result: dict[str, Any] = {
        "ruleId": failure["signature"],
        "level": "note" if failure["standing"] in NOT_NEW else "error",
        "message": {"text": "\n".join(filter(None, told))},
        "occurrenceCount": failure["count"],
        "partialFingerprints": {"signature": failure["signature"]},
    }
    if failure["file"]:
        place = {"artifactLocation": {"uri": Path(failure["file"]).resolve().as_uri()}}
        result["locations"] = [{"physicalLocation": place}]
    return result
