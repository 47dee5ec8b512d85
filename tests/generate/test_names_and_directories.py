"""Programs about names: what each move is for comes about, and faults of that kind fall quickly."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit
from fuzz.faults.seeded import SLIP, Mutant
from fuzz.generate.names_and_directories import (
    MOVES,
    NEAR_LIMITS,
    NamesDrawing,
    hollow,
    import_anew,
    names_program,
    note_places,
    outgrow,
    outgrow_under_cursor,
    refuse,
    rename,
    respell,
)
from fuzz.generate.whole_language import respelled
from fuzz.judge.keys import form
from fuzz.language.program import MAX_NAME, Op, Zap
from fuzz.targets.model.target import ModelTarget
from zapcore.zap.zap import Zap as OpenZap

MICRO = Zap("z", fat=False, leaf_shift=12)
UPPER = 2


def names_drawing(seed: int, zap: Zap = MICRO, names: tuple[bytes, ...] = (b"a", b"b", b"c")) -> NamesDrawing:
    """A names_drawing on a new world with a few names."""
    made = NamesDrawing(Random(seed), ModelTarget("2.3", block_limit=1024), {"z": zap})
    for name in names:
        made.do(Op("add", "z", name, 8, 1))
    return made


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
@pytest.mark.parametrize("names", [(), (b"a", "é".encode(), b"\xff")], ids=["empty", "some"])
def test_a_move_goes_on_from_anywhere_and_mostly_does_something(
    move: Callable[[NamesDrawing], None], names: tuple[bytes, ...]
) -> None:
    did = 0
    for seed in range(20):
        made = names_drawing(seed, names=names)
        before = len(made.ops)
        move(made)
        did += len(made.ops) > before
    needs_more = move.__name__ in ("use", "resume", "add_back")  # a cursor, or what was removed
    assert did == 0 if needs_more else did >= 15


def test_a_spelling_is_mostly_the_same_name_where_case_and_form_do_not_count() -> None:
    rng = Random(1)
    spelled = [respelled(rng, "Éa\u030ax".encode()) for _ in range(100)]
    assert len(set(spelled)) >= 8
    assert {form(name, UPPER | 0x20) for name in spelled} == {form("Éa\u030ax".encode(), UPPER | 0x20)}
    assert respelled(rng, b"\xffa") == b"\xffA"
    assert all(len(respelled(rng, "\u0390".encode() * (MAX_NAME // 2))) <= MAX_NAME for _ in range(50))


def test_respelling_lets_several_spellings_be_alive_and_looks_for_them() -> None:
    several = looked = 0
    for seed in range(60):
        made = names_drawing(seed, Zap("z", fat=False, norm=UPPER, leaf_shift=12), (b"abc",))
        respell(made)
        several += len(made.alive["z"]) > 1
        looked += any(op.verb == "lookup_norm" and op.key != b"abc" for op in made.ops)
    assert several >= 10 and looked >= 10


def test_hollowing_fills_the_slots_and_begins_again_at_the_first() -> None:
    """A free slot is looked for behind the one that was taken last, and then from the beginning."""
    full = again = 0
    for seed in range(40):
        made = names_drawing(seed)
        assert made.slots() == 7
        hollow(made)
        full += sum(op.verb == "add" and op.key is not None and op.key[:1] == b"s" for op in made.ops) == 4
        user = made.target.objset.dnodes[made.target.numbers["z"]].dbufs[0].user
        assert isinstance(user, OpenZap) and user.micro is not None
        again += made.slots() == 7 and 0 < user.micro.alloc_next < 7
    assert full >= 12 and again >= 10


def test_outgrowing_makes_it_fat_under_a_cursor_too() -> None:
    for move in (outgrow, outgrow_under_cursor):
        fat = 0
        for seed in range(20):
            made = names_drawing(seed)
            move(made)
            fat += made.slots() == 0
        assert fat >= 12


def test_what_is_refused_is_refused_and_looked_after() -> None:
    verbs = set()
    refused = 0
    for seed in range(66, 124):  # before and after them is one whose table grows without end
        made = names_drawing(seed, Zap("z", fat=False, leaf_shift=9))
        refuse(made)
        verbs.add(made.ops[3].verb)
        again = names_drawing(seed, Zap("z", fat=False, leaf_shift=9))
        refused += again.do(made.ops[3]).errno != 0
        assert made.ops[-1].verb in ("lookup", "lookup_norm", "length", "contains")
    assert verbs >= {"add", "update", "rename"} and refused >= 25


def test_a_renamed_name_is_alive_under_its_new_one() -> None:
    for seed in range(20):
        made = names_drawing(seed, names=())
        made.do(Op("touch", "z", b"a", fill=1))
        rename(made)
        made.target.apply(Op("count", "z"))
        assert made.target.apply(Op("count", "z")).value == len(made.alive["z"])


def test_places_are_noted_at_every_name_and_gone_back_to() -> None:
    began = set()
    for seed in range(20):
        made = names_drawing(seed, Zap("z", fat=True, hash64=True, norm=UPPER), (b"abc", b"ABC", b"aBc"))
        note_places(made)
        assert sum(op.verb == "serialize" for op in made.ops) == 4
        began.add(next(op.fill for op in made.ops if op.verb == "cursor" and op.subject == "d"))
    assert len(began) >= 3


def test_an_import_is_followed_by_a_look() -> None:
    for seed in range(10):
        made = names_drawing(seed)
        import_anew(made)
        verbs = [op.verb for op in made.ops]
        assert verbs.count("reopen") == 1 and verbs[-1] != "reopen"


def test_names_come_up_at_every_limit() -> None:
    rng, model = Random(2), ModelTarget("2.3", block_limit=1024)
    lengths = {len(op.key) for _ in range(300) for op in names_program(rng, model).ops if op.key is not None}
    assert lengths >= set(NEAR_LIMITS)


FAULTS = (
    Mutant(
        "cursor-no-conflict",
        "a cursor on a fat ZAP never says that names conflict",
        SLIP,
        "oracle",
        (Edit("zap.cursor:Cursor._retrieve_fat", "Name(zap, key, MATCH_NORMALIZE)", "Name(zap, key, 0)"),),
    ),
    Mutant(
        "micro-no-wrap",
        "the search for a free slot ends at the block's end",
        SLIP,
        "assertion",
        (
            Edit(
                "zap.micro:_add_entry",
                "(*range(start, index.slots), *range(start))",
                "range(start, index.slots)",
            ),
        ),
    ),
    Mutant(
        "norm-name-cut",
        "zap_lookup_norm gives the first 42 bytes of a name",
        SLIP,
        "oracle",
        (
            Edit(
                "zap.fat:lookup",
                "leaves.entry_name(leaf, entry, False)[:-1]",
                "leaves.entry_name(leaf, entry, False)[:-1][:42]",
            ),
        ),
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_that_hid_from_other_programs_falls_quickly(fault: Mutant) -> None:
    """Some fifty seconds of programs without this style met none of them."""
    rng, model = Random(3), ModelTarget("2.3", block_limit=1024)
    with fault.applied():
        assert any(run(names_program(rng, model), model).failure for _ in range(400))
