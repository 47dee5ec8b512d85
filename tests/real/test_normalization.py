"""Protects the truth of normalization: forms are those of the real libraries' u8_textprep_str(), and names
that have none, or none that ends, do the same on both sides."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from fuzz.execution.execute import run
from fuzz.language.program import Op, Program, Zap
from fuzz.language.validate import NORMS
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.libzpool.locate import python_for
from fuzz.targets.model.target import ModelTarget
from tests.support.normal_forms import (
    ALL_FORMS,
    NFKC,
    form_on_model,
    forms_of_all,
    random_names,
    random_pairs,
)
from zapcore.release import RELEASES
from zapcore.zap.compare import compare
from zapcore.zap.norm import forms_of, takes_its_nul

Make = Callable[..., LibzpoolTarget]

REAL = """
import ctypes, random, sys
from fuzz.targets.libzpool.abi import Library
from pathlib import Path
from tests.support.normal_forms import forms_of_all, random_names
prepare = Library(Path(sys.argv[1])).handle.u8_textprep_str
prepare.restype = ctypes.c_size_t
out = ctypes.create_string_buffer(2048)
latest = ctypes.c_size_t(int(sys.argv[3]))  # U8_UNICODE_LATEST, and without 3.2 the only one
def real(name, flags, room):
    source = ctypes.create_string_buffer(name)
    taken, left, error = ctypes.c_size_t(len(name) + 1), ctypes.c_size_t(room), ctypes.c_int(0)
    prepare(source, ctypes.byref(taken), out, ctypes.byref(left), flags | 0x30000, latest,
            ctypes.byref(error))
    return None if error.value else out.raw[: room - left.value].split(b"\\0", 1)[0]
print(sys.argv[4] == "all" and forms_of_all(real))
for name, flags, room in random_names(int(sys.argv[2])):
    print(real(name, flags, room))
"""
"""What the real u8_textprep_str gives, in a process of its own: two libraries do not go into one."""
COMPARED = """
import sys
from fuzz.targets.libzpool.abi import Library
from pathlib import Path
from tests.support.normal_forms import random_pairs
library = Library(Path(sys.argv[1]))
for one, other, flags in random_pairs(int(sys.argv[2])):
    print(*map(int, library.compare_names(one, other, flags)))
"""
"""The same of u8_strcmp."""


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
@pytest.mark.parametrize(
    ("count", "which"), [(2_000, ""), pytest.param(10_000, "all", marks=pytest.mark.slow)]
)
def test_forms_are_those_of_the_real_library(libzpool: Make, release: str, count: int, which: str) -> None:
    """Of so many random names, and of "all" code points."""
    library, lower_case = libzpool(release).library, RELEASES[release].lower_case

    def mine(name: bytes, flags: int, room: int) -> bytes | None:
        return form_on_model(name, forms_of(flags, lower_case), room)

    command = [*python_for(library), "-c", REAL, str(library), str(count), str(int(lower_case)), which]
    real = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    if which:
        assert real[0] == (ALL_FORMS if lower_case else forms_of_all(mine))
    for (name, flags, room), its in zip(random_names(count), real[1:], strict=True):
        assert str(mine(name, flags, room)) == its, (name, flags, room)


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_names_compare_as_on_the_real_library(libzpool: Make, release: str) -> None:
    """By which zfs_dirent_lock() tells names from each other, and takes some for errors."""
    library, lower_case = libzpool(release).library, RELEASES[release].lower_case
    command = [*python_for(library), "-c", COMPARED, str(library), "4000"]
    real = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    met = set()
    for (one, other, flags), its in zip(random_pairs(4000), real, strict=True):
        mine = compare(one, other, forms_of(flags, lower_case))
        met.add(mine)
        assert f"{mine.same:d} {mine.broken:d}" == its, (one, other, flags)
    assert len(met) == 4


@pytest.mark.parametrize("name", [b"\xea\xb0", b"ab\xec/", b"\xed\x9e"])
def test_a_form_without_end_ends_the_run(libzpool: Make, name: bytes) -> None:
    """On the model as the finding that it is; beside the real library, which goes on with what it finds in
    memory, nothing from there on is compared."""
    ops = (
        Op("add", "z", b"before", 8, 1, 1),
        Op("add", "z", name, 8, 1, 2),
        Op("add", "z", b"after", 8, 1, 3),
    )
    program = Program((Zap("z", fat=False, norm=NFKC),), ops)
    for target in (ModelTarget("2.3"), BothTarget(ModelTarget("2.3"), libzpool("2.3"))):
        failure = run(program, target).failure
        assert failure is not None
        assert (failure.signature.kind, failure.op) == ("stale-bytes", 1)
    assert run(program, ModelTarget("2.3", stale_bytes=False)).fine


@pytest.mark.parametrize("name", [b"\xea", b"\xe1\x84", b"\xc3", b"\xe3\x81", b"a\xcc\x88", b"\xea\xb0\x80"])
def test_other_cut_names_have_an_end(libzpool: Make, name: bytes) -> None:
    assert not any(takes_its_nul(name, norm) for norm in NORMS)
    program = Program(
        (Zap("z", norm=NFKC, hash64=True),), (Op("add", "z", name, 8, 1, 2), Op("readdir", "z"))
    )
    assert run(program, BothTarget(ModelTarget("2.3"), libzpool("2.3"))).fine
