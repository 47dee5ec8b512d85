"""Protects `check`: sound objects are called sound in either byte order, damage is named at its very place,
what it would do to operations is right, and no bytes whatever make it raise, hang or grow."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fuzz.commands.check import check
from fuzz.evidence.check.detection_and_false_alarms import false_alarms, flips
from fuzz.evidence.check.files import Blocks, open_blocks, size_of_blocks
from fuzz.evidence.check.format_report import as_json, as_text
from fuzz.evidence.check.shapes import LEAF_SHIFTS, SHAPES, sound_object
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from tests.support.measured import measured
from zapcore import layout as L
from zapcore.byteorder import swap_leaf, swap_micro, swap_words
from zapcore.errors import Panic
from zapcore.verify import leaf as exact_leaf
from zapcore.verify.invariants import INVARIANTS
from zapcore.verify.leaf import is_leaf
from zapcore.verify.object import check_object
from zapcore.verify.report import Report
from zapcore.verify.sound_leaf import IN_ORDER, sound_leaf
from zapcore.verify.words_for_hazards import Effect
from zapcore.zap import Cursor


@pytest.mark.parametrize("header", ["micro norm=4", "fat hash64 norm=4"])
@pytest.mark.parametrize("release", ["2.3", "2.4"])
def test_names_are_hashed_as_the_release_that_wrote_them_does(release: str, header: str) -> None:
    """Until 2.4 a flag says that names are taken in lower case."""
    program = parse(f'zap z {header}\nadd z "A" int=8\n')
    target = ModelTarget(release)
    target.begin(program)
    target.apply(program.ops[0])
    blocks = target.blocks("z") or []
    assert check_object(blocks, lower_case=release == "2.3").sound
    wrong = check_object(blocks, lower_case=release == "2.4")
    assert header.startswith("micro") or [each.invariant for each in wrong.violations] == ["hash"]


def swapped(blocks: list[bytes]) -> list[bytes]:
    """The blocks as a big-endian machine writes them."""
    if int.from_bytes(blocks[0][:8], "little") == L.ZBT_MICRO:
        return [swap_micro(blocks[0])]
    return [swap_leaf(block) if is_leaf(block) else swap_words(block) for block in blocks]


@pytest.mark.parametrize("shift", LEAF_SHIFTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_sound_in_either_byte_order(shape: str, shift: int) -> None:
    _, blocks = sound_object(Random(shift), shift, shape)
    little = check_object(blocks)
    big = check_object(swapped(blocks))
    assert (little.violations, big.violations) == ([], [])
    assert (little.byte_order, big.byte_order) == ("little", "big")
    assert little.entries == big.entries
    assert len(little.entries) == little.entries_read > 0
    if shape != "micro":
        mixed = check_object([*blocks[:1], *swapped(blocks)[1:]])
        assert (mixed.violations, mixed.byte_order) == ([], "mixed")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shift", LEAF_SHIFTS)
def test_block_size_is_found(shape: str, shift: int, tmp_path: Path) -> None:
    _, blocks = sound_object(Random(shift), shift, shape)
    for number, form in enumerate((blocks, swapped(blocks))):
        path = tmp_path / f"{number}"
        path.write_bytes(b"".join(form))
        assert open_blocks(path).size == len(blocks[0])


def test_block_size_of_a_damaged_header_is_that_of_its_leaves() -> None:
    _, blocks = sound_object(Random(3), 12, "embedded")
    header = bytearray(blocks[0])
    header[32] ^= 2
    assert size_of_blocks(bytes(header) + b"".join(blocks[1:])) == 1 << 12


def test_flipped_bits_that_must_be_found_are() -> None:
    tried, _, missed = flips(400, seed=7)
    assert missed == []
    assert len(tried) > 30


def test_nothing_is_said_of_sound_objects() -> None:
    objects, alarms = false_alarms(40, seed=5)
    assert alarms == []
    assert objects >= 40


def test_every_violated_invariant_has_a_meaning() -> None:
    rng = Random(11)
    for number in range(100):
        _, blocks = sound_object(rng, 9, SHAPES[number % 4])
        damaged = [bytearray(block) for block in blocks]
        for _ in range(rng.randint(1, 6)):
            block = rng.choice(damaged)
            block[rng.randrange(len(block))] = rng.randrange(256)
        report = check_object([bytes(block) for block in damaged])
        assert {violation.invariant for violation in report.violations} <= set(INVARIANTS)


# What OpenZFS issue 18572 saw: a free list whose last link is 65519 and not 65535.


def directory() -> list[bytes]:
    """A directory of the default block size with a few names."""
    target = ModelTarget("2.3")
    target.begin(Program((Zap("z", hash64=True, leaf_shift=14),), ()))
    for number in range(11):
        target.apply(Op("add", "z", b"file-%d" % number, 8, 1, number))
    blocks = target.blocks("z")
    assert blocks is not None
    return blocks


def with_leaf(blocks: list[bytes], words: dict[int, int]) -> list[bytes]:
    """The object with 16-bit words of its first leaf changed."""
    leaf = bytearray(blocks[1])
    h = memoryview(leaf).cast("H")
    for at, value in words.items():
        h[at] = value
    return [blocks[0], bytes(leaf), *blocks[2:]]


GEO = L.geometry(14)


def link(chunk: int, field: int) -> int:
    """The 16-bit word of a chunk's link."""
    return GEO.h_chunk + 12 * chunk + field


