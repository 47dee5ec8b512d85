"""Protects the truth of what `check` says that operations do: every sentence about a damaged object is held
against what the model does there, and what the model does wrong is said.

`python -m tests.evidence.check.test_hazards 10000` does so for as many objects."""

from __future__ import annotations

import errno
import sys
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from fuzz.evidence.check.files import open_blocks
from fuzz.evidence.check.shapes import sound_object
from fuzz.generate.keys_for_hash import key_for
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.model.target import ModelTarget
from tests.support.damaged import Blocks, a_link, damaged_object
from tests.support.paths import DATA
from tests.support.release_build import ReleaseBuild
from zapcore import layout as L
from zapcore.release import RELEASES
from zapcore.verify.object import check_object
from zapcore.verify.report import FoundEntry, Report
from zapcore.verify.trial_world import MAX_GROWN, Patient, Stored, World
from zapcore.verify.words_for_hazards import Hazard
from zapcore.zap.leaf import to_stored

ENDS = ("hang", "outside", "panic")


def entries_of(blocks: Blocks) -> Counter[tuple[object, ...]]:
    return Counter((entry.key, entry.hash, entry.value) for entry in check_object(blocks).entries)


def holds(zap: Zap, blocks: Blocks, report: Report, hazard: Hazard) -> bool:
    """Whether a sentence is what happens."""
    if hazard.hash is not None:
        return holds_of_absent(zap, blocks, report, hazard)
    world = ReleaseBuild(blocks)
    code, key = hazard.code, hazard.key
    if hazard.operation == "cursor":
        seen, end = world.names(100_000)
        return (
            end == code
            if code in ENDS
            else key not in seen
            if code == "left-out"
            else f"{end}" in named(hazard)
        )
    if hazard.operation == "count":
        end = world.count()
        return end == code if code in ENDS else f"says {end}," in hazard.why or f"{end}" in named(hazard)
    if hazard.operation == "upgrade":
        end = world.add(b"\xff\xfezapfuzz" * 6)
        if code in ENDS or code == "errno":
            return end == code or f"{end}" in named(hazard)
        return any(world.lookup(entry.key) == f"errno {errno.ENOENT}" for entry in report.entries)
    assert key is not None, hazard
    end = {"lookup": world.lookup, "add": world.add, "remove": world.remove}[hazard.operation](key)
    if hazard.operation == "lookup" and code not in ("not-found",):
        ends = [sized_lookup(blocks, entry) for entry in report.entries if entry.key == key]
        if code == "other-value":
            return any(isinstance(end, tuple) and end[0] != to_stored(e.value, e.size) for e, end in ends)
        return any(end == code or f"{end}" in named(hazard) for _, end in ends)
    if code in ENDS:
        return end == code
    if code == "errno":
        return f"{end}" in named(hazard)
    if code == "not-found":
        return end == f"errno {errno.ENOENT}"
    if code == "added-twice":
        return end is None
    if code == "stays":
        return end is None and isinstance(world.lookup(key), tuple)
    assert code in ("others-lost", "new-damage"), hazard
    after = check_object(world.blocks())
    if code == "new-damage":
        return crossed(after) > crossed(report)
    lost = entries_of(blocks) - entries_of(world.blocks())
    return lost.total() > 1


def as_stored(zap: Zap, report: Report) -> Zap:
    """The header line that the damaged header has: names hash by that, not by what was there before."""
    flags = report.header.get("zap_flags")
    if flags is None:
        return zap
    words = (zap.words or 1) if flags & L.FLAG_UINT64_KEY else 0
    return zap._replace(
        salt=report.header["zap_salt"],
        norm=report.header["zap_normflags"],
        hash64=bool(flags & L.FLAG_HASH64),
        words=words,
        prehashed=bool(words and flags & L.FLAG_PRE_HASHED_KEY),
    )


def named(hazard: Hazard) -> set[str]:
    """The errno that a sentence names, as ReleaseBuild has it."""
    return {f"errno {code}" for code, name in errno.errorcode.items() if f"gives {name} " in hazard.why}


def sized_lookup(blocks: Blocks, entry: FoundEntry) -> tuple[FoundEntry, object]:
    sized = entry.size in (1, 2, 4, 8) and entry.size * entry.length <= L.MAX_VALUE_LEN
    size, length = (entry.size, max(entry.length, 1)) if sized else (8, 1)
    return entry, ReleaseBuild(blocks).lookup(entry.key, size, length)


