"""`zapfuzz try` with words that make no sense: one line, status 2."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from fuzz.commands.trial.corpus_stage import expected_on, is_known
from fuzz.commands.trial.page import details
from fuzz.commands.trial.stage import Difference, Stage, keep_shortest
from fuzz.commands.trial.try_build import _Trial, read_expected
from fuzz.corpus.reproducer import FINE, read_reproducer
from fuzz.judge.signature import Failure, Signature
from fuzz.language.syntax import parse
from fuzz.targets.libzpool.plain_target import HarnessError
from tests.support.command import zapfuzz
from tests.support.paths import CORPUS


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


def test_a_stage_that_the_library_breaks_off_is_told_and_the_others_go_on() -> None:
    stages: list[Stage] = []
    trial = _Trial(Path("lib"), None, "2.3", 1.0, 1, frozenset(), False, stages)
    with trial.stage("soaked") as stage:
        stage.lines.append("5 programs")
        raise HarnessError("PoolProblem: txg 74 has synced, 73 was the last that should have")
    with trial.stage("byte order"):
        pass
    assert [each.unfinished for each in stages] == [True, False]
    assert stages[0].lines[0] == "5 programs" and "txg 74 has synced" in stages[0].lines[1]


def test_of_what_several_stages_have_met_the_shortest_is_told() -> None:
    def met(name: str, ops: int) -> Difference:
        program = parse("zap z micro\n" + "count z\n" * ops)
        return Difference(Failure(Signature("difference", "both:compare", name), "", 0), program)

    first, second = Stage("mutants"), Stage("fuzzed")
    first.differences += [met("one", 3), met("two", 1)]
    second.differences += [met("one", 2), met("two", 1), met("three", 9)]
    keep_shortest([first, second])
    told = [
        [(each.failure.signature.expression, len(each.program.ops)) for each in stage.differences]
        for stage in (first, second)
    ]
    assert told == [[("two", 1)], [("one", 2), ("three", 9)]]


def test_a_library_dies_of_what_the_model_calls_a_deadlock() -> None:
    """In rw_enter(), which is in another file in master than in 2.4, or it hangs."""
    may = frozenset(["deadlock rwlock:rw_enter l->l_rwlock can be taken as writer by the only thread"])
    locked = "pthread_rwlock_wrlock(&rwlp->rw_lock) == 0"
    for signature, known in (
        (Signature("assertion", "rwlock.c:rw_enter", locked, ("rw_enter", "fzap_add")), True),
        (Signature("assertion", "kernel.c:rw_enter", locked, ("rw_enter", "fzap_add")), True),
        (Signature("hang", "?:sync", "no answer"), True),
        (Signature("assertion", "zap_leaf.c:zap_leaf_lookup", "magic", ("zap_leaf_lookup",)), False),
    ):
        assert is_known(Failure(signature, ""), may) is known
        assert not is_known(Failure(signature, ""), frozenset(["fine"]))
    may = frozenset(["suspended ?:zap_table_grow pool suspended"])
    assert is_known(Failure(Signature("suspended", "?:add", "pool suspended"), ""), may)
    assert not is_known(Failure(Signature("hang", "?:add", "no answer"), ""), may)


def test_expectations_that_are_no_signatures(tmp_path: Path) -> None:
    (tmp_path / "libzpool.so.6").write_bytes(b"")
    for content, told in ((b"nonsense\n", "expected a kind, a place and an expression"), (b"\xff", "UTF-8")):
        (tmp_path / "expect").write_bytes(content)
        status, output = zapfuzz("try", str(tmp_path), "--expect", str(tmp_path / "expect"))
        assert (status, output.count("\n")) == (2, 1)
        assert told in output


def test_damage_that_no_library_tells_is_not_called_mended() -> None:
    """Of master there is no packaged library that could say so: those that have the same fault do."""
    silent = read_reproducer(CORPUS / "findings" / "zap-trunc-next-table-sync")
    told = read_reproducer(CORPUS / "findings" / "zap-trunc-next-table")
    assert FINE in expected_on(silent, "master") and FINE in expected_on(silent, "2.4")
    assert FINE not in expected_on(told, "master")
