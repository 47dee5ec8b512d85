"""Every verb that one thread may use is drawn by programs from nothing, and so is what some bugs need beside.

They protect: that no verb is left to mutations of bytes alone, as `seek` was; that objects whose ids differ
keep them while their size changes, on disk before and after; that ops of many kinds ask for a block that
cannot be read; that data and holes are looked for in objects that are on disk; and that files and directories
go while there is no room.
"""

from __future__ import annotations

from random import Random

from fuzz.execution.execute import run
from fuzz.faults.seeded import applied
from fuzz.generate.styles import STYLES
from fuzz.generate.themes.levels import levels_program
from fuzz.generate.themes.no_room import no_room_program
from fuzz.generate.themes.read_errors import read_error_program
from fuzz.generate.themes.usage import usage_program
from fuzz.language.program import Program
from fuzz.language.verbs import VERBS
from fuzz.targets.model.target import ModelTarget

SYNC_ALONE = {"spa_sync"}
"""As a step of one thread it is `finish`."""


def fails_at(place: str, program: Program, model: ModelTarget) -> bool:
    """Whether a program fails there; others may meet what is known."""
    failure = run(program, model).failure
    return failure is not None and failure.signature.place == place


def test_by_some_style() -> None:
    rng, model = Random(1), ModelTarget("2.3")
    drawn = {op.verb for _, draw in STYLES.values() for _ in range(25) for op in draw(rng, model).ops}
    assert drawn >= set(VERBS) - SYNC_ALONE


def test_objects_with_different_ids_change_their_size() -> None:
    """One of those that were asked for is enough: dmu_objset_userquota_get_ids() once took one id for
    another there."""
    rng, model = Random(2), ModelTarget("2.4")
    with applied("group-of-the-project"):
        assert any(fails_at("zap:entries", usage_program(rng, model), model) for _ in range(60))


def test_blocks_that_cannot_be_read_are_asked_for() -> None:
    rng, model = Random(3), ModelTarget("2.3")
    asked = set()
    for _ in range(40):
        ops = read_error_program(rng, model).ops
        asked |= {ops[at + 1].verb for at, op in enumerate(ops[:-1]) if op.verb == "fail"}
    assert asked >= {"prefetch", "lookup", "remove", "seek", "stats"}


def test_holes_are_looked_for_in_what_is_on_disk() -> None:
    rng, model = Random(4), ModelTarget("2.3")
    with applied("no-hole-at-the-end"):
        assert any(fails_at("zap:seek", levels_program(rng), model) for _ in range(60))


def test_what_was_made_goes_while_there_is_no_room() -> None:
    rng, model = Random(5), ModelTarget("2.3")
    for mutant, verb in (("unlink-needs-room", "zap:unlink"), ("rmdir-needs-room", "zap:rmdir")):
        with applied(mutant):
            assert any(fails_at(verb, no_room_program(rng, model), model) for _ in range(60))
