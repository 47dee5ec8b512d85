"""Protects what a campaign's corpus is made of: a part is read as it was written; of one that is cut short,
at whatever byte, all lines before the cut are good; a changed byte is no value that nobody wrote."""

from __future__ import annotations

from random import Random

import pytest

from fuzz.engines.campaign.ledger import Arm, Finding, Ledger, Met, Open, Row, Worked, thinned, total
from fuzz.engines.campaign.part import NoPart, Part, decode, encode


def some_ledger(rng: Random) -> Ledger:
    """A ledger with something of everything."""
    arm = Arm(rng.choice(("atheris", "random")), rng.choice(("2.3", "master")), rng.choice(("", "names")))
    text = f"oracle zap:add {rng.randrange(5)}"
    at = float(rng.randrange(1000))
    return Ledger(
        rows={arm: Row(1, 2.5, rng.randrange(1000), 10, 1, 3, 1, 103.0, 2.5)},
        met={"2.3": {text: Met(rng.randrange(1, 9), at, at + 1)}},
        workers={f"w{rng.randrange(3)}": Worked(1, 7, at)},
        open={text: Open("# a program\nzap z fat\n", arm, again=rng.random() < 0.5)},
        findings={f"{text} found": Finding("folder", "zap z fat\n", 'title = "t"\n')},
        states={"2.3": {rng.randrange(-(1 << 63), 1 << 63) for _ in range(rng.randrange(1, 5000))}},
        inputs={rng.randbytes(20) for _ in range(5)},
        history=[(at, 7, 3)],
    )


def test_a_part_is_read_as_it_was_written() -> None:
    """And the same part has the same bytes, so that writing it twice changes nothing."""
    part = Part(some_ledger(Random(1)), frozenset({"b", "a"}), 3)
    assert decode(encode(part)) == part
    assert encode(decode(encode(part))) == encode(part)


def test_what_is_before_a_cut_is_good() -> None:
    """Failures come first: they are lost last."""
    part = Part(some_ledger(Random(2)))
    data = encode(part)
    for length in range(0, len(data), 97):
        try:
            read = decode(data[:length])
        except NoPart:
            assert length < 120
            continue
        assert not read.whole
        ledger = read.ledger
        assert ledger.inputs <= part.ledger.inputs
        assert ledger.states.get("2.3", set()) <= part.ledger.states["2.3"]
        assert ledger.met in ({}, part.ledger.met) and ledger.rows in ({}, part.ledger.rows)
        if length > 600:
            assert ledger.findings == part.ledger.findings and ledger.open == part.ledger.open
    assert decode(data).whole


def test_a_changed_byte_is_noticed() -> None:
    """Whatever is read then was written so."""
    part = Part(some_ledger(Random(3)))
    data = encode(part)
    for at in range(0, len(data), 101):
        changed = bytearray(data)
        changed[at] ^= 1
        try:
            read = decode(bytes(changed))
        except NoPart:
            continue
        assert not read.whole
        assert read.ledger.inputs <= part.ledger.inputs
        assert read.ledger.rows in ({}, part.ledger.rows)


@pytest.mark.parametrize("data", [b"", b"\0" * 99, b"00000000 {}\n", b"not a part\n"])
def test_what_is_no_part_says_so(data: bytes) -> None:
    """A file of somebody else in the folder is no part."""
    with pytest.raises(NoPart, match="expected a part"):
        decode(data)


def test_the_order_of_parts_changes_no_sum() -> None:
    """Of what is counted: which of two programs stands for a failure may differ, and what fades."""
    ledgers = [some_ledger(Random(seed)) for seed in range(12)]
    one, other = total(ledgers), total(reversed(ledgers))
    for each in (one, other):
        for row in each.rows.values():
            row.lately = row.lately_seconds = 0.0
    assert (one.rows, one.met, one.workers, one.states, one.inputs, one.history) == (
        *(other.rows, other.met, other.workers),
        *(other.states, other.inputs, other.history),
    )
    assert one.findings.keys() == other.findings.keys()
    assert one.waiting().keys() == other.waiting().keys()
    assert one.executions == sum(row.executions for each in ledgers for row in each.rows.values())


def test_a_long_history_keeps_its_sums() -> None:
    """Two points become one, and the last one stays."""
    history = [(float(at), 2, at // 3) for at in range(5000)]
    short = thinned(history)
    assert len(short) <= 600 and short[-1][0] == 4999.0
    assert sum(each[1] for each in short) == 10_000 and max(each[2] for each in short) == 4999 // 3