def last_free(blocks: list[bytes]) -> int:
    h = memoryview(blocks[1]).cast("H")
    return next(
        chunk
        for chunk in range(GEO.chunks)
        if blocks[1][GEO.first_chunk + 24 * chunk] == L.CHUNK_FREE
        and h[link(chunk, L.H_CHUNK_NEXT)] == L.CHAIN_END
    )


def effects(report: Report) -> dict[str, Effect]:
    """The worst for each operation."""
    worst: dict[str, Effect] = {}
    for hazard in report.hazards:
        worst.setdefault(hazard.operation, hazard.effect)
    return worst


def test_a_flipped_end_of_the_free_list_is_named() -> None:
    blocks = directory()
    last = last_free(blocks)
    report = check_object(with_leaf(blocks, {link(last, L.H_CHUNK_NEXT): 65519}))
    assert [str(violation) for violation in report.violations] == [
        f"chunk-link: block 1: chunk {last} lf_next: chunk 65519 of 638; "
        "one bit from 0xffff, the end of a chain"
    ]
    # every chunk that lh_nfree promises comes before it: it does no harm yet
    assert report.hazards == []
    assert report.entries_read == 11


def test_with_the_counter_of_that_issue_an_add_leaves_the_block() -> None:
    blocks = directory()
    last = last_free(blocks)
    report = check_object(with_leaf(blocks, {link(last, L.H_CHUNK_NEXT): 65519, L.H_NFREE: 916}))
    assert {violation.field for violation in report.violations} == {"lf_next", "lh_nfree"}
    assert effects(report)["add"] is Effect.OUTSIDE
    assert effects(report).keys() == {"add"}


def test_a_free_link_flipped_into_the_list_hands_a_chunk_out_twice() -> None:
    blocks = directory()
    last = last_free(blocks)
    report = check_object(with_leaf(blocks, {link(last, L.H_CHUNK_NEXT): 500, L.H_NFREE: 638}))
    first = report.violations[0]
    assert (first.invariant, first.block, first.chunk, first.field) == ("chunk-link", 1, last, "lf_next")
    assert {(hazard.operation, hazard.code) for hazard in report.hazards} == {("add", "others-lost")}


def test_a_bucket_that_leads_to_a_free_chunk_makes_readdir_spin() -> None:
    blocks = directory()
    free = last_free(blocks)
    h = memoryview(blocks[1]).cast("H")
    bucket = next(b for b in range(GEO.hash_entries) if h[GEO.h_hash + b] == L.CHAIN_END)
    # chunk 0 is in use here; as in that issue it is free and zero, so its le_next leads to itself
    report = check_object(with_leaf(blocks, {GEO.h_hash + bucket: free, link(free, L.H_ENTRY_NEXT): free}))
    assert report.violations[0].place == f"l_hash[{bucket}]"
    for operation in ("lookup", "add", "remove", "cursor"):
        assert effects(report)[operation] is Effect.HANG, operation
    assert "split" not in effects(report)
    assert {hazard.code for hazard in report.hazards} == {"hang"}


