"""A fault of the ZPL's that any user can use: names that are no UTF-8 hide files of others.

In zfs_dirent_lock() (zfs_dir.c) a lookup compares its name with those that other lookups there hold
just then; where case is folded u8_strcmp() cannot read what is no UTF-8, and that error is told as ENOENT.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest

from fuzz.language.program import Op, Program
from fuzz.language.syntax import parse
from fuzz.targets.kernel.locate import SHIPPED, NoKernel
from fuzz.targets.kernel.plain_files import pack
from fuzz.targets.kernel.target import KernelTarget
from tests.support.missing import missing

NAMES = [b"Foo%d" % number for number in range(600)]
LOOP = 'i=0; x=$(printf "\\377"); while :; do i=$((i+1)); [ -e "$x$i" ]; done'
"""Another process of a plain user: it looks for names that are not there."""


@pytest.fixture(scope="module")
def target() -> Iterator[KernelTarget]:
    try:
        made = KernelTarget("2.3.2", SHIPPED, thorough=False)
    except NoKernel as reason:
        missing(reason)
    yield made
    made.close()


def hidden(target: KernelTarget) -> int:
    """How many of the files are told not to be there."""
    asked = b"".join(pack(Op("contains", "d", name), target.slots) for name in NAMES)
    return sum(code == errno.ENOENT for code, _ in target.answers(asked, len(NAMES)))


@pytest.mark.parametrize(
    ("words", "while_looking", "afterwards"),
    [
        ("casesensitivity=insensitive", True, False),
        ("casesensitivity=mixed", True, True),
        ("casesensitivity=mixed utf8only=on", False, False),
        ("casesensitivity=sensitive", False, False),
    ],
)
def test_names_that_are_no_utf8_hide_others(
    target: KernelTarget, words: str, while_looking: bool, afterwards: bool
) -> None:
    """With casesensitivity=mixed Linux remembers what it was told: the files are hidden from everybody, until
    its cache of names is dropped. utf8only=on keeps from it."""
    target.begin(Program(parse(f"zap d micro {words}\ncount d\n").zaps, ()))
    made = b"".join(pack(Op("touch", "d", name), target.slots) for name in NAMES)
    assert all(code == 0 for code, _ in target.answers(made, len(NAMES)))
    target.guest.write("/proc/sys/vm/drop_caches", b"2")
    folder = target.path_of("d").decode()
    script = f"cd {folder} && ({LOOP}) >/dev/null 2>&1 & echo $!"
    _, process = target.guest.run("/bin/su", "user", "-c", script)
    assert bool(hidden(target)) is while_looking
    target.as_root("/bin/busybox", "kill", "-9", process.strip())
    assert bool(hidden(target)) is afterwards
    target.guest.write("/proc/sys/vm/drop_caches", b"2")
    assert hidden(target) == 0
