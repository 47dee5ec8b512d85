"""Protects how commands end: README's table of statuses, what a signal does to each, and that nothing that
takes long is silent."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fuzz.commands.shared.ending import Ended, Status
from fuzz.commands.shared.progress import QUIET
from fuzz.engines.enumerate import Enumerator
from fuzz.execution.execute import run
from fuzz.faults.seeded import applied
from fuzz.language.program import Op, Program
from fuzz.language.syntax import load
from fuzz.minimize.minimize import Stats, minimize
from fuzz.minimize.same_failure import fails_as
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import only_now
from tests.support.command import ZAPFUZZ
from tests.support.paths import CORPUS, ROOT

STALE = CORPUS / "regressions" / "stale-user-data-txg" / "program.zap"
WITHIN_SECONDS = 1.0
BUSY = 10.0
"""What a machine that does other things at the same time may add to a second."""


@contextlib.contextmanager
def started(words: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A command whose signals are as in a terminal; a shell's job in the background ignores some. It does
    not outlive the test."""

    def as_in_a_terminal() -> None:
        for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)

    with subprocess.Popen(
        [*ZAPFUZZ, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != QUIET},
        preexec_fn=as_in_a_terminal,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_readme_has_the_table_of_statuses() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "README.md").read_text("utf-8"), re.M)
    assert [(int(number), meaning.replace("\\|", "|")) for number, meaning in rows] == [
        (each.number, each.meaning) for each in Status
    ]


@pytest.fixture(scope="module")
def long_program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One that takes a minute."""
    path = tmp_path_factory.mktemp("long") / "long.zap"
    lines = (f'add d "name {number}" int=8 len=1 fill={number}\n' for number in range(40_000))
    path.write_text("zap d micro\n" + "".join(lines))
    return str(path)


LONG = {
    "enumerate": ("enumerate", "--max-ops", "9", "--keys", "4", "--release", "unfixed"),
    "enumerate in processes": ("enumerate", "--max-ops", "9", "--keys", "4", "--jobs", "2"),
    "explore": ("explore", str(CORPUS / "seeds" / "threads-shrink.zap"), "--preemptions", "9"),
    "merge": ("merge", "merged", *[str(CORPUS)] * 9),
    "replay": ("replay", *[str(CORPUS)] * 9),
    "run": ("run", "LONG"),
    "show": ("show", "LONG"),
    "describe": ("describe", "LONG"),
    "export": ("export", "LONG", "--as", "c"),
}


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@only_now("what", ["enumerate in processes", "merge", "run", "export"], LONG)
def test_a_signal_ends_what_takes_long(what: str, long_program: str, tmp_path: Path) -> None:
    """The first line of progress comes before two seconds are over. The signal comes after it."""
    number = SIGNALS[list(LONG).index(what) % len(SIGNALS)]
    words = [long_program if word == "LONG" else word for word in LONG[what]]
    begun = time.monotonic()
    with started(words, tmp_path) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert re.search(r" \d+ s$", first), first
        assert time.monotonic() - begun < 2 + BUSY
        said = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert time.monotonic() - said < WITHIN_SECONDS + BUSY
    assert process.returncode == 128 + number, errors
    last = errors.splitlines()[-1]
    assert last.startswith(f"zapfuzz: ended by {number.name}: "), errors
    assert "Traceback" not in errors and "Aborted" not in errors
    assert list(tmp_path.iterdir()) == []


def test_what_an_enumeration_has_met_when_it_is_ended() -> None:
    """A fault put in fails with few ops; the search is stopped where a signal would stop it."""
    with applied("total-not-kept"):
        search = Enumerator("2.3", 3)
        assert list(search.met()) == []
        whole = search.run()
        met = dict(search.met())
    assert {found.signature for found in whole.found} == set(met)
    for found in whole.found:
        assert len(met[found.signature]) == found.shortest


def test_the_best_so_far_of_what_a_signal_ends() -> None:
    """It has the property, and is what `zapfuzz minimize` gives then."""
    stale = load(STALE)
    failure = run(stale, ModelTarget("unfixed")).failure
    assert failure is not None
    fails = fails_as(failure.signature, ModelTarget("unfixed"))
    longer = stale.with_ops((*[Op("txg")] * 40, *stale.ops))
    stats = Stats()

    def until_ctrl_c(program: Program) -> bool:
        if stats.tried == 12:
            raise Ended(signal.SIGINT)
        return fails(program)

    with pytest.raises(Ended):
        minimize(longer, until_ctrl_c, stats=stats)
    assert stats.best is not None
    assert len(stats.best.ops) == stats.left < 47
    assert fails(stats.best)


def test_what_is_ignored_from_the_start_stays_so(tmp_path: Path) -> None:
    """As nohup does."""
    (tmp_path / "short.zap").write_text("zap d micro\n" + "".join(f'add d "{n}"\n' for n in range(3000)))
    with subprocess.Popen(
        [*ZAPFUZZ, "run", "short.zap"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    ) as process:
        while process.poll() is None:
            process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        output, _ = process.communicate()
    assert (process.returncode, output) == (0, "fine: 3000 ops\n")


def test_a_second_signal_loses_nothing(tmp_path: Path) -> None:
    """What was found is in the summary, and on disk."""
    (tmp_path / "known").mkdir()
    words = ("fuzz", "--engine", "random", "--release", "unfixed", "--known", "known", "--out", "out")
    with started((*words, "--seeds", str(STALE)), tmp_path) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not list(tmp_path.glob("out/*")):
            time.sleep(0.02)
        said = time.monotonic()
        for _ in range(3):
            process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
        assert time.monotonic() - said < WITHIN_SECONDS + BUSY
    assert process.returncode == 143, errors
    counted = re.findall(r"^ +\d+ x (.*) \(new.*\)$", output, re.M)
    kept = "".join(path.read_text() for path in tmp_path.rglob("out/**/*") if path.is_file())
    assert counted and all(text in kept.replace('\\"', '"') for text in counted), output
