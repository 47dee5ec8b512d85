"""Protects programs made from real trees, and the seeds: each is printed as it is kept, and runs clean."""

from __future__ import annotations

import sysconfig
from collections import Counter
from pathlib import Path

import pytest

from fuzz.evidence.imports import tree
from fuzz.evidence.imports.dataset import properties_of
from fuzz.evidence.imports.tree import tree_program
from fuzz.execution.execute import run
from fuzz.language.byteform import decode, encode
from fuzz.language.program import Op, Zap
from fuzz.language.syntax import SyntaxProblem, format_program, load
from fuzz.language.validate import problems
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import CORPUS
from zapcore.release import RELEASES

SEEDS = sorted((CORPUS / "seeds").iterdir())


def test_a_tree_becomes_three_phases_over_its_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a\n").touch()
    (tmp_path / "b" / "c").symlink_to("..")
    (tmp_path / "a\n").mkdir()
    (tmp_path / "caf\udce9").touch()
    program = tree_program(tmp_path, leaf_shift=9, salt=3)
    names = [b"a\n", b"b", b"c", b"caf\xe9"]
    values = [4 << 60 | 0x80, 4 << 60 | 0x81, 10 << 60 | 0x82, 8 << 60 | 0x83]
    adds = [Op("add", "d", name, 8, 1, value) for name, value in zip(names, values, strict=True)]
    removes = [Op("remove", "d", name) for name in names]
    again = [op._replace(fill=op.fill + 4) for op in adds]
    txg = [Op("txg")]
    sync = [Op("sync")]
    assert program.zaps == (Zap("d", fat=False, leaf_shift=9, salt=3),)
    assert list(program.ops) == (
        adds[:2]
        + txg
        + adds[2:]
        + sync
        + removes[:2]
        + txg
        + removes[2:]
        + sync
        + again[:2]
        + txg
        + again[2:]
    )
    few = tree_program(tmp_path, names=2, txgs=0, sync=False)
    assert [op.key for op in few.ops] == [names[0], names[2]] * 3


def test_a_program_takes_as_many_names_as_its_phases_leave_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for a million ops a tree of a million names is created whole, but for two."""
    for number in range(9):
        (tmp_path / f"{number}").touch()
    monkeypatch.setattr(tree, "MAX_OPS", 10)
    verbs = {
        phases: Counter(op.verb for op in tree_program(tmp_path, phases=phases).ops) for phases in (1, 2, 3)
    }
    assert verbs == {
        1: {"add": 8, "txg": 1},
        2: {"add": 3, "remove": 3, "txg": 2, "sync": 1},
        3: {"add": 2, "remove": 1, "txg": 3, "sync": 2},
    }
    assert tree_program(tmp_path, phases=1).notes == ((1, "8 of 9 names"),)


def test_a_real_library_folder_becomes_a_valid_program() -> None:
    program = tree_program(sysconfig.get_path("stdlib"), names=1000, leaf_shift=12, txgs=4)
    assert problems(program) is None
    assert len(program.ops) == 3 * 1000 + 3 * 4 + 2
    assert decode(encode(program)) == program
    assert run(program, ModelTarget("2.3"), judge=False).fine


def test_the_properties_of_a_dataset_and_a_part_of_the_names(tmp_path: Path) -> None:
    """Names that one of ZFS's directories takes for one are refused there; what was left out is said."""
    for name in ("A", "a", "b", "c"):
        (tmp_path / name).touch()
    program = tree_program(tmp_path, names=3, properties=properties_of("casesensitivity=insensitive"))
    assert format_program(program).startswith(
        "zap d micro casesensitivity=insensitive longname=on\n# 3 of 4 names\n"
    )
    assert problems(program) is None and run(program, ModelTarget("2.3")).fine


def test_what_is_no_tree_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(
        SyntaxProblem, match="gone: expected a directory that can be read, found No such file"
    ):
        tree_program(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        SyntaxProblem, match="empty: expected a directory with something in it, found an empty"
    ):
        tree_program(tmp_path / "empty")
    (tmp_path / "file").touch()
    with pytest.raises(
        SyntaxProblem, match="file: expected a directory that can be read, found Not a directory"
    ):
        tree_program(tmp_path / "file")


def test_there_are_seeds() -> None:
    assert len(SEEDS) >= 8


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_seeds_are_canonical_and_run_clean_everywhere(path: Path) -> None:
    """A seed is where fuzzing starts: one that fails would hide what it could lead to."""
    program = load(path)
    assert format_program(program) == path.read_text()
    assert program.notes
    assert decode(encode(program)) == program
    for release in RELEASES:
        outcome = run(program, ModelTarget(release))
        assert outcome.fine, f"{release}: {outcome}"
