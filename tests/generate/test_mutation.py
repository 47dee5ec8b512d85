"""Random programs and mutations: always valid, driven by the seed alone, and able to reach what they name."""

from __future__ import annotations

from random import Random

import pytest

from fuzz.generate.keys_for_hash import hash_of, key_for
from fuzz.generate.leaf_programs import random_program, random_zap
from fuzz.generate.mutation import MUTATIONS, Mutation, mutate, respell, splice
from fuzz.generate.mutation_draft import Draft
from fuzz.generate.styles import STYLES
from fuzz.language.byteform import decode, encode
from fuzz.language.program import Op, Program, Zap
from fuzz.language.validate import problems
from fuzz.language.verb_sets import FOR_THREADS
from fuzz.language.verbs import VERBS
from fuzz.targets.model.target import ModelTarget

FAT = Zap("z", words=1, prehashed=True, leaf_shift=9)


def test_random_programs_are_valid_and_survive_the_byte_form() -> None:
    rng = Random(1)
    for _ in range(300):
        program = random_program(rng)
        assert problems(program) is None
        assert decode(encode(program)) == program


def test_random_programs_use_every_verb_and_kind_of_zap() -> None:
    rng = Random(2)
    programs = [random_program(rng) for _ in range(1600)]
    assert {op.verb for program in programs for op in program.ops} == set(VERBS) - FOR_THREADS
    kinds = {(zap.fat, zap.words > 0, zap.prehashed) for program in programs for zap in program.zaps}
    assert kinds >= {(True, True, True), (True, True, False), (True, False, False), (False, False, False)}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_mutation_keeps_programs_valid_and_changes_most(mutation: Mutation) -> None:
    rng = Random(3)
    changed = able = 0
    for _ in range(150):
        program = random_program(rng)
        able += mutation is not respell or any(not zap.words for zap in program.zaps)
        draft = Draft(program)
        mutation(draft, rng)
        result = draft.program(1000)
        assert problems(result) is None
        changed += result != program
    assert changed > able // 3


@pytest.mark.parametrize("style", STYLES)
def test_every_mutation_keeps_programs_of_every_style_valid(style: str) -> None:
    """Two programs of usage brought two ZAPs of one kind of id, and the engine ended with a KeyError."""
    rng = Random(7)
    _, draw = STYLES[style]
    programs = [draw(rng, ModelTarget("2.3")) for _ in range(6)]
    for mutation in MUTATIONS:
        for program in programs:
            draft = Draft(program)
            for _ in range(3):
                mutation(draft, rng)
            assert problems(draft.program(1000)) is None, mutation.__name__
            assert problems(splice(program, rng.choice(programs), rng)) is None, mutation.__name__


def test_mutations_of_an_empty_program_are_valid() -> None:
    rng = Random(4)
    empty = Program((FAT,), ())
    for _ in range(500):
        assert problems(mutate(empty, rng)) is None
        assert problems(splice(empty, random_program(rng), rng)) is None


def test_a_long_walk_stays_valid_and_bounded() -> None:
    rng = Random(5)
    program = random_program(rng)
    for _ in range(1000):
        program = mutate(program, rng, 100)
        if rng.random() < 0.2:
            program = splice(program, random_program(rng), rng, 100)
        assert problems(program) is None
        assert len(program.ops) <= 100


def test_the_seed_decides_everything() -> None:
    def walk(seed: int) -> list[Program]:
        rng = Random(seed)
        programs = [random_program(rng)]
        for _ in range(50):
            programs.append(mutate(programs[-1], rng))
        return programs

    assert walk(6) == walk(6)
    assert walk(6) != walk(7)


def test_keys_reach_the_wanted_hash_bits() -> None:
    rng = Random(8)
    for _ in range(300):
        zap = random_zap(rng)
        wanted = rng.getrandbits(64)
        bits = rng.randint(0, 28)
        assert hash_of(zap, key_for(zap, wanted, bits, rng)) >> (64 - bits) == wanted >> (64 - bits)


def test_alive_follows_adds_and_removes() -> None:
    a, b = (0,), (1 << 63,)
    ops = (
        *(Op("add", "z", a, 1, 1), Op("add", "z", b, 1, 1), Op("remove", "z", a)),
        *(Op("destroy", "z"), Op("update", "z", a, 1, 1)),
    )
    draft = Draft(Program((FAT,), ops))
    assert [draft.alive("z", at) for at in range(6)] == [[], [a], [a, b], [b], [], [a]]


def test_a_splice_of_programs_with_other_headers_is_valid() -> None:
    rng = Random(9)
    names = ("z", "y", "x")
    for _ in range(300):
        headers = [tuple(random_zap(rng, name) for name in rng.sample(names, 2)) for _ in range(2)]
        programs = [Program(zaps, tuple(op for zap in zaps for op in _ops_of(zap, rng))) for zaps in headers]
        assert problems(splice(programs[0], programs[1], rng)) is None


def _ops_of(zap: Zap, rng: Random) -> list[Op]:
    key = key_for(zap, rng.getrandbits(64), 8, rng)
    return [Op("add", zap.name, key, 8, 1), Op("remove", zap.name, key), Op("cursor", "c", other=zap.name)]
