"""Protects what `check` makes of what people really give it: names that are there twice, a leaf without its
header, blocks still compressed, text of zdb, and files that have nothing to do with a ZAP."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from fuzz.commands.check import check
from fuzz.corpus.places import ROOT
from fuzz.evidence.check.files import open_blocks
from fuzz.evidence.check.shapes import SHAPES, sound_object
from fuzz.targets.libzpool.locate import NoLibrary, find_library
from tests.evidence.check.test_check import swapped
from tests.support.missing import missing
from tests.support.paths import DATA
from zapcore import layout as L
from zapcore.verify.leaf import is_leaf
from zapcore.verify.object import check_object

CHECKED = DATA / "check"


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(check, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_a_name_that_is_there_twice_in_a_fat_zap() -> None:
    """Two entries of one hash with different differentiators: every link and counter is right."""
    status, out, _ = run(CHECKED / "fat_name_twice.bin")
    assert status == 1
    assert "WRONG one-name: block 1: chunk 8 name: 'same' is in chunk 5 too" in out
    blocks = open_blocks(CHECKED / "fat_name_twice.bin")
    assert [violation.invariant for violation in check_object(blocks).violations] == ["one-name"]


def test_a_leaf_alone_is_judged_as_one() -> None:
    status, out, _ = run(CHECKED / "leaf_alone.bin")
    assert status == 0
    assert "sound: leaf of a fat ZAP, 1 block of 16384 bytes" in out
    assert "without the object's first block" in out
    assert "150 entries can be read" in out


@pytest.mark.parametrize("shift", [9, 12, 14])
@pytest.mark.parametrize("shape", SHAPES[1:])
def test_leaves_of_any_object_without_their_header(shape: str, shift: int, tmp_path: Path) -> None:
    """Either byte order, names or words, whatever the block size: all of their entries are read."""
    for seed in range(4):
        zap, blocks = sound_object(Random(100 * shift + seed), shift, shape)
        for order in (blocks, swapped(blocks)):
            for number, block in enumerate(order):
                if not is_leaf(blocks[number]):
                    continue
                (tmp_path / "leaf").write_bytes(block)
                found = open_blocks(tmp_path / "leaf")
                report = check_object(found)
                whole = check_object(blocks)
                assert (report.kind, report.violations, found.size) == ("leaf", [], len(block))
                there = [(entry.key, entry.value) for entry in whole.entries if entry.block == number]
                assert [(entry.key, entry.value) for entry in report.entries] == there, (zap, seed)


def test_damage_in_a_leaf_alone_is_named() -> None:
    raw = bytearray((CHECKED / "leaf_alone.bin").read_bytes())
    raw[L.LEAF_HEADER_SIZE + 8] ^= 1
    report = check_object([bytes(raw)])
    assert [violation.field for violation in report.violations if "l_hash" in violation.field]


def test_leaves_behind_a_header_that_is_gone_are_read() -> None:
    _, blocks = sound_object(Random(4), 12, "embedded")
    whole = check_object(blocks)
    report = check_object([b"\xee" * len(blocks[0]), *blocks[1:]])
    assert report.violations[0].found.endswith("no ZAP's header, but there are leaves behind it")
    assert [entry._replace(lost=False) for entry in report.entries] == whole.entries


COMPRESS = """
import ctypes, sys
lib = ctypes.CDLL(sys.argv[1])
lib.kernel_init(1)
name, level, data = sys.argv[2], int(sys.argv[3]), sys.stdin.buffer.read()
out = ctypes.create_string_buffer(len(data) + 512)
room = len(data) - len(data) // 8
size = getattr(lib, name)(data, out, ctypes.c_size_t(len(data)), ctypes.c_size_t(room), level)
sys.stdout.buffer.write(out.raw[:size].ljust(-(-size // 512) * 512, b"\\0"))
sys.stdout.buffer.flush()
import os
os._exit(size >= len(data))
"""


@pytest.mark.parametrize(
    ("function", "level", "name"),
    [
        ("lz4_compress_zfs", 0, "lz4"),
        ("lzjb_compress", 0, "lzjb"),
        ("zle_compress", 64, "zle"),
        ("gzip_compress", 6, "gzip"),
        ("zfs_zstd_compress", 3, "zstd"),
    ],
)
def test_blocks_that_are_still_compressed(function: str, level: int, name: str, tmp_path: Path) -> None:
    """As OpenZFS's own functions compress them, padded as they lie on disk."""
    try:
        library = find_library("2.1")
    except NoLibrary as reason:
        missing(reason)
    environment = os.environ | {"LD_LIBRARY_PATH": str(library.parent), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", COMPRESS, str(library), function, str(level)]
    fat = sound_object(Random(1), 14, "embedded")[1]
    for block in (fat[0], fat[1], sound_object(Random(2), 14, "micro")[1][0].ljust(4096, b"\0")):
        done = subprocess.run(command, input=block, env=environment, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        (tmp_path / "block").write_bytes(done.stdout)
        status, out, err = run(tmp_path / "block")
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert f"still compressed by {name}: read it with `zdb -R POOL" in err


def dumped(block: bytes, swap: bool = False, head: bool | None = None) -> str:
    """A block as zdb_dump_block() prints it; with `swap` as on the flag e. `head` is what the head says of
    it: zdb of 2.0 to 2.2 prints the one under the head of the other."""
    said = swap if head is None else head
    order = " 7 6 5 4 3 2 1 0   f e d c b a 9 8" if said else " 0 1 2 3 4 5 6 7   8 9 a b c d e f"
    lines = ["", "0:400:4000:d", f"{'':6}   {order}  0123456789abcdef"]
    for at in range(0, len(block), 16):
        words = [block[at + half : at + half + 8] for half in (0, 8)]
        text = "  ".join((word[::-1] if swap else word).hex() for word in words)
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in block[at : at + 16])
        lines.append(f"{at:06x}:  {text}  {shown}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("head", [False, True])
@pytest.mark.parametrize("swap", [False, True])
def test_what_zdb_prints_without_the_flag_r_is_read(swap: bool, head: bool, tmp_path: Path) -> None:
    _, blocks = sound_object(Random(3), 12, "embedded")
    file = tmp_path / "dump"
    file.write_text("Found vdev type: mirror\n" + "".join(dumped(block, swap, head) for block in blocks))
    assert list(open_blocks(file)) == blocks
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:20] + lines[21:]))
    status, _, err = run(file)
    assert (status, err.count("\n")) == (2, 1)
    assert "line 21: offset 0x110, expected 0x100: lines are missing" in err


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, "little") for value in values)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ((CHECKED / "zdb_object.txt").read_bytes(), "text of zdb, not blocks: `zapfuzz import-zdb`"),
        (b"\t\tfile = 12 (type: Regular File)\n", "text of zdb, not blocks"),
        (b"Hello, here is my damaged directory:\n" * 9, "text, not blocks"),
        (b"\xff\xfeH\0i\0", "UTF-16 text"),
        (b"00000000: 0100 0000 0000 0080 abb2 2af5 0200 0000  ..........*.....\n" * 4, "a hex dump"),
        (b"00000000  01 00 00 00 00 00 00 80  ab b2 2a f5 02 00 00 00  |..|\n" * 4, "a hex dump"),
        (bytes(16384), "all zero: a hole, or a block that was freed"),
        (b"\x7fELF\2\1\1" + bytes(100), "a program or library"),
        (b"\x1f\x8b\x08\0" + bytes(100), "a gzip file: decompress it first"),
        (words(0, 0x2F5BACBAC) + bytes(300), "a stream of `zfs send`"),
        (bytes(0x1FFD8) + words(0x210DA7AB10C7A11) + bytes(64), "a pool's device or image: say --pool"),
        (words(*range(1, 65)) * 8, "perhaps a block of a ZAP's pointer table"),
        (b"\x13\x0e\1\1\x2c\0\0\1\1\0\xa8\0" + bytes(500) * 4, "dnodes, not the blocks"),
        (words(1, 2, 0, 0, 0, 0, 0x8013070200070007, 0, 0, 5, 5, 1, 9, 9, 9, 9) * 8, "block pointers"),
        (Random(1).randbytes(16384), "was it of a compressed block"),
    ],
)
def test_what_is_no_zap_ends_with_what_it_looks_like(content: bytes, said: str, tmp_path: Path) -> None:
    """One line that says what to do instead, status 2, and nothing of what operations would do."""
    (tmp_path / "file").write_bytes(content)
    status, out, err = run(tmp_path / "file")
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert said in err


def test_a_header_with_a_flipped_bit_is_still_judged(tmp_path: Path) -> None:
    for shape in SHAPES:
        _, blocks = sound_object(Random(8), 9, shape)
        for byte in (0, 7):
            raw = bytearray(b"".join(blocks))
            raw[byte] ^= 1 << 1
            (tmp_path / "file").write_bytes(raw)
            assert run(tmp_path / "file")[0] == 1
