"""Protects directories of file systems with properties on the real libraries: the same answers and the same
blocks as on the model, by the library's own u8_validate() and zap_lookup_norm()."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from fuzz.execution.execute import run
from fuzz.language.program import Dataset, Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.programs.file_systems import PROGRAMS

Make = Callable[..., LibzpoolTarget]
RELEASES = pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
BYTES = bytes.fromhex("01 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 f7 f8 fe ff")


@RELEASES
@pytest.mark.parametrize("what", PROGRAMS)
def test_every_errno_by_the_properties(libzpool: Make, release: str, what: str) -> None:
    text, wanted = PROGRAMS[what]
    program = parse(text)
    codes = [each if isinstance(each, int) else each.get(release, each[""]) for each in wanted]
    target = libzpool(release)
    target.begin(program)
    assert [target.apply(op).errno for op in program.ops] == codes
    assert run(program, BothTarget(ModelTarget(release), libzpool(release))).fine


@RELEASES
def test_what_is_utf8_is_the_librarys_to_say(libzpool: Make, release: str) -> None:
    """All that the first bytes of a character, and those behind them, are told apart by."""
    zap = Zap("d", fat=False, dataset=Dataset(utf8only=True))
    names = [bytes((first, *rest)) for first in BYTES for rest in ((), (0x80,), (0x80, 0x80), (0x80,) * 3)]
    names += [bytes((first, second, 0x80, 0x80)) for first in BYTES for second in BYTES]
    ops = tuple(Op("unlink", "d", name) for name in names)
    program = Program((zap,), ops)
    target = libzpool(release)
    target.begin(program)
    found = {target.apply(op).errno for op in ops}
    assert found == {errno.EILSEQ, errno.ENOENT}
    assert run(program, BothTarget(ModelTarget(release), target)).fine
