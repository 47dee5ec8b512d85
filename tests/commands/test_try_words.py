"""`zapfuzz try` with words that make no sense: one line, status 2."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import zapfuzz


def test_no_library(tmp_path: Path) -> None:
    status, output = zapfuzz("try", str(tmp_path))
    assert (status, output.count("\n")) == (2, 1)
    assert output.startswith(f"zapfuzz: no libzpool.so at {tmp_path}")


def test_the_same_library_twice(tmp_path: Path) -> None:
    (tmp_path / ".libs").mkdir()
    library = tmp_path / ".libs" / "libzpool.so.6"
    library.write_bytes(b"")
    status, output = zapfuzz("try", str(tmp_path), "--against", str(library))
    assert status == 2
    assert "expected another library than the one that is tried" in output


def test_expectations_that_are_no_signatures(tmp_path: Path) -> None:
    (tmp_path / "libzpool.so.6").write_bytes(b"")
    for content, told in ((b"nonsense\n", "expected a kind, a place and an expression"), (b"\xff", "UTF-8")):
        (tmp_path / "expect").write_bytes(content)
        status, output = zapfuzz("try", str(tmp_path), "--expect", str(tmp_path / "expect"))
        assert (status, output.count("\n")) == (2, 1)
        assert told in output
