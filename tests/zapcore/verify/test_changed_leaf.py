"""A leaf that is read again only where its bytes have changed is read as one that is read as a whole, whether
the change was an op's or damage."""

from __future__ import annotations

from random import Random

import pytest

from fuzz.language.program import Op, Program, Zap
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore.verify.changed_leaf import WalkedLeaf
from zapcore.verify.sound_leaf import sound_leaf

NAMES = [b"n%d" % number for number in range(150)]


def some_change(rng: Random, words: int, longest: int) -> Op:
    """An op on one of a few entries."""
    verb = rng.choice(("update", "update", "remove"))
    key = rng.choice(NAMES) if not words else (rng.randrange(150) << 56,)
    length = rng.choice((1, 3, longest // 4, longest))
    return Op(verb, "z", key, rng.choice((1, 8)), length, rng.randrange(9))


def damage(rng: Random, raw: bytes) -> bytes:
    """The block with a byte or two changed, most often where links and counts are."""
    damaged = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.choice((rng.randrange(len(raw)), rng.randrange(120)))
        damaged[at] = rng.choice((damaged[at] ^ 1 << rng.randrange(8), 251, 252, 253, 255, 0))
    return bytes(damaged)


@pytest.mark.parametrize("words", [0, 1])
@pytest.mark.parametrize("shift", [9, 12, 14])
def test_what_an_op_has_changed_is_read_as_the_whole_is(shift: int, words: int) -> None:
    rng = Random(shift)
    target = ModelTarget("2.3")
    target.begin(Program((Zap("z", words=words, hash64=not words, leaf_shift=shift),), ()))
    known: dict[int, WalkedLeaf] = {}
    geo, size = L.geometry(shift), 8 if words else 1
    followed = damaged = 0
    for _ in range(400):
        target.apply(some_change(rng, words, 8 if shift == 9 else 200))
        for blkid, raw in enumerate(target.blocks("z") or ()):
            before = known.get(blkid)
            if int.from_bytes(raw[:8], "little") != L.ZBT_LEAF or (before and before.raw == raw):
                continue
            whole = sound_leaf(raw, shift, size)
            assert whole is not None
            if before is not None:
                old = before.report.entries
                change = before.changed(raw)
                if change is not None:
                    followed += 1
                    assert change.report == whole
                    assert sorted(change.new) == sorted(set(whole.entries) - set(old))
                    assert sorted(change.gone) == sorted(set(old) - set(whole.entries))
            known[blkid] = WalkedLeaf(raw, whole, geo, size)
            for _ in range(10):
                wrong = damage(rng, raw)
                change = WalkedLeaf(raw, whole, geo, size).changed(wrong)
                exact = sound_leaf(wrong, shift, size)
                assert change is None or change.report == exact
                damaged += exact is None
    assert followed > 200 and damaged > 1000