def test_what_check_calls_a_hang_is_one_in_the_model() -> None:
    target = ModelTarget("2.3")
    target.begin(Program((Zap("z", words=1, prehashed=True, leaf_shift=9),), ()))
    for number in range(2):
        target.apply(Op("add", "z", (number << 40,), 1, 1))
    dbuf = target.objset.dnodes[1].dbufs[1]
    geo = L.geometry(9)
    head, second = (e.chunk for e in check_object(target.blocks("z") or []).entries)
    dbuf.buf.h[geo.h_chunk + 12 * second + L.H_ENTRY_NEXT] = head
    report = check_object(target.blocks("z") or [])
    assert effects(report)["cursor"] is Effect.HANG
    with pytest.raises(Panic, match="the chain of a bucket ends"):
        Cursor(target.objset, 1).retrieve()


def test_a_zeroed_leaf_is_told_as_such() -> None:
    blocks = directory()
    report = check_object([blocks[0], bytes(len(blocks[1]))])
    assert report.violations[0].found == "all zero, not a leaf"
    assert effects(report)["cursor"] is Effect.HANG
    assert effects(report)["lookup"] is Effect.HANG


def test_a_wrong_table_entry_is_named() -> None:
    _, blocks = sound_object(Random(2), 9, "embedded")
    header = bytearray(blocks[0])
    words = memoryview(header).cast("Q")
    words[40] = len(blocks) + 7
    report = check_object([bytes(header), *blocks[1:]])
    assert [v.place for v in report.violations] == ["table[8]"]
    assert "not a leaf of this object" in report.violations[0].found


def test_a_leaf_that_nothing_leads_to_is_shown_with_its_entries() -> None:
    _, blocks = sound_object(Random(5), 9, "embedded")
    header = bytearray(blocks[0])
    words = memoryview(header).cast("Q")
    gone = words[63]
    for index in range(32, 64):
        if words[index] == gone:
            words[index] = words[32]
    report = check_object([bytes(header), *blocks[1:]])
    assert any(v.block == gone and v.found.startswith("nothing leads to it") for v in report.violations)
    before = [e for e in check_object(blocks).entries if e.block == gone]
    assert [e._replace(lost=False) for e in report.entries if e.lost] == before


@given(st.binary(max_size=4096), st.sampled_from([1, 64, 512, 1024]))
def test_any_bytes_give_a_report(data: bytes, size: int) -> None:
    report = check_object(Blocks(data, size))
    assert list(as_text(report, "x"))
    assert json.loads(as_json(report, "x"))["name"] == "x"


@given(st.integers(0, 40), st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8))))
def test_any_damage_gives_a_report(seed: int, changes: list[tuple[int, bytes]]) -> None:
    blocks = sound_object(Random(seed), 9, SHAPES[seed % 4])[1]
    data = bytearray(b"".join(blocks))
    for at, new in changes:
        at %= len(data)
        data[at : at + len(new)] = new
    for form in (data, swap_words(bytes(data[: len(data) & ~7]))):
        report = check_object(Blocks(bytes(form), len(blocks[0])))
        assert list(as_text(report, "x"))


LONG_ARRAYS = """
zap z fat key=u64 prehashed leaf_shift=13
add z 0x0 len=3000
add z 0x1 len=2000
remove z 0x0
add z 0x2 len=2990
add z 0x3 len=400
"""
"""A leaf with arrays whose chunks lie in order, backwards, and neither."""


