"""What a reproducer's comment tells: what it does, what should happen, what does, in which releases."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from fuzz.corpus.reproducer import Reproducer
from fuzz.language.printing import format_program
from zapcore.release import RELEASES

WIDTH = 96


def story(reproducer: Reproducer, usage: str, right: str = "", blind: Iterable[str] = ()) -> list[str]:
    """The comment's lines, without any comment marks. `right` says what should happen, `blind` what the file
    may not see."""
    lines = _wrapped(reproducer.title)
    lines += ["", "What it does:"]
    lines += [f"    {line}" for line in format_program(reproducer.program).splitlines()]
    lines += ["", "What should happen:"]
    lines += _wrapped(right or "every operation returns what it is said to, and nothing panics.", "    ")
    lines += ["", "What does:"]
    for release, outcome in reproducer.expect.items():
        about = f" ({RELEASES[release].about})" if release in RELEASES else ""
        lines += _wrapped(f"{release}{about}: {outcome}", "    ")
    spots = list(blind)
    if spots:
        lines += ["", "What this file may not see:"]
        for spot in spots:
            lines += _wrapped(spot, "    ")
    for what in ("issue", "fix", "meanwhile", "belief"):
        if told := getattr(reproducer, what):
            lines += ["", *_wrapped(f"{what.capitalize()}: {told}")]
    return [*lines, "", *usage.splitlines()]


def rightly(release: str) -> str:
    """What should happen on a library, as an exported form holds it against it."""
    whose = f"release {release} returns" if release else "its release returns (it is told by what it exports)"
    return (
        f"every operation returns what {whose}, where that is right; nothing panics; and in the end "
        "the entries, their number and the structure of each ZAP are right."
    )


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    ) or [""]


def for_docstring(lines: list[str]) -> str:
    """The lines as they stand between three quotation marks."""
    return "\n".join(lines).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
