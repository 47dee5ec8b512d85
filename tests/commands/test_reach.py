"""`reach` and the `sh` form: a failure of small leaves becomes file operations, or why not is told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fuzz.corpus.named_program import open_named
from fuzz.corpus.reproducer import read_reproducer
from fuzz.execution.execute import run
from fuzz.export.forms import FORMS
from fuzz.faults.remedies import switched_on
from fuzz.generate.reach.lift_to_files import FULL, Lift, NoWay, Plan, Tried, file_name, lifted
from fuzz.generate.reach.reach_by_files import reach
from fuzz.language.program import Program
from fuzz.targets.kernel.plain_files import LONGEST_NAME, has_long_names, why_not_files
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import CORPUS
from zapcore.hashing import crc64

FINDINGS = CORPUS / "findings"


def test_names_of_a_place_share_it_under_every_salt() -> None:
    """What makes the salt needless: names of one length keep the difference of their hashes."""
    names = [file_name(0xABC << 52, number) for number in range(50)]
    assert {len(name) for name in names} == {LONGEST_NAME} and len(set(names)) == 50
    for salt in (1, 0x123456789ABCDEF1, (1 << 64) - 1):
        hashes = [crc64(salt, name) for name in names]
        assert len({value >> 40 for value in hashes}) == 1
        assert len(set(hashes)) == 50


def test_zap_trunc_fails_with_175_file_operations_without_the_salt() -> None:
    """The plan that `reach` finds for the freed table: the kernel's own assertion, whatever the salt is."""
    lift = Lift(read_reproducer(FINDINGS / "zap-trunc-next-table").program)
    first, second, third, fourth, again = lift.adds
    program = lift.program(
        {first: Plan(0), second: Plan(2, 1), third: Plan(1), fourth: Plan(1), again: Plan(0, 0, 1)}
    )
    assert len(program.ops) == 175 and why_not_files(program) is None and not has_long_names(program)
    for salt in (1, 0xDEADBEEF12345679, 0x7777777777777777):
        salted = Program((program.zaps[0]._replace(salt=salt),), program.ops)
        for release in ("2.3", "2.4", "master"):
            outcome = run(salted, ModelTarget(release), judge=False)
            assert str(outcome).startswith("assertion zap.c:zap_trunc lastblk <"), (release, salt)


def test_crowded_hash_takes_a_leaf_and_one_name() -> None:
    """The longest names crowd a leaf soonest: one more than fits grows the table to its end."""
    found = reach(read_reproducer(FINDINGS / "crowded-hash").program)
    assert found.program is not None and len(found.program.ops) == FULL + 1 == 43
    assert not found.needs_salt and found.outcome == "limit"


@pytest.mark.parametrize(
    ("finding", "release", "remedies", "ops", "outcome"),
    [
        ("usage-frees-blocks", "2.3", [], 13, "assertion dbuf.c:dbuf_undirty"),
        # hundreds of files whose project ids crowd a ZAP of usage take `reach` the longest
        *(
            pytest.param(finding, "2.4", ["usage-frees-blocks"], ops, outcome, marks=pytest.mark.slow)
            for finding, ops, outcome in [
                ("usage-crowded-ids", 230, "limit"),
                ("usage-trunc-next-table", 511, "invariant zap:free-mark"),
            ]
        ),
    ],
)
def test_project_ids_are_computed_without_the_salt(
    finding: str, release: str, remedies: list[str], ops: int, outcome: str
) -> None:
    """What the owner of files may give them: `chattr -p`, on a dataset as it is by default."""
    with switched_on(remedies):
        found = reach(read_reproducer(FINDINGS / finding).program, release)
    assert found.program is not None and len(found.program.ops) == ops
    assert found.outcome.startswith(outcome) and not found.needs_salt
    assert why_not_files(found.program) is None


@pytest.mark.parametrize(
    ("finding", "why"),
    [
        ("zap-cursor-on-table", "readdir() begins a cursor"),
        ("zap-shrink-stale-shift", "i_rwsem"),
        ("update-too-large", "zap_add() and zap_remove() alone"),
        ("lookup-widened", "one 64-bit integer"),
        ("normalize-unterminated", "utf8only"),
    ],
)
def test_what_no_user_can_type_says_why(finding: str, why: str) -> None:
    """No way is an answer, with its reason."""
    found = reach(read_reproducer(FINDINGS / finding).program)
    assert found.program is None and why in "\n".join(found.lines())


def test_script_refuses_a_directory_that_is_not_marked(tmp_path: Path) -> None:
    """Without --yes, as root, in a directory with files, or off a marked dataset: nothing is done."""
    (tmp_path / "program.zap").write_text('zap d micro\ntouch d "a"\nunlink d "a"\n')
    script = tmp_path / "script.sh"
    script.write_text(FORMS["sh"](open_named(str(tmp_path / "program.zap")).reproducer(), ""))
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o777)
    for words in ([], ["--yes"]):
        done = subprocess.run(
            ["sh", str(script), *words], cwd=empty, env={"PATH": os.defpath}, capture_output=True, text=True
        )
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
        assert not list(empty.iterdir())


def test_script_gives_files_project_ids(tmp_path: Path) -> None:
    """A shell does what the agent does: files called by numbers, each with the next id; what is there already
    is passed over, and an operation that finds nothing to do is refused."""
    ops = ("allocate count=3 id=7", "allocate count=2 id=9", "chown first=1 id=4", "free", "free", "")
    text = "\n".join(("zap z micro usage=project", *ops))
    (tmp_path / "program.zap").write_text(text)
    script = FORMS["sh"](open_named(str(tmp_path / "program.zap")).reproducer(), "")
    body = script[script.index("wrong=0\n") :]
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "chattr").write_text('#!/bin/sh\nprintf "%s %s\\n" "$2" "$3" >>"$LOG"\n')
    (tools / "chattr").chmod(0o755)
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run(
        ["sh", "-uc", body],
        cwd=empty,
        env={"PATH": f"{tools}:{os.defpath}", "LOG": str(tmp_path / "log")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "log").read_text() == "7 z/0\n8 z/1\n9 z/2\n4 z/1\n"
    assert sorted(path.name for path in (empty / "z").iterdir()) == ["1", "2"]


def test_how_much_of_what_may_be_tried_was() -> None:
    tried = Tried()
    with pytest.raises(NoWay, match="none of 20 programs"):
        lifted(read_reproducer(FINDINGS / "zap-trunc-next-table").program, lambda _: False, 20, tried)
    assert (tried.done, tried.most, tried.part) == (20, 20, 1.0)
    assert Tried().part is None
