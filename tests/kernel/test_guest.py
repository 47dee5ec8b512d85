"""A real kernel module in a guest, where `make kernel` has made one: what it answers, and that nothing of it
outlives who started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.corpus.places import ROOT
from fuzz.corpus.reproducer import read_reproducer
from fuzz.execution.execute import run
from fuzz.generate.reach.lift_to_files import file_name
from fuzz.language.program import Op, Program
from fuzz.language.syntax import parse
from fuzz.targets.kernel.locate import NoKernel
from fuzz.targets.kernel.target import KernelTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.freed_table import freed_table
from tests.support.missing import missing
from tests.support.paths import CORPUS

DIRECTORIES = """
zap a micro
zap b micro
touch a "one"
touch a "one"
mkdir a "two"
unlink a "two"
rmdir a "one"
rename a b "one" "three"
contains a "one"
contains b "three"
rename a b "two" "three"
txg
readdir b
evict
rmdir a "two"
reopen
readdir a
"""


@pytest.fixture(scope="module")
def target() -> Iterator[KernelTarget]:
    """The module as Debian ships it."""
    try:
        made = KernelTarget("2.3", "shipped")
    except NoKernel as reason:
        missing(reason)
    yield made
    made.close()


def test_directory_program_is_as_the_oracle_says(target: KernelTarget) -> None:
    """Every errno and every name, and all names again after an export and an import."""
    outcome = run(parse(DIRECTORIES), target)
    assert outcome.fine, outcome.failure


def test_reset_forgets_the_program_before(target: KernelTarget) -> None:
    """The same program twice: the second one meets an empty directory."""
    for _ in range(2):
        assert run(parse('zap a micro\ntouch a "one"\nreaddir a\n'), target).fine


def test_words_are_no_file_names(target: KernelTarget) -> None:
    """What no user can type is told as such, not run."""
    outcome = run(parse('zap a micro\nadd a "one"\n'), target)
    assert outcome.limit is not None and "none of the file operations" in outcome.limit


def test_no_guest_outlives_a_killed_parent(target: KernelTarget) -> None:
    """QEMU ends with the process that started it, however that ends."""
    code = (
        "import os, signal; from fuzz.targets.kernel.guest import Guest;"
        "from fuzz.targets.kernel.locate import find_parts; g = Guest(find_parts('2.3', 'shipped'));"
        "g.fresh(); print(g.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    process = Path("/proc", done.stdout.strip())
    for _ in range(100):
        if not process.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"QEMU {process.name} is still there")


def test_plain_user_panics_the_zap_with_assertions() -> None:
    """The model's failure at the model's op, read from the console; the next program has a guest again."""
    try:
        target = KernelTarget("2.3", "asserts")
    except NoKernel as reason:
        missing(reason)
    program = freed_table()
    outcome = run(program, target)
    assert outcome.failure is not None
    assert str(outcome.failure.signature) == (
        "assertion zap.c:zap_trunc lastblk < zap_f_phys(zap)->zap_freeblk"
    )
    assert outcome.failure.op == run(program, ModelTarget("2.3"), judge=False).ops - 1
    assert run(parse('zap a micro\ntouch a "one"\nreaddir a\n'), target).fine
    target.close()


def test_plain_user_panics_the_kernel_as_it_is_shipped(target: KernelTarget) -> None:
    """Behind the wrong mark leaves of 60 more names are written over the pointer table: then `ls` follows a
    block number that is none. The oops is told by the function that the processor stood in."""
    ops = list(freed_table().ops[:131])
    ops += [Op("touch", "d", file_name((2 if n < 42 else 3) << 57, 100 + n), fill=1) for n in range(43)]
    ops += [Op("touch", "d", file_name((0xC << 56) + (n << 40), 200 + n), fill=1) for n in range(17)]
    program = Program(freed_table().zaps, (*ops, Op("readdir", "d")))
    outcome = run(program, target)
    assert outcome.failure is not None
    assert outcome.failure.signature.place.startswith("?:zap_leaf"), outcome.failure
    assert outcome.failure.signature.kind in ("null-dereference", "soft-lockup", "hang")


def test_plain_user_hangs_the_sync_of_the_kernel_as_it_is_shipped(target: KernelTarget) -> None:
    """A soft lockup that a finding makes: project ids lead the sync into a leaf that is none. Where it ends
    there is the salt's to say, which each guest draws when it is made: with some the leaf's chunks are a
    circle, with others what is read is no leaf, and the sync's VERIFY is not so. The next program has a guest
    again."""
    reproducer = read_reproducer(CORPUS / "findings" / "usage-trunc-next-table-files")
    outcome = run(reproducer.program, target)
    assert str(outcome) in reproducer.expect["kernel-2.3.2"].split(" or "), outcome.failure
    assert outcome.failure is not None and "userquota_updates_task" in outcome.failure.text
    assert run(parse('zap a micro\ntouch a "one"\nreaddir a\n'), target).fine


def test_projects_are_what_the_user_gave_them(target: KernelTarget) -> None:
    """Files come, change their project and go; what the file system counts at the end is what was done."""
    ops = ("allocate count=40 id=7", "txg", "chown count=9 first=5 id=0xfffffff0", "free count=3", "sync")
    outcome = run(parse("\n".join(("zap z micro usage=project", *ops, ""))), target)
    assert outcome.fine, outcome.failure
