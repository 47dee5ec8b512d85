"""What a page says of each step of a program, held against a model that is run anew."""

from __future__ import annotations

from typing import Any

from fuzz.export.pages.record import record
from fuzz.language.printing import format_op
from fuzz.language.program import Program
from tests.support.browser import Opened


def check_every_step(page: Opened, program: Program, run: int) -> None:
    """Go through all steps of one run by the keyboard, forwards, and back in jumps: parts, answers and
    pictures are those that the model has."""
    release = page.ask("(run) => window.zapfuzz.runs[run].release", run)
    wanted = record(program, release)
    parts: dict[str, Any] = {}
    states = []
    for step in wanted.steps:
        parts = {key: value for key, value in {**parts, **step.changed}.items() if value is not None}
        states.append(parts)
    page.page.keyboard.press("Home")
    for at, step in enumerate(wanted.steps):
        if at:
            page.page.keyboard.press("ArrowRight")
        shown = page.ask(SHOWN, run)
        assert shown["at"] == at
        assert shown["parts"] == states[at]
        assert shown["count"] == f"Step {at} of {len(wanted.steps) - 1}"
        if 0 <= step.op < len(program.ops):
            op = format_op(program.ops[step.op])
            assert shown["op"][:40] == op[:40] and shown["op"][-20:] == op[-20:]
        if step.kind == "op":
            assert shown["answer"] == f"→ {step.answer}".strip()
        if step.kind == "failed":
            assert shown["answer"].split() == step.answer.split()
        leaves = {key for key in states[at] if "/leaf/" in key}
        assert shown["zaps"] == len([key for key in states[at] if key.endswith("/object")])
        assert shown["leaves"] == (min(len(leaves), 4) if shown["zaps"] == 1 else shown["leaves"])
    for at in range(len(wanted.steps) - 1, -1, -max(1, len(wanted.steps) // 5)):
        page.ask("(at) => window.zapfuzz.go(at)", at)
        assert page.ask(SHOWN, run)["parts"] == states[at]
    page.ask("(at) => window.zapfuzz.go(at)", len(wanted.steps) - 1)


SHOWN = """(run) => ({
    at: window.zapfuzz.at,
    parts: Object.fromEntries(window.zapfuzz.runs[run].parts),
    count: document.querySelector('.bar .count').textContent,
    op: document.querySelector('.bar .op').textContent,
    answer: document.querySelector('.bar .answer').textContent.trim(),
    zaps: document.querySelectorAll('.zap').length,
    leaves: document.querySelectorAll('.leaves .leaf').length,
})"""
