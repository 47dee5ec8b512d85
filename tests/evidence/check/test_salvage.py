"""Protects salvage: of a damaged directory every entry whose own bytes are whole is got.

`python -m tests.evidence.check.test_salvage 1000` tries as many directories."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from fuzz.commands.check import check
from fuzz.evidence.check.files import BadInput, open_blocks
from fuzz.evidence.check.salvaged import quoted
from fuzz.evidence.check.shapes import sound_object
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.model.target import ModelTarget
from tests.support.damaged import DAMAGES
from zapcore import layout as L
from zapcore.byteorder import swap_micro
from zapcore.verify.object import check_object
from zapcore.verify.report import FoundEntry
from zapcore.verify.salvage import salvage


def directory(rng: Random) -> tuple[Zap, list[bytes]]:
    """A directory as ZFS has it: micro, or fat since a name is long or there are many."""
    zap = Zap("z", fat=False, leaf_shift=rng.choice((9, 10, 12, 14)), salt=rng.getrandbits(64) | 1)
    target = ModelTarget("2.3")
    target.begin(Program((zap,), ()))
    for number in range(rng.choice((3, 12, 60 if zap.leaf_shift > 10 else 8))):
        name = b"%d-" % number + bytes(rng.choices(b"abcdefgh", k=rng.choice((3, 20, 60, 200))))
        target.apply(Op(rng.choice(("mkdir", "touch")), "z", name[:255], fill=100 + number))
    blocks = target.blocks("z")
    assert blocks is not None
    return zap, blocks


def chunks_of(blocks: list[bytes], entry: FoundEntry) -> list[tuple[int, int, int]]:
    """Where an entry's own bytes lie: block, offset, size."""
    if len(blocks) == 1:
        return [(0, 64 * (entry.chunk + 1), 64)]
    raw = blocks[entry.block]
    geo = L.geometry(len(raw).bit_length() - 1)
    h = memoryview(raw).cast("H")
    places = [entry.chunk]
    for field in (L.H_NAME_CHUNK, L.H_VALUE_CHUNK):
        chunk = h[geo.h_chunk + 12 * entry.chunk + field]
        while chunk != L.CHAIN_END:
            places.append(chunk)
            chunk = h[geo.h_chunk + 12 * chunk + L.H_CHUNK_NEXT]
    return [(entry.block, geo.first_chunk + 24 * chunk, 24) for chunk in places]


def lost_of(rng: Random, number: int, file: Path) -> tuple[int, list[str]]:
    """How many whole entries a damaged directory has, and which of them salvage does not get."""
    zap, blocks = directory(rng)
    damaged = DAMAGES[number % len(DAMAGES)](rng, zap, blocks)
    for _ in range(rng.randrange(3)):
        damaged = DAMAGES[4](rng, zap, damaged)
    file.write_bytes(b"".join(damaged))
    whole = []
    for entry in check_object(blocks).entries:
        places = chunks_of(blocks, entry)
        if all(b < len(damaged) and damaged[b][at : at + n] == blocks[b][at : at + n] for b, at, n in places):
            whole.append(entry)
    try:
        opened = open_blocks(file, salvage=True)
    except BadInput:
        if whole:
            return len(whole), [f"{number}: not opened: {len(whole)} entries"]
        return 0, []
    got = {(entry.key, entry.value) for entry in salvage(opened).entries}
    return len(whole), [f"{number}: {e}" for e in whole if (e.key, e.value) not in got]


