"""Protects directories of file systems with properties: which names are the same, which are refused, which
one is removed, what a rename makes of them, and where a listing goes on."""

from __future__ import annotations

import errno

import pytest

from fuzz.execution.execute import run
from fuzz.execution.result import Result, names_and_positions
from fuzz.language.printing import format_zap
from fuzz.language.syntax import SyntaxProblem, parse
from fuzz.targets.model.target import ModelTarget
from tests.support.programs.file_systems import APART, PROGRAMS, SAME_NAMES, WHOLE

RELEASES = pytest.mark.parametrize("release", ["2.1", "2.3", "2.4", "master"])


def results(text: str, release: str = "2.3") -> list[Result]:
    """What each op of a program returns; the oracle must agree."""
    found: list[Result] = []
    outcome = run(parse(text), ModelTarget(release), trace=lambda _, __, result: found.append(result))
    assert outcome.fine, outcome
    return found


@RELEASES
@pytest.mark.parametrize("what", PROGRAMS)
def test_every_errno_by_the_properties(release: str, what: str) -> None:
    text, wanted = PROGRAMS[what]
    codes = [each if isinstance(each, int) else each.get(release, each[""]) for each in wanted]
    assert [result.errno for result in results(text, release)] == codes


@pytest.mark.parametrize(("case", "form"), SAME_NAMES)
def test_which_names_are_the_same(case: str, form: str) -> None:
    """Created in one way, each is refused, found and removed in another, as the two properties say."""
    same_case, same_form = SAME_NAMES[case, form]
    header = f"zap d micro casesensitivity={case} normalization={form}\n"
    for name, other, same in (("Foo", "fOO", same_case), (APART, WHOLE, same_form)):
        codes = [each.errno for each in results(f'{header}touch d "{name}"\ntouch d "{other}"\nreaddir d')]
        assert codes == [0, errno.EEXIST if same else 0, 0]
        gone = results(f'{header}mkdir d "{name}"\nrmdir d "{other}"\nreaddir d')
        assert gone[1].errno == (0 if same else errno.ENOENT)
        assert (gone[2].value == b"") is same


def test_the_stored_name_stays_where_case_does_not_count() -> None:
    """Linux goes on with the name that it has found: `mv a FOO` onto Foo leaves Foo."""
    steps = ['touch d "Foo" inode=0x8', 'touch d "a" inode=0x9', 'rename d d "A" "FOO"', "readdir d"]
    insensitive = results("\n".join(["zap d micro casesensitivity=insensitive", *steps]))
    assert insensitive[-1].value == b"Foo\0"
    spelled = [f'touch d "{APART}" inode=0x8', 'touch d "a" inode=0x9', f'rename d d "a" "{WHOLE}"']
    sensitive = results("\n".join(["zap d micro normalization=formD", *spelled, "readdir d"]))
    assert sensitive[-1].value == "\u00fc".encode() + b"\0", "the new spelling"


@RELEASES
def test_a_listing_goes_on_where_it_was(release: str) -> None:
    """`.` and `..` come first; what is removed meanwhile does not come, and nothing comes twice."""
    names = [f"n{number}" for number in range(6)]
    header = ["zap d micro", *(f'touch d "{name}"' for name in names)]
    first = results("\n".join([*header, "getdents d names=4"]), release)[-1].value
    assert isinstance(first, bytes)
    listed = names_and_positions(first)
    assert [name for name, _ in listed[:2]] == [b".", b".."] and [at for _, at in listed[:2]] == [1, 2]
    seen, position = [name.decode() for name, _ in listed[2:]], listed[-1][1]
    left = [name for name in names if name not in seen]
    more = [f'unlink d "{seen[-1]}"', f'unlink d "{left[0]}"', f"getdents d from={position:#x}"]
    rest = results("\n".join([*header, *more]), release)[-1].value
    assert isinstance(rest, bytes)
    assert sorted(name.decode() for name, _ in names_and_positions(rest)) == sorted(left[1:])
    assert results("\n".join([*header, f"getdents d from={position + (1 << 31):#x}"]), release)


def test_an_entry_that_is_no_directorys_ends_a_listing() -> None:
    text = 'zap d micro\nadd d "a" len=3\ngetdents d\ngetdents d from=0x2\n'
    special, none = results(text)[1:]
    assert special.errno == 0 and none.errno == errno.ENXIO
    assert isinstance(special.value, bytes)
    assert [name for name, _ in names_and_positions(special.value)] == [b".", b".."]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("zap d micro casesensitivity=no", "1:29: expected one of sensitive, insensitive, mixed, found 'no'"),
        ("zap d micro normalization=formX", "1:27: expected one of none, formC, formD, formKC, formKD"),
        ("zap d micro utf8only=1", "1:22: expected on or off, found '1'"),
        ("zap d micro norm=2 longname=on", "1:18: expected casesensitivity= and normalization=, or norm="),
        ("zap d micro normalization=formC utf8only=off", "1:42: expected utf8only=on with a normalization"),
        ("zap d micro compression=best", "1:25: expected one of on, off, lzjb, zle, lz4, gzip, zstd, found"),
        ("zap d micro encryption=aes", "1:24: expected one of off, on, aes-128-ccm, "),
        ("zap d fat hash64 longname=on", "1:29: expected micro with properties of a directory, found fat"),
    ],
)
def test_a_file_system_that_zfs_create_refuses_is_refused(line: str, said: str) -> None:
    with pytest.raises(SyntaxProblem) as problem:
        parse(f"{line}\ncount d\n", "text")
    assert str(problem.value).startswith(f"text:{said}")


def test_properties_are_printed_as_zfs_create_has_them() -> None:
    for words in (
        "casesensitivity=sensitive",
        "casesensitivity=insensitive normalization=formKD",
        "casesensitivity=mixed utf8only=on longname=on",
        "casesensitivity=sensitive longname=on compression=off encryption=aes-256-gcm",
    ):
        assert format_zap(parse(f"zap d micro {words}\ncount d").zaps[0]) == f"zap d micro {words}"
