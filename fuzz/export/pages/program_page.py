"""The page of one program: what it does on one release or on two, step by step, and what is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fuzz.corpus.reproducer import FINE, Reproducer
from fuzz.corpus.told_release import other_release, told_release
from fuzz.export.pages.failing_bytes import FailingBytes, invariant_of
from fuzz.export.pages.record import Recording, record
from fuzz.export.pages.render import packed, render
from fuzz.language.printing import format_op, format_program, format_zap
from fuzz.language.program import Program
from fuzz.targets.registry import KERNEL_PREFIX, LIBRARY_PREFIX
from zapcore.release import RELEASES

STYLES = ("look.css", "program.css")
LONGEST_OP = 84
"""Characters; the program's text below has all of it."""
SCRIPTS = ("steps.js", "draw.js", "view.js", "program.js")


def program_page(
    reproducer: Reproducer,
    releases: Sequence[str] = (),
    exports: Sequence[Mapping[str, str]] = (),
    back: str = "",
) -> str:
    """The text of the page. `releases` are those to run it on, by default as `told_release` and
    `other_release` say. `exports` are files that show it elsewhere, `back` is where all findings are. Raises
    NoTarget."""
    if not releases:
        told = told_release(reproducer.expect)
        releases = [told, *filter(None, [other_release(reproducer.expect, told)])]
    program = reproducer.program
    recordings = [record(program, release) for release in releases]
    ops = [_short(format_op(op)) for op in program.ops]
    zaps = {zap.name: format_zap(zap) for zap in program.zaps}
    return render(
        "program.html",
        STYLES,
        SCRIPTS,
        name=printable(reproducer.name),
        title=printable(reproducer.title),
        issue=printable(reproducer.issue),
        ops=ops,
        runs=[{"release": each.release, "failed": _failed(each, program)} for each in recordings],
        expect=list(_expected(reproducer.expect)),
        story=list(_story(reproducer)),
        program=printable(format_program(program)),
        exports=exports,
        back=back,
        data=packed({"ops": ops, "zaps": zaps, "runs": [_data(each) for each in recordings]}),
    )


def _data(recording: Recording) -> dict[str, Any]:
    """A run as the page's script reads it."""
    return {
        "release": recording.release,
        "outcome": str(recording.outcome),
        "steps": [
            [step.kind, step.op, step.thread, step.answer, step.where, step.changed]
            for step in recording.steps
        ],
    }


def _failed(recording: Recording, program: Program) -> dict[str, Any] | None:
    """What a page tells of a failure without its script."""
    failure = recording.outcome.failure
    if failure is None:
        return None
    shown = recording.bytes_shown
    return {
        "op": failure.op,
        "text_of_op": format_op(program.ops[failure.op]) if 0 <= failure.op < len(program.ops) else "",
        "text": printable(failure.text),
        "invariant": invariant_of(failure),
        "bytes": shown._asdict() if shown is not None else None,
        "hex": list(_hex_lines(shown)) if shown is not None else [],
    }


def _hex_lines(shown: FailingBytes) -> Iterator[dict[str, Any]]:
    for row, line in enumerate(shown.lines):
        start = shown.start + 16 * row
        marked = [
            (byte, shown.at <= start + at < shown.at + shown.length) for at, byte in enumerate(line.split())
        ]
        yield {"at": f"{start:06x}", "bytes": marked}


def about_target(name: str) -> str:
    """What a line of [expect] speaks of, in a few words."""
    if name in RELEASES:
        return RELEASES[name].about
    version = name.rpartition("-")[2]
    if name.startswith(LIBRARY_PREFIX):
        return f"OpenZFS's own code of {version} in user space, with assertions"
    if name.startswith(KERNEL_PREFIX):
        built = "with assertions" if "asserts" in name else "as it is shipped"
        return f"the kernel module of {version}, {built}, in a guest"
    return ""


def distance(belief: str) -> str:
    """How far a finding is from everyday use: the first sentence of what is known of that."""
    told = belief.partition("Distance: ")[2]
    return re.split(r"(?<=[^.\d]\.) (?=[A-Z])", told)[0]


def _expected(expect: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for name, does in expect.items():
        about = about_target(name)
        yield {"name": name, "about": about, "does": printable(does), "fails": does != FINE}


def _story(reproducer: Reproducer) -> Iterator[tuple[str, list[str]]]:
    for heading, text in (
        ("What it is", reproducer.belief),
        ("The fix", reproducer.fix),
        ("What to do meanwhile", reproducer.meanwhile),
        ("How it was found", reproducer.origin),
    ):
        if text:
            yield (
                heading,
                [printable(piece) for piece in text.replace(" Distance: ", "\nDistance: ").split("\n")],
            )


def _short(op: str) -> str:
    """An op for a list: of a long name its beginning and its end."""
    return op if len(op) <= LONGEST_OP else f"{op[: LONGEST_OP * 2 // 3]}…{op[-LONGEST_OP // 3 :]}"


def printable(text: str) -> str:
    """The same without what no encoding takes and no page shows: lone surrogates, control characters."""
    kept = (
        each if each in "\n\t" or each.isprintable() or each == " " else f"\\x{ord(each):02x}"
        for each in text
    )
    return "".join(kept)
