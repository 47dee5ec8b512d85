"""Bytes behind a buffer that a lookup reads into must not change, however short the room."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from fuzz.execution.execute import run
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.libzpool.guarded_buffer import GUARD
from fuzz.targets.model.target import ModelTarget
from tests.support.wrong_libraries.overrunning import RIGHT, OverrunningTarget

Make = Callable[..., LibzpoolTarget]
SHORT = "".join(f'lookup z "a" int={size} len={length}\n' for size in (1, 2, 4, 8) for length in (0, 1, 2, 5))
NORM = SHORT.replace("lookup", "lookup_norm")
ENTRY = 'add z "a" int=1 len=60 fill=0x1\nadd z "b" int=8 len=9 fill=0x2\n'


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_short_rooms_are_kept(libzpool: Make, release: str) -> None:
    program = parse(f"zap z fat hash64\n{ENTRY}{SHORT}{NORM}{SHORT.replace('a', 'b')}")
    widened = "widened integers carry bytes of those before them"
    target = BothTarget(ModelTarget(release), libzpool(release))
    outcome = run(program, target, forgive=lambda failure: failure.signature.expression == widened)
    assert outcome.fine


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
@pytest.mark.parametrize("kind", ["fat hash64 leaf_shift=10", "micro"])
def test_short_rooms_of_names_are_kept(libzpool: Make, release: str, kind: str) -> None:
    """A name is cut off, with or without a NUL, or the search says that it is too long."""
    name = "n" * 45
    rooms = (1, 2, 20, 21, 22, 44, 45, 46, 47, 60, 66, 67, 68, 2048)
    looks = "".join(
        f'lookup_norm z "{name}" int=8 len=1 room={room}\nsearch z value=0x1 room={room}\n' for room in rooms
    )
    target = BothTarget(ModelTarget(release), libzpool(release))
    outcome = run(parse(f'zap z {kind}\nadd z "{name}" int=8 fill=0x1\n{looks}'), target)
    assert outcome.fine, outcome
    searched = [result.errno for result, _ in target.steps[2::2]]
    short = errno.ENAMETOOLONG if release != "2.1" else 0
    assert searched == [short if room < 46 else 0 for room in rooms]


LOOKS = (
    'lookup z "a" int=8 len=1',
    'lookup_norm z "a" int=8 len=1 room=5',
    "cursor c z\nnext c",
    "readdir z",
)


@pytest.mark.parametrize("kind", ["fat hash64", "micro"])
@pytest.mark.parametrize("look", LOOKS)
def test_a_byte_behind_the_room_is_seen(libzpool: Make, kind: str, look: str) -> None:
    """Also a zero, of which the value itself says nothing."""
    library = libzpool("2.3").library
    program = parse(f'zap z {kind}\nadd z "a" int=8 fill=0x1\n{look}\n')
    with OverrunningTarget("2.3", library) as target:
        failure = run(program, target).failure
    assert failure is not None
    verb = look.split("\n")[-1].split()[0]
    assert (failure.signature.kind, failure.signature.place) == ("oracle", f"zap:{verb}")


def test_what_is_written_behind_a_name_is_told_of_that_name_alone(libzpool: Make) -> None:
    """Else each program that lists names afterwards would seem to fail, too."""
    with OverrunningTarget("2.3", libzpool("2.3").library) as target:
        names = f'add z "a" int=8\nadd z "{RIGHT.decode()}" int=8\n'
        results = target.run_program(parse(f"zap z micro\n{names}readdir z\nreaddir z\n"))
    for listed in results[-2:]:
        assert isinstance(listed.value, bytes)
        assert listed.value.count(GUARD[1:]) == 1 and RIGHT + b"\0" in listed.value
