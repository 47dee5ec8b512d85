"""The edges, lines and branches of C code that programs take, of a library that Clang built for that."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.bench.c_coverage import FLAGS
from fuzz.language.printing import format_program
from fuzz.targets.libzpool.locate import find_library
from fuzz.targets.libzpool.target import LibzpoolTarget
from tests.support.command import zapfuzz
from tests.support.wrong_libraries.one_fault import COUNTS, wrong_library

EDGES = "-fsanitize-coverage=inline-8bit-counters,pc-table"


def test_an_edge_is_told_once_by_whichever_worker_takes_it(tmp_path: Path) -> None:
    """The library that has the counters is a few lines of zap_count(), whose ways are three entries or
    fewer."""
    target = LibzpoolTarget("2.3", wrong_library(tmp_path, EDGES, "-DUNINITIALIZED", compiler="clang"))
    try:
        target.run_program(COUNTS.with_ops(COUNTS.ops[:3]))
        assert target.counters is not None
        target.counters.fresh()  # now it is known which edges there are
        target.run_program(COUNTS.with_ops(COUNTS.ops[:3]))
        few = target.counters.fresh()
        assert few
        target.run_program(COUNTS)
        more = target.counters.fresh()
        assert more and not set(few) & set(more)
        target.close()
        target.run_program(COUNTS)
        assert target.counters.fresh() == []
    finally:
        target.close()


def test_a_library_without_counters_has_none() -> None:
    assert LibzpoolTarget(path=find_library("2.3")).counters is None


@pytest.mark.parametrize(
    ("many", "more"),
    [
        (False, ("--release", "2.3")),
        (True, ("--release", "2.3")),
        (False, ()),
        (False, ("--time", "1e-9")),
    ],
)
def test_lines_and_branches_are_told_and_what_was_never_taken(
    many: bool, more: tuple[str, ...], tmp_path: Path
) -> None:
    """By the programs that were given only: to draw random ones without --release the probes run first, of
    which some remove keys of numbers, as COUNTS does not."""
    library = wrong_library(tmp_path, *FLAGS.split(), "-DUNINITIALIZED", "-DREMOVES", compiler="clang")
    program = COUNTS if many else COUNTS.with_ops(COUNTS.ops[:3])
    (tmp_path / "counts.zap").write_text(format_program(program))
    words = (str(library), str(tmp_path / "counts.zap"), *more, "--unreached", str(tmp_path / "u"))
    status, output = zapfuzz("coverage", *words)
    assert status == 0, output
    assert "1 programs on" in output and "zap_micro.c" in output
    never = (tmp_path / "u").read_text()
    assert ("zap_count(): never false: if (error != 0 || *count < 3)" in never) != many
    assert "zap_remove_uint64() is never entered" in never


def test_a_library_without_coverage_is_refused() -> None:
    status, output = zapfuzz("coverage", str(find_library("2.3")))
    assert (status, output.count("\n")) == (2, 1)
    assert f"expected a library that Clang has built with {FLAGS}" in output


def test_programs_that_are_not_fine_are_told(tmp_path: Path) -> None:
    library = wrong_library(tmp_path, *FLAGS.split(), "-DWRONG", compiler="clang")
    (tmp_path / "counts.zap").write_text(format_program(COUNTS))
    status, output = zapfuzz("coverage", str(library), str(tmp_path / "counts.zap"))
    assert status == 0, output
    assert "1 programs on" in output and "0 of them fine\n1: oracle " in output
