"""Shell scripts of findings as a plain user runs them in a guest: they refuse what is not marked for them,
and do to the kernel what the corpus says."""

from __future__ import annotations

import dataclasses

import pytest

from fuzz.corpus.reproducer import Reproducer, read_reproducer
from fuzz.export.sh_form import PROPERTY, sh_form
from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program
from fuzz.language.syntax import parse
from fuzz.targets.kernel.guest import PLAIN
from fuzz.targets.kernel.locate import ASSERTS, SHIPPED, NoKernel
from fuzz.targets.kernel.target import KernelTarget
from tests.support.freed_table import freed_table
from tests.support.missing import missing
from tests.support.paths import CORPUS

VERSION = "2.3.2"
EMPTY = Program(parse("zap scratch micro\ncount scratch\n").zaps, ())
HERE, SCRIPT = f"/{PLAIN}/scratch", "/tmp/script"
SECONDS = 900.0
"""A thousand files, each by a process of its own, on an emulated processor."""


def made(build: str) -> KernelTarget:
    """Raises Skipped where there is none."""
    try:
        return KernelTarget(VERSION, build)
    except NoKernel as reason:
        missing(reason)


def finding(name: str) -> Reproducer:
    return read_reproducer(CORPUS / "findings" / name)


def put(target: KernelTarget, reproducer: Reproducer) -> None:
    """A fresh guest with an empty directory of the user's, and the script."""
    target.begin(EMPTY)
    assert target.guest.write(SCRIPT, sh_form(reproducer, VERSION).encode()) == 0


def run_script(target: KernelTarget, *words: str, user: str = "user") -> tuple[int, str]:
    """Its exit status and what it said. Raises Failure if the guest dies."""
    command = " ".join(("sh", SCRIPT, *words))
    with target.failing(Op("sh")):
        done = target.guest.run("/bin/su", user, "-c", f"cd {HERE} && {command}", seconds=SECONDS)
    return done


def mark(target: KernelTarget) -> None:
    target.as_root("/sbin/zfs", "set", f"{PROPERTY}=yes", PLAIN)


def test_a_script_refuses_what_is_not_for_it() -> None:
    """Nothing is done without --yes, as root, where there are files, or without the owner's mark, which a
    plain user cannot set."""
    target = made(SHIPPED)
    put(target, finding("zap-trunc-next-table-files"))
    for words, user, said in (
        ((), "user", "then say --yes"),
        (("--yes",), "root", "as a plain user"),
        (("--yes",), "user", "is not marked for this"),
    ):
        code, text = run_script(target, *words, user=user)
        assert (code, said in text) == (2, True), text
    code, text = target.guest.run("/bin/su", "user", "-c", f"zfs set {PROPERTY}=yes {PLAIN}")
    assert code and "permission denied" in text
    mark(target)
    target.as_root("/bin/touch", f"{HERE}/file")
    code, text = run_script(target, "--yes")
    assert (code, "expected an empty directory" in text) == (2, True), text
    target.close()


@pytest.mark.parametrize("name", ["zap-trunc-next-table-files", "usage-trunc-next-table-files"])
def test_a_finding_by_hand(name: str) -> None:
    """The kernel as it is shipped ends as the corpus says."""
    assert ended(finding(name), SHIPPED) in finding(name).expect[f"kernel-{VERSION}"].split(" or ")


def test_what_reach_finds_by_hand() -> None:
    """The assertion of zap-trunc-next-table."""
    large = dataclasses.replace(finding("zap-trunc-next-table"), program=freed_table())
    assert ended(large, ASSERTS) == "assertion zap.c:zap_trunc lastblk < zap_f_phys(zap)->zap_freeblk"


def ended(reproducer: Reproducer, build: str) -> str:
    """What the guest ends of when the script is run there."""
    target = made(build)
    put(target, reproducer)
    mark(target)
    with pytest.raises(Failure) as failure:
        code, text = run_script(target, "--yes")
        pytest.fail(f"the script ended with {code}: {text}")
    target.close()
    return str(failure.value.signature)