def test_a_leaf_is_sound_where_nothing_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage of every kind, mostly a few bytes: with the short way and without it the same is found."""
    rng = Random(4)
    target = ModelTarget("2.3")
    program = parse(LONG_ARRAYS)
    target.begin(program)
    assert not any(target.apply(op).errno for op in program.ops)
    leaves = [(True, block) for block in (target.blocks("z") or [])[1:]] * 20
    for number in range(60):
        zap, blocks = sound_object(rng, rng.choice((9, 9, 10, 12)), SHAPES[1 + number % 3])
        leaves += [(bool(zap.words), block) for block in blocks if is_leaf(block)][:6]
    sound = 0
    for _ in range(2500):
        words, raw = rng.choice(leaves)
        damaged = bytearray(raw)
        for _ in range(rng.choice((0, 1, 1, 1, 2))):
            at = rng.choice((rng.randrange(len(raw)), rng.randrange(120)))
            damaged[at] = rng.choice((damaged[at] ^ 1 << rng.randrange(8), 251, 252, 253, 255, 0))
        shift = len(raw).bit_length() - 1
        short = exact_leaf.check_leaf(damaged, shift, 1, words)
        with monkeypatch.context() as patch:
            patch.setattr(exact_leaf, "sound_leaf", lambda *_: None)
            patch.setattr(exact_leaf, "IN_ORDER", IN_ORDER[:0])
            assert exact_leaf.check_leaf(damaged, shift, 1, words) == short
        is_sound = sound_leaf(bytes(damaged), shift, 8 if words else 1) is not None
        assert is_sound == (not short.violations)
        sound += is_sound
    assert 500 < sound < 2000


HOSTILE = """
import random, sys
from fuzz.evidence.check.files import Blocks
from zapcore import layout as L
from zapcore.verify.object import check_object
r, geo = random.Random(1), L.geometry(14)
header = memoryview(bytearray(geo.size)).cast("Q")
header[0], header[1], header[4], header[7] = L.ZBT_HEADER, L.ZAP_MAGIC, 10, 200
for index in range(1024, 2048):
    header[index] = 1 + index % 199
leaf = bytearray(r.randbytes(geo.size))
leaf[0:8], leaf[24:28] = L.ZBT_LEAF.to_bytes(8, "little"), L.ZAP_LEAF_MAGIC.to_bytes(4, "little")
h = memoryview(leaf).cast("H")
for bucket in range(geo.hash_entries):
    h[geo.h_hash + bucket] = 0
for chunk in range(geo.chunks):
    leaf[geo.first_chunk + 24 * chunk] = L.CHUNK_ENTRY
    h[geo.h_chunk + 12 * chunk + L.H_ENTRY_NEXT] = (chunk + 1) % geo.chunks
report = check_object(Blocks(bytes(header) + bytes(leaf) * 199, geo.size))
assert len(report.violations) <= 1000 and report.unlisted
print(report.entries_read)
"""


def test_long_crossed_chains_take_little_time_and_memory() -> None:
    used = measured(HOSTILE)
    assert used.seconds < 10
    assert used.memory < 200 << 20


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(check, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_command(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    blocks = directory()
    good.write_bytes(b"".join(blocks))
    bad.write_bytes(b"".join(with_leaf(blocks, {link(last_free(blocks), L.H_CHUNK_NEXT): 65519})))
    assert run(good)[0] == 0
    status, out, _ = run(bad)
    assert status == 1
    assert "1 violation: fat ZAP, 2 blocks of 16384 bytes" in out
    assert "one bit from 0xffff" in out
    assert '"file-10"' in out
    status, out, _ = run(bad, "--json")
    assert status == 1
    assert json.loads(out)["violations"][0]["field"] == "lf_next"
    assert run(good, "--block-size", 512)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected either FILE or --pool IMAGE"),
        (("missing",), "missing: cannot be read: No such file or directory"),
        (("empty",), "empty: empty; expected an object's blocks"),
        (("/",), "cannot be read: Is a directory"),
        (("empty", "--block-size", "511"), "expected a multiple of 512"),
        (("empty", "--object", "3"), "go with --pool"),
        (("--pool", "empty"), "expected either --object N or --all"),
        (("--pool", "empty", "--object", "3"), "expected --dataset POOL/NAME"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").touch()
    status, _, err = run(*arguments)
    assert status == 2
    assert said in err
    assert len([line for line in err.splitlines() if "rror" in line or line.startswith("zapfuzz:")]) == 1


def test_a_fifo_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    status, _, err = run(tmp_path / "fifo")
    assert (status, "not a regular file" in err) == (2, True)
