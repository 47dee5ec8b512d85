"""Every style of drawing programs: always valid, kept by both forms, driven by the seed alone; and what
pilots see and mean to do comes about."""

from __future__ import annotations

from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.generate.leaf_programs import Theme
from fuzz.generate.model_guided import (
    MOVES,
    GuidedDrawing,
    deepen,
    empty,
    hand_out,
    model_guided_program,
    park,
    twin,
)
from fuzz.generate.styles import STYLES, some_program
from fuzz.judge.signature import Failure
from fuzz.language.byteform import decode, encode
from fuzz.language.program import Op, Zap
from fuzz.language.syntax import format_program, parse
from fuzz.language.validate import problems
from fuzz.language.verb_sets import FOR_THREADS
from fuzz.language.verbs import VERBS
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L

WORD = Zap("z", words=1, prehashed=True, leaf_shift=9)


@pytest.mark.parametrize("style", STYLES)
def test_a_style_draws_valid_programs_that_both_forms_keep(style: str) -> None:
    rng, model = Random(1), ModelTarget("2.3", block_limit=1024)
    draw = STYLES[style][1]
    for _ in range(60):
        program = draw(rng, model)
        assert problems(program) is None
        assert decode(encode(program)) == program
        assert parse(format_program(program), "<test>") == program


def test_the_weights_of_fresh_programs_make_100() -> None:
    assert sum(weight for weight, _ in STYLES.values()) == 100


def test_programs_follow_from_the_seed() -> None:
    drawn = [[some_program(Random(7), ModelTarget("2.3")) for _ in range(30)] for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_going_on_from_a_program_keeps_it_and_stays_valid() -> None:
    rng, model = Random(2), ModelTarget("2.3", block_limit=1024)
    longer = 0
    for _ in range(150):
        base = some_program(rng, model)
        program = model_guided_program(rng, model, 160, base)
        assert problems(program) is None and len(program.ops) <= 160
        kept = 0
        while kept < min(len(base.ops), len(program.ops)) and base.ops[kept] == program.ops[kept]:
            kept += 1
        longer += len(program.ops) > kept > 0
    assert longer > 75


def test_a_pilots_program_runs_as_it_did_when_it_was_drawn() -> None:
    """It ends with the op that failed, or does not fail."""
    rng, model = Random(3), ModelTarget("unfixed", block_limit=1024)
    failed = 0
    for _ in range(200):
        program = model_guided_program(rng, model)
        outcome = run(program, model, judge=False)
        if outcome.failure is not None:
            assert outcome.ops == len(program.ops)
            failed += 1
    assert failed >= 5


def guided_drawing(seed: int = 1, zap: Zap = WORD) -> GuidedDrawing:
    """A guided_drawing on a new world, its keys one in each quarter."""
    verbs = ["add"]
    keys = [(quarter << 62,) for quarter in range(4)] if zap.words else [b"a", b"b"]
    about = Theme({"z": zap}, {"z": list(keys)}, {"z": [8, 148]}, verbs, [1] * len(verbs))
    return GuidedDrawing(Random(seed), ModelTarget("2.3"), about)


def grown(seed: int = 1) -> GuidedDrawing:
    """A guided_drawing with some leaves."""
    made = guided_drawing(seed)
    for number in range(8):
        made.do(Op("add", "z", (number << 61,), 1, 180))
    return made


def test_a_pilot_sees_the_leaves_and_what_is_in_them() -> None:
    made = grown()
    leaves = made.leaves()
    assert len(leaves) >= 4
    assert sum(len(made.inside(leaf)) for leaf in leaves) == 8
    header = made.header()
    assert header is not None and header[L.Q_NUM_LEAFS] == len(leaves)


def test_a_pilot_of_a_micro_zap_sees_no_leaves() -> None:
    made = guided_drawing(zap=Zap("z", fat=False))
    assert made.header() is None and made.leaves() == []
    for move in MOVES:
        move(made)


def test_deepen_makes_the_table_grow() -> None:
    shifts = []
    for seed in range(20):
        made = grown(seed)
        deepen(made)
        header = made.header()
        assert header is not None
        shifts.append(header[L.Q_TBL_SHIFT])
    assert sum(shift > L.embedded_shift(9) for shift in shifts) >= 10


def test_empty_removes_all_of_a_leaf() -> None:
    made = grown()
    leaf = max(made.leaves())
    assert made.inside(leaf)
    empty(made, leaf)
    assert not made.inside(leaf)


def test_park_leaves_a_cursor_in_the_leaf() -> None:
    for blkid in (leaf.blkid for leaf in grown().leaves()):
        made = grown()
        leaf = next(leaf for leaf in made.leaves() if leaf.blkid == blkid)
        park(made, leaf)
        (opened,) = made.target.cursors.values()
        assert opened.cursor.leaf is not None and opened.cursor.leaf.blkid == blkid


def test_hand_out_gives_a_cursors_block_to_the_table_at_times() -> None:
    """What the finding zap-cursor-on-table needs."""
    given = 0
    for seed in range(300):
        made = guided_drawing(seed)
        for number in (8, 9, 14, 15):
            made.do(Op("add", "z", (number << 60,), 1, 180))
        leaf = max(made.leaves())
        try:
            hand_out(made)
        except Failure as failure:
            assert "MAGIC" in failure.signature.expression  # the finding itself
        header = made.header()
        assert header is not None
        first = header[L.Q_TBL_BLK]
        given += first <= leaf.blkid < first + header[L.Q_TBL_NUMBLKS]
    assert given >= 3


def test_twins_have_one_hash_and_both_stay() -> None:
    made = guided_drawing(zap=Zap("z", hash64=True))
    made.do(Op("add", "z", b"a", 1, 8))
    for _ in range(5):
        twin(made)
    hashes = list(made.alive["z"].values())
    assert len(hashes) >= 3 and len(set(hashes)) == 1


def test_every_verb_comes_up() -> None:
    rng, model = Random(4), ModelTarget("2.3", block_limit=1024)
    seen = {op.verb for _ in range(300) for op in some_program(rng, model).ops}
    assert seen == set(VERBS) - FOR_THREADS
