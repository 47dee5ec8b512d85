"""Protects that `triage` is small: it reads logs on machines that have just crashed, beside a whole system's
others, and a log may be larger than memory."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest
import zstandard

from tests.support.measured import Used, measured
from tests.support.paths import DATA

MOST = 30 << 20
"""Bytes, for the whole process: 25 MiB were the aim, and a fifth more is allowed."""
FILLER = b"May  3 08:00:43 host7 app[812]: request 4711 served in 12 ms, 200 OK\n" * 15_000
FAILURE = (DATA / "triage" / "stale_dmesg.log").read_bytes()
_COMMAND = """
import contextlib, sys
from fuzz.commands.cli import main
with contextlib.suppress(SystemExit):
    main(["triage", "--json", sys.argv[1]])
"""
_LOADED = 'print(*(name for name in sys.modules if name.startswith(("fuzz", "zapcore", "_hashlib"))))'


def triage(log: Path, then: str = "") -> Used:
    return measured(_COMMAND + then, str(log))


def test_a_large_log_and_one_of_failures_only(tmp_path: Path) -> None:
    log = tmp_path / "messages"
    with log.open("wb") as file:
        for _ in range(24):
            file.write(FILLER + FAILURE)
    used = triage(log)
    assert used.out.count('"place"') == 24 and used.memory < MOST, f"{used.memory:,} bytes"
    every = b"\n".join(path.read_bytes() for path in sorted((DATA / "triage" / "people").glob("*.log")))
    log.write_bytes(every * 12)
    used = triage(log)
    assert used.out.count('"place"') > 200 and used.memory < MOST, f"{used.memory:,} bytes"


def test_nothing_is_loaded_that_triage_does_not_need(tmp_path: Path) -> None:
    """The command line once loaded the model, the minimizer and OpenSSL for each command: 11 MB of 33."""
    log = tmp_path / "messages"
    log.write_bytes(FAILURE)
    loaded = triage(log, _LOADED).out.splitlines()[-1].split()
    assert "fuzz.evidence.triage.parser" in loaded
    others = ("fuzz.minimize", "fuzz.generate", "fuzz.engines", "zapcore.zap", "zapcore.dmu", "_hashlib")
    assert not [name for name in loaded if name.startswith(others)]


@pytest.mark.parametrize("pack", [lzma.compress, zstandard.ZstdCompressor(level=3).compress])
def test_a_packed_log_is_never_whole_in_memory(pack: object, tmp_path: Path) -> None:
    """100 MB that pack to some kilobytes: zstd unpacked them in a few steps once, 78 MB at a time. What is
    allowed above a plain log is the window that the packer chose."""
    assert callable(pack)
    log = tmp_path / "messages.packed"
    log.write_bytes(pack((FILLER + FAILURE) * 100))
    used = triage(log)
    assert used.out.count('"place"') == 100 and used.memory < MOST + (12 << 20), f"{used.memory:,} bytes"
