"""Protects the exported forms of ZAPs that a library cannot simply be asked for: few bits of hashes, other
bounds of micro ZAPs, small indirect blocks, keys of several lengths, and callers that hold the dnode."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fuzz.corpus.reproducer import FINE, Reproducer
from fuzz.export.c_form import c_form
from fuzz.export.compile_and_run_form import compiled, ran
from fuzz.export.python_form import python_form
from fuzz.language.syntax import parse
from tests.support.exported_forms import FORMS, RELEASES, command_of, judge, library

UNUSUAL = parse(
    "zap w fat key=u64 words=3 shorter by_dnode\n"
    "zap m micro micro_max_size=512 leaf_shift=9 by_dnode\n"
    "zap l micro micro_max_size=1048576\n"
    "zap h fat hash64 hash_bits=10 leaf_shift=9\n"
    "zap i micro indirect_shift=9 leaf_shift=9\n"
    "add w 0x1 len=3\n"
    "add w 0x1:0x2 len=3\n"
    "add w 0x1:0x2:0x3 len=3\n"
    "update w 0x1:0x2 len=7\n"
    "lookup w 0x1:0x2\n"
    "remove w 0x1\n"
    "count w\n"
    "contains w 0x1\n"
    "length w 0x1:0x2:0x3\n"
    "increment w 0x9:0x8\n"
    "prefetch w 0x1\n"
    "cursor c w\n"
    + "".join(f'add m "a{number}" int=8\n' for number in range(8))
    + 'stats m\nlookup m "a7"\nupdate m "a7" int=8 fill=9\nremove m "a1"\ncount m\nremove m "none"\n'
    + "".join(f'add l "l{number}" int=8\n' for number in range(20))
    + 'stats l\nadd h "x" len=3\nadd h "y" len=100\ncursor c h\nnext c\nserialize c\n'
    'reopen\nadd h "z" len=100\ncursor c h\nnext c\nserialize c\nadd i "q" len=100\nremove i "q"\n'
)


def first_complaint(printed: str) -> str:
    """The line of the first complaint, and the step that it is of."""
    lines = printed.splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith("  "))
    return "\n".join(lines[at - 1 : at + 1])


@FORMS
@RELEASES
def test_every_shape_gives_the_models_answer(release: str, form: str, tmp_path: Path) -> None:
    where, reproducer = library(release), Reproducer(UNUSUAL, "unusual", {release: FINE})
    judge(*ran(command_of(form, reproducer, where, tmp_path), where), FINE)


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        ("micro_max=512", "micro_max=1024", "stats m"),
        ("hash_bits=10", "hash_bits=11", "serialize c"),
        ("(0x1, 0x2,)): (1, 7, ", "(0x1, 0x3,)): (1, 7, ", "w in the end: b'\\x01"),
    ],
    ids=["micro_max_size", "hash_bits", "shorter"],
)
def test_a_script_that_is_told_another_shape_says_so(
    found: str, instead: str, said: str, tmp_path: Path
) -> None:
    """Each of them decides what the library answers."""
    where = library("2.3")
    text = python_form(Reproducer(UNUSUAL, "unusual", {"2.3": FINE}))
    assert found in text
    script = tmp_path / "wrong.py"
    script.write_text(text.replace(found, instead))
    status, printed = ran([sys.executable, str(script), str(where)], where)
    assert (status, said in first_complaint(printed)) == (1, True), printed


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        (".micro_max = 512", ".micro_max = 1024", "stats m"),
        (".hash_bits = 10", ".hash_bits = 11", "serialize c"),
        ("{ 2, 0x1ULL, 0x2ULL }, 16, 1, 7", "{ 2, 0x1ULL, 0x3ULL }, 16, 1, 7", "w: the entry with the key"),
    ],
    ids=["micro_max_size", "hash_bits", "shorter"],
)
def test_a_c_program_that_is_told_another_shape_says_so(
    found: str, instead: str, said: str, tmp_path: Path
) -> None:
    """The same of the C form."""
    where = library("2.3")
    text = c_form(Reproducer(UNUSUAL, "unusual", {"2.3": FINE}))
    assert found in text
    source = tmp_path / "wrong.c"
    source.write_text(text.replace(found, instead))
    status, printed = ran(compiled(source, where, tmp_path / "wrong"), where)
    assert (status, said in first_complaint(printed)) == (1, True), printed


def test_functions_of_a_dnode_are_called_where_there_are_any() -> None:
    text = c_form(Reproducer(UNUSUAL, "unusual", {"2.3": FINE}))
    for verb in ("write", "remove", "lookup", "count"):
        assert f"do_{verb}_by_dnode(&the_zap_" in text
    assert "do_count_by_dnode" not in c_form(
        Reproducer(parse("zap h micro\ncount h\n"), "usual", {"2.3": FINE})
    )
