"""An option that would do nothing is refused, in one line, before anything is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import zapfuzz
from tests.support.paths import DATA

STALE = "stale-user-data-txg"
BLOCKS = str(DATA / "check" / "fat_name_twice.bin")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", STALE, "--libzpool", "x"), "--libzpool: expected --target libzpool"),
        (("minimize", STALE, "--libzpool", "x"), "--libzpool: expected --target libzpool"),
        (("fuzz", "--runs", "1", "--libzpool", "x"), "--libzpool: expected --target libzpool"),
        (("fuzz", "--runs", "1", "--engine", "random", "--corpus", "x"), "--corpus: does nothing with"),
        (("fuzz", "--runs", "1", "--engine", "threads", "--max-ops", "9"), "--max-ops: bounds --seeds and"),
        (
            ("force", "zap-shrink-stale-shift", "--preemptions", "1", "--repeat", "2"),
            "--repeat: does nothing",
        ),
        (("force", "zap-shrink-stale-shift", "--preemptions", "1", "--trace"), "--trace: does nothing with"),
        (("check", BLOCKS, "--libzpool", "x"), "--libzpool: does nothing without --pool"),
        (("check", "--pool", "x", "--all", "--block-size", "512"), "--block-size: does nothing with --pool"),
        (("check", BLOCKS, "--salvage", "x", "--json"), "--json: does nothing where --salvage writes"),
        (
            ("bench", "--engine", "threads", "--bugs", "real"),
            "--engine threads: expected bugs that it can meet",
        ),
        (
            ("bench", "--engine", "sync", "--bugs", "sync", "--bug", "stale user data"),
            "stale user data: expected",
        ),
        (("bench", "--engine", "atheris", "--bugs", "real", "--others", "5"), "--others: bounds none of the"),
        (("run", STALE, "--aftermath"), "--aftermath: expected --target kernel"),
        (
            ("bench", "--engine", "uniform", "--cap", "9", "--others", "3"),
            "--cap: bounds none of the engines",
        ),
        (("bench", "--quick", "--others", "9"), "--others: bounds nothing beside a --cap of 6"),
        (("campaign", "--scheduler", "tcp://x:1", "--workers", "3"), "--workers: starts a cluster here"),
        (("campaign", "--engine", "sync", "--style", "names"), "--style: is for the engines atheris and"),
        (("campaign", "--engine", "random", "--max-ops", "9"), "--max-ops: bounds what --engine atheris"),
        (("campaign", "--libzpool", "x"), "--libzpool: expected --target libzpool, both or kernel"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_would_do_nothing_is_refused(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, output = zapfuzz(*words)
    assert (status, output.count("\n")) == (2, 1), output
    assert said in output
    assert not list(tmp_path.iterdir())


def test_what_is_only_the_default_is_not_refused() -> None:
    assert zapfuzz("check", BLOCKS)[0] == 1
