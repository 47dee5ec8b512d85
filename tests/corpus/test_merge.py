"""Working corpora are merged and cut.

They protect: that nothing is lost of what the programs reach, that what is left is less, that doing it again
changes nothing, and that text and byte forms are both read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from random import Random

from click.testing import CliRunner

from fuzz.commands.cli import main
from fuzz.corpus.merge import Reach, programs, smallest, write
from fuzz.generate.leaf_programs import random_program
from fuzz.language.byteform import encode
from fuzz.language.program import Op
from fuzz.language.syntax import save


def corpus(folder: Path, seed: int, count: int) -> Path:
    """Random programs in byte form, the first of them as a text too."""
    folder.mkdir()
    rng = Random(seed)
    for number in range(count):
        program = random_program(rng)
        data = encode(program)
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
        if not number:
            save(folder / "text.zap", program)
    return folder


def reached(folders: list[Path]) -> set[object]:
    """All that the programs of some folders reach."""
    reach = Reach("2.3")
    return {what for program in programs(folders) for what in reach.reached(program)}


def test_less_reaches_the_same(tmp_path: Path) -> None:
    first, second = corpus(tmp_path / "a", 1, 40), corpus(tmp_path / "b", 2, 40)
    before = reached([first, second])
    result = CliRunner().invoke(main, ["merge", str(first), str(second)])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("82 programs of ")
    assert reached([first]) == before
    left = list(programs([first]))
    assert len(left) < 80
    assert len(list(second.iterdir())) == 41


def test_only_what_is_a_corpus_s_own_may_go(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "a", 1, 3)
    (folder / "notes.txt").write_text("not a program")
    assert len(list(programs([folder]))) == 4
    assert CliRunner().invoke(main, ["merge", str(folder)]).exit_code == 0
    assert (folder / "notes.txt").read_text() == "not a program"
    assert (folder / "text.zap").exists()


def test_ops_that_bring_nothing_are_cut(tmp_path: Path) -> None:
    program = random_program(Random(3))
    idle = program.with_ops((*program.ops, *[Op("sync")] * 50))
    (cut,) = smallest([idle], "2.3")
    assert len(cut.ops) <= len(program.ops) + 3
    small = smallest([idle, random_program(Random(4))], "2.3")
    assert write(small, tmp_path / "new") == (len(small), 0)
    assert write(small[:1], tmp_path / "new") == (1, len(small) - 1)
    again = smallest(programs([tmp_path / "new"]), "2.3")
    assert write(again, tmp_path / "new") == (1, 0)
    assert not list((tmp_path / "new").glob(".*"))


def test_what_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["merge", str(tmp_path / "new"), str(tmp_path / "none")])
    assert result.exit_code == 2
