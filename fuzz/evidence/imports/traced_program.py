"""The program of what a trace told: ZAPs with names, the txgs, and as comments what is not known."""

from __future__ import annotations

from collections import Counter

from fuzz.evidence.imports.dataset import Properties
from fuzz.language.program import Op, Program, Zap
from fuzz.language.validate import MAX_ZAPS

MAX_NOTES = 1000
"""Comments that a program gets; what more there is to say is counted."""


def traced_program(
    ops: list[Op],
    before: int,
    remarks: list[tuple[int, str]],
    txgs: int,
    leaf_shift: int,
    properties: Properties,
    salt: int,
) -> Program:
    """Name the ZAPs, place the txgs and the comments."""
    names = _shared(ops)
    zaps = [
        Zap(
            name,
            fat=False,
            leaf_shift=leaf_shift,
            norm=properties.norm,
            salt=salt,
            dataset=properties.dataset,
        )
        for name in sorted(set(names.values()), key=lambda name: (name == "rest", len(name), name))
    ]
    steps = [step * len(ops) // (txgs + 1) for step in range(1, txgs + 1)]
    told = [(before + at, text) for at, text in remarks[:MAX_NOTES]]
    if len(remarks) > MAX_NOTES:
        told.append((len(ops), f"and {len(remarks) - MAX_NOTES} more that the log does not tell"))
    out: list[Op] = []
    notes: list[tuple[int, str]] = []
    told.reverse()
    for index in range(len(ops) + 1):
        out += [Op("txg")] * steps.count(index) if steps else []
        while told and told[-1][0] <= index:
            notes.append((len(zaps) + len(out), told.pop()[1]))
        if index == len(ops):
            break
        op = ops[index]
        if op.verb in ("create", "destroy") and names[op.subject] == "rest":
            continue  # others are in it
        out.append(op._replace(subject=names[op.subject], other=names.get(op.other, "")))
    return Program(tuple(zaps), tuple(out), notes=tuple(notes))


def _shared(ops: list[Op]) -> dict[str, str]:
    """A ZAP's name for each directory: its own, but the least used share one where there are too many."""
    used = Counter(name for op in ops for name in (op.subject, op.other) if name)
    order = sorted(used, key=lambda name: (-used[name], int(name[1:])))
    return {name: name if place < MAX_ZAPS - 1 else "rest" for place, name in enumerate(order)}