@pytest.mark.parametrize("part", range(4))
def test_every_whole_entry_is_got(part: int, tmp_path: Path) -> None:
    whole = 0
    for number in range(40 * part, 40 * (part + 1)):
        count, lost = lost_of(Random(number), number, tmp_path / "blocks")
        assert lost == []
        whole += count
    assert whole > 300


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(check, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_writes_json_and_lines_of_zdb(tmp_path: Path) -> None:
    target = ModelTarget("2.3")
    target.begin(Program((Zap("z", fat=False),), ()))
    for number, name in enumerate((b"plain", b"it's", b"caf\xe9", b"n" * 60)):
        target.apply(Op("touch", "z", name, fill=128 + number))
    target.apply(Op("mkdir", "z", b"sub", fill=200))
    blocks = target.blocks("z")
    assert blocks is not None
    source = tmp_path / "blocks.bin"
    leaf = bytearray(blocks[1])
    leaf[L.LEAF_HEADER_SIZE : L.geometry(14).first_chunk] = b"\xff" * 1024  # nothing leads to any entry
    source.write_bytes(blocks[0] + bytes(leaf))
    before = source.read_bytes()
    (tmp_path / "out").mkdir()
    status, out, _ = run(source, "--salvage", tmp_path / "out")
    assert status == 1 and "5 entries got" in out
    said = json.loads((tmp_path / "out" / "blocks.bin.json").read_text())
    there = {(entry["name"], entry["object"], entry["type"], entry["reached"]) for entry in said["entries"]}
    assert there == {
        *(("plain", 128, "file", False), ("it's", 129, "file", False), ("caf\\xe9", 130, "file", False)),
        *(("n" * 60, 131, "file", False), ("sub", 200, "directory", False)),
    }
    lines = (tmp_path / "out" / "blocks.bin.sh").read_text()
    assert "file 129: $'it\\x27s': not found by name; `zdb -ddddd POOL/NAME 129`" in lines
    assert source.read_bytes() == before
    source.write_bytes(b"".join(blocks))
    status, out, _ = run("--salvage", source)
    assert status == 0
    assert "zdb -r POOL/NAME DIRECTORY/$'caf\\xe9' ./$'caf\\xe9'  # file 130" in out
    status, out, _ = run("--salvage", source, "--json")
    assert json.loads(out)["lost"] == {"missing": 0, "parts": [], "violations": []}
    assert run(source, "--salvage", source)[0] == 2


def test_directories_without_any_head(tmp_path: Path) -> None:
    """The first bytes of each block are noise: a micro ZAP in either byte order, and a fat one."""
    names = [b"name-%d" % number for number in range(40)]
    for leaf_shift, fat in ((14, False), (12, True)):
        target = ModelTarget("2.3")
        target.begin(Program((Zap("z", fat=fat, leaf_shift=leaf_shift),), ()))
        for number, name in enumerate(names):
            target.apply(Op("touch", "z", name, fill=300 + number))
        blocks = target.blocks("z") or []
        orders = [b"".join(Random(5).randbytes(48) + block[48:] for block in blocks)]
        if not fat:
            big = swap_micro(blocks[0])
            orders.append(Random(6).randbytes(48) + big[48:])
        for data in orders:
            (tmp_path / "blocks").write_bytes(data)
            got = salvage(open_blocks(tmp_path / "blocks", salvage=True)).entries
            assert {(entry.key, entry.object) for entry in got} == {
                (name, 300 + number) for number, name in enumerate(names)
            }


def test_names_as_a_shell_takes_them() -> None:
    assert [quoted(name) for name in (b"a.b", b"a b", b"$x\n'", b"\\")] == [
        "a.b",
        "$'a b'",
        "$'$x\\x0a\\x27'",
        "$'\\x5c'",
    ]


def test_a_leaf_alone_whose_keys_are_words() -> None:
    """Nothing but the leaf says that its keys are no names, as those of dedup are."""
    _, blocks = sound_object(Random(5), 14, "embedded")
    assert check_object(blocks).header["zap_flags"] & L.FLAG_UINT64_KEY
    got = salvage(blocks[1:])
    assert got.parts == [] and len(got.entries) == 25
    assert {entry.key for entry in got.entries} == {entry.key for entry in check_object(blocks).entries}


if __name__ == "__main__":
    total, missed = 0, 0
    for each in range(int(sys.argv[1])):
        count, lost = lost_of(Random(each), each, Path("/tmp") / "zapfuzz-salvage-test")
        total += count
        missed += len(lost)
        for text in lost[:2]:
            print(text[:300])
    print(f"{sys.argv[1]} directories, {total} whole entries, {missed} not got")
