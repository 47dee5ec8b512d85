"""Which programs are a plain user's file operations, without a guest."""

from __future__ import annotations

import pytest

from fuzz.execution.execute import run
from fuzz.language.program import Program
from fuzz.language.syntax import parse
from fuzz.targets.kernel.plain_files import pack, projects_of, slots_of, why_not_files
from fuzz.targets.model.target import ModelTarget

PROJECTS = """
zap d micro
zap z micro usage=project
allocate count=3 id=7
allocate count=2 first=2 id=0xfffffffd whose=4
chown first=1 id=9 whose=6
chown first=9 id=9
free
free first=9
touch d "one"
sync
"""


def _program(text: str) -> Program:
    return parse(text)


def test_files_have_the_projects_that_the_model_gives_them() -> None:
    """What the guest's `zfs projectspace` is held against is told from the ops alone."""
    program = _program(PROJECTS)
    assert why_not_files(program) is None
    model = ModelTarget("2.4")
    assert run(program, model).fine
    assert model.accounting is not None
    accounts = model.accounting.objects.values()
    assert sorted(projects_of(program).items()) == sorted(
        (project, sum(1 for each in accounts if each.project == project))
        for project in {each.project for each in accounts}
    )


def test_files_are_made_in_the_directory_of_the_usage() -> None:
    """The agent is told a directory's number, the first file, how many, and the project of the first."""
    program = _program(PROJECTS)
    assert pack(program.ops[1], slots_of(program)) == b"p\x02\x0e\x002 2 4294967293"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("zap z micro usage=user\nallocate id=7\n", "for root to choose"),
        ("zap z fat usage=project\nallocate id=7\n", "begins as a micro ZAP"),
        ("zap z micro usage=project leaf_shift=9\nallocate id=7\n", "16384 bytes"),
        ("zap z micro usage=project\nallocate id=7 whose=3\n", "for root to choose"),
        ("zap z micro usage=project\nallocate count=2 id=0xfffffffe\n", "at most 0xfffffffe"),
        ("zap z micro usage=project\ncount z\n", "nobody but syncing context"),
        ("zap z micro usage=project\nresize blocks=1\n", "none of the file operations"),
        ("zap d micro\nallocate id=7\n", "no header line has usage=project"),
    ],
)
def test_what_no_plain_user_can_do_is_told(text: str, why: str) -> None:
    """Owners of other kinds, ids that no file may have, and ZAPs that nobody writes."""
    found = why_not_files(_program(text))
    assert found is not None and why in found


STRICT = "zap d micro casesensitivity=sensitive utf8only=on\n"
LONG = "l" * 256


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f'{STRICT}contains d "\\xc3\\x9f\\xff"\n', "no UTF-8"),
        (f'{STRICT}contains d "{LONG}"\n', "too long"),
        ('zap d micro casesensitivity=insensitive\ncontains d "n"\n', "as it is spelled"),
        (f'{STRICT}contains d "\\xc3\\x9f"\n', None),
        (f'{STRICT}dirlook d "\\xff"\ntouch d "\\xff"\ndirlook d "{LONG}"\n', None),
        (f'zap d micro casesensitivity=sensitive longname=on\ncontains d "{LONG}"\n', None),
        (f'zap d micro\ncontains d "\\xff"\ncontains d "{LONG}"\n', None),
    ],
)
def test_contains_is_a_lookup_of_a_file_where_the_file_system_asks_the_zap(
    text: str, why: str | None
) -> None:
    """The kernel refuses other names by itself (zfs_lookup()), and the verb would be told nothing: 2.4.4 has
    said EILSEQ where the ZAP says ENOENT."""
    found = why_not_files(_program(text))
    assert found is None if why is None else found is not None and why in found