def crossed(report: Report) -> int:
    links = [violation for violation in report.violations if violation.invariant == "chunk-link"]
    return sum("already" in violation.found for violation in links) + report.unlisted.get("chunk-link", 0)


def holds_of_absent(zap: Zap, blocks: Blocks, report: Report, hazard: Hazard) -> bool:
    """A sentence about names that are not there: with real names of that hash, where there is one."""
    assert hazard.hash is not None
    if hazard.operation == "split":
        world = World(
            Patient(
                Stored(lambda blkid: blocks[blkid], len(blocks)), len(blocks[0]), len(blocks), RELEASES["2.3"]
            )
        )
        end = world.split(hazard.hash)
        if hazard.code in ENDS:
            return end.code == hazard.code
        after = [world.dnode.peek(blkid) for blkid in range(world.dnode.max_blkid + 1)]
        if hazard.code == "new-damage":
            return crossed(check_object(after)) > crossed(report)
        gone = [entry for entry in report.entries if world.lookup(entry.key).value is None]
        return bool(entries_of(blocks) - entries_of(after)) or len(gone) > 0
    build = ReleaseBuild(blocks)
    zap = as_stored(zap, report)
    names = [key_for(zap, hazard.hash, 48 if zap.hash64 else 28, Random(number)) for number in range(4)]
    calls = {"lookup": build.lookup, "remove": build.remove, "add": build.add}
    if hazard.code in ENDS and any(calls[hazard.operation](name) == hazard.code for name in names):
        return True
    return hazard.operation == "add" and filling(zap, blocks, report, hazard)


def filling(zap: Zap, blocks: Blocks, report: Report, hazard: Hazard) -> bool:
    """New names of the hash until the leaf is full: it ends so, or entries are lost, or not found any more
    since the step of a doubling that an add takes brings a damaged table into use."""
    assert hazard.hash is not None
    missing = f"errno {errno.ENOENT}"
    found = [entry.key for entry in report.entries if ReleaseBuild(blocks).lookup(entry.key) != missing]
    build = ReleaseBuild(blocks)
    added = {}
    for number in range(64):
        raw = build.dnode.peek(hazard.block)
        free = int.from_bytes(raw[28:30], "little")
        if free < 4:
            break
        value = bytes([number + 1]) * min(L.MAX_VALUE_LEN, (free - 2) * L.ARRAY_BYTES)
        name = key_for(zap, hazard.hash, 48 if zap.hash64 else 28, Random(number))
        end = build.add(name, 1, len(value), value)
        if end is not None:
            return end == hazard.code or hazard.code not in ENDS
        added[name] = value
    if hazard.code in ENDS:
        return False
    wrong = [name for name, value in added.items() if build.lookup(name, 1, len(value)) != (value, False)]
    return (
        bool(wrong)
        or bool(entries_of(blocks) - entries_of(build.blocks()))
        or crossed(check_object(build.blocks())) > 0
        or any(build.lookup(key) == missing for key in found)
    )


def unsaid(blocks: Blocks, report: Report) -> list[str]:
    """What goes wrong on the model and no hazard says."""
    if report.sound or not report.tries:
        return []
    said = {(hazard.operation, hazard.code) for hazard in report.hazards}
    wrong = []
    _, end = ReleaseBuild(blocks).names(100_000)
    if end in ENDS and ("cursor", end) not in said:
        wrong.append(f"cursor ends: {end}")
    whole = [entry for entry in report.entries if not entry.lost and entry.key]
    for entry in whole:
        end = ReleaseBuild(blocks).lookup(entry.key)
        if end in ENDS and ("lookup", end) not in said:
            wrong.append(f"lookup of {entry.key!r} ends: {end}")
    return wrong


def judge(rng: Random, number: int) -> tuple[int, list[str]]:
    """How many sentences one damaged object has, and what is wrong with them."""
    zap, _, blocks = damaged_object(rng, number)
    report = check_object(blocks)
    problems = unsaid(blocks, report)
    for hazard in report.hazards:
        if not holds(zap, blocks, report, hazard):
            problems.append(f"{number}: {hazard}: {report.violations[:2]}")
    return len(report.hazards), problems


@pytest.mark.parametrize("part", range(8))
def test_every_sentence_is_what_happens(part: int) -> None:
    sentences = 0
    for number in range(32 * part, 32 * (part + 1)):
        count, problems = judge(Random(number), number)
        assert problems == []
        sentences += count
    assert sentences > 10


