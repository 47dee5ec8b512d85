"""What has no text is no log without failures: what it looks like is told. What a crash left is a log."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.support.command import zapfuzz
from tests.support.paths import DATA

LOG = (DATA / "triage" / "stale_dmesg.log").read_bytes()
NO_LOGS = {
    "a program": (b"\x7fELF\2\1\1" + bytes(5000), "ELF"),
    "zeros": (bytes(100_000), "all zero"),
    "random bytes": (Random(1).randbytes(100_000), "no text: begins with "),
    "a journal": (b"LPKSHHRH" + bytes(300) + Random(2).randbytes(5000), "journalctl --file"),
}


@pytest.mark.parametrize("what", NO_LOGS)
def test_it_is_said_what_it_looks_like(what: str, tmp_path: Path) -> None:
    data, told = NO_LOGS[what]
    file = tmp_path / "file"
    file.write_bytes(data)
    status, output = zapfuzz("triage", str(file))
    assert (status, output.count("\n")) == (2, 1), output
    assert output.startswith(f"zapfuzz: {file}: expected a log, found ") and told in output


def test_a_failure_behind_what_is_no_text_is_found(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(3_000_000) + b"\n" + LOG)
    assert zapfuzz("triage", str(file))[0] == 1


@pytest.mark.parametrize(
    ("data", "lines"), [(b"", "0 lines"), (b"hello\n", "1 line"), (bytes(3_000_000) + b"\nok\n", "2 lines")]
)
def test_a_log_without_failures_is_told_as_such(data: bytes, lines: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    assert zapfuzz("triage", str(file)) == (0, f"no failure of ZFS in {lines} of {file}\n")
