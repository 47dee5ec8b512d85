"""Protects `check` on more bits and objects than the ordinary tests take the time for."""

from __future__ import annotations

from fuzz.evidence.check.detection_and_false_alarms import false_alarms, flips


def test_flipped_bits_that_must_be_found_are() -> None:
    tried, _, missed = flips(4_000, seed=8)
    assert missed == []
    assert len(tried) > 40


def test_nothing_is_said_of_sound_objects() -> None:
    objects, alarms = false_alarms(400, seed=6)
    assert alarms == []
    assert objects >= 400