def test_a_leaf_alone_says_nothing_that_its_object_denies() -> None:
    """Of links that lead elsewhere, a lone leaf tells most of what the object does, and nothing else."""
    alike = fewer = 0
    for number in range(100):
        rng = Random(number)
        zap, blocks = sound_object(rng, rng.choice((9, 9, 10, 12)), ("embedded", "external")[number % 2])
        damaged = a_link(rng, zap, blocks)
        where = [blkid for blkid in range(len(blocks)) if damaged[blkid] != blocks[blkid]]
        if not where:
            continue
        whole, alone = check_object(damaged), check_object([damaged[where[0]]])
        of_object, of_leaf = ({*of_names(whole, where[0])}, {*of_names(alone, 0)})
        assert alone.kind == "leaf" and alone.tries and of_leaf <= of_object, number
        alike, fewer = alike + (of_leaf == of_object), fewer + (of_leaf != of_object)
    assert alike > 8 * fewer > 0


def of_names(report: Report, block: int) -> Iterator[tuple[object, ...]]:
    """What is said of the names that are in a block."""
    for hazard in report.hazards:
        if hazard.block == block and hazard.key is not None and hazard.hash is None:
            yield hazard.operation, hazard.code, hazard.key, hazard.times


def test_a_full_leaf_that_no_split_empties_does_not_take_all_memory() -> None:
    """Two large entries whose hashes have 27 bits in common: the real table grows to half a gigabyte before
    the add fails, the tried one stops."""
    target = ModelTarget("2.3")
    target.begin(Program((Zap("z", words=1, leaf_shift=9),), ()))
    target.apply(Op("add", "z", (1,), 1, 300, 7))
    blocks = target.blocks("z") or []
    [entry] = check_object(blocks).entries
    world = World(
        Patient(Stored(lambda blkid: blocks[blkid], len(blocks)), 512, len(blocks), RELEASES["2.3"])
    )
    end = world.add((2,), entry.hash ^ 1 << 36, 1, bytes(300))
    assert end.code == "unknown"
    assert len(world.dnode.dbufs) * 512 <= 2 * MAX_GROWN


def test_a_name_twice_in_a_micro_zap() -> None:
    """One of the two is found, one remove leaves the other, both appear, and becoming fat panics."""
    report = check_object(open_blocks(DATA / "check" / "micro_name_twice.bin"))
    said = {hazard.operation: hazard for hazard in report.hazards}
    assert {name: hazard.code for name, hazard in said.items()} == {
        "lookup": "other-value",
        "remove": "stays",
        "upgrade": "panic",
    }
    assert "VERIFY0(fzap_add_cd(" in said["upgrade"].why and "0 == 17" in said["upgrade"].why


def test_an_entry_whose_name_is_too_long_for_its_chain() -> None:
    """Names of its hash are compared with it, and lead out of the leaf; no other name does."""
    _, _, blocks = damaged_object(Random(390), 390)
    said = {(hazard.operation, hazard.code, hazard.hash) for hazard in check_object(blocks).hazards}
    assert {(each, "outside", 0xD5908CC000000000) for each in ("lookup", "add", "remove")} < said


def test_an_entry_whose_name_is_too_long_under_a_table_that_cannot_be_run_through() -> None:
    """The size of the pointer table is damaged, too: no leaf is tried whole, and names of that hash are."""
    _, _, blocks = damaged_object(Random(21870), 21870)
    report = check_object(blocks)
    assert "split" not in report.tries
    said = {(hazard.operation, hazard.code, hazard.hash) for hazard in report.hazards}
    assert {(each, "outside", 0xAB2D68C000000000) for each in ("lookup", "add", "remove")} < said


def test_a_bit_of_a_name() -> None:
    """It is not found by its name, and a cursor still gives all 601."""
    report = check_object(open_blocks(DATA / "check" / "one_bit_of_a_name.bin"))
    said = {(hazard.operation, hazard.code) for hazard in report.hazards}
    assert said == {("lookup", "not-found"), ("add", "added-twice"), ("remove", "not-found")}
    assert report.tries["cursor"] == 1


if __name__ == "__main__":
    start, told, wrong = time.monotonic(), 0, 0
    for each in range(int(sys.argv[1])):
        many, bad = judge(Random(each), each)
        told += many
        wrong += len(bad)
        for text in bad:
            print(text)
    print(f"{sys.argv[1]} objects, {told} sentences, {wrong} wrong, {time.monotonic() - start:.0f} s")
