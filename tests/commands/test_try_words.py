"""`zapfuzz try` with words that make no sense: one line, status 2."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from fuzz.commands.trial.page import details
from fuzz.commands.trial.stage import Stage
from fuzz.commands.trial.try_build import read_expected
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


def test_comments_of_expectations_may_be_indented(tmp_path: Path) -> None:
    (tmp_path / "expect").write_text("# one\n\n  # two\n  difference both:compare count result  \n")
    assert read_expected(tmp_path / "expect") == {"difference both:compare count result"}


def test_what_is_expected_is_counted_and_what_is_unfinished_is_told_to_machines() -> None:
    stage = Stage("fuzzed", unfinished=True)
    assert not stage.is_expected("a b c", frozenset())
    assert stage.is_expected("a b c", {"a b c"}) and stage.is_expected("a b c", {"a b c"}, 3)
    assert stage.expected == {"a b c": 4}
    (told,) = cast(list[dict[str, object]], details("x", None, None, [stage])["stages"])
    assert told["unfinished"] is True


def test_expectations_that_are_no_signatures(tmp_path: Path) -> None:
    (tmp_path / "libzpool.so.6").write_bytes(b"")
    for content, told in ((b"nonsense\n", "expected a kind, a place and an expression"), (b"\xff", "UTF-8")):
        (tmp_path / "expect").write_bytes(content)
        status, output = zapfuzz("try", str(tmp_path), "--expect", str(tmp_path / "expect"))
        assert (status, output.count("\n")) == (2, 1)
        assert told in output
