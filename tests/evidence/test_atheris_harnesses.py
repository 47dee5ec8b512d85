"""Protects the Atheris harnesses of `triage`, `check`, the imports and the corpus's files: they run, reach
what they are for, and end with an error where something raises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cases import few_and_many
from tests.support.paths import ROOT

_RUN = "import sys, runpy; {first}; runpy.run_module('fuzz.{module}', run_name='__main__')"
_MODULE = {
    "imports": "evidence.imports.fuzz_importers",
    "triage": "evidence.triage.fuzz_triage",
    "check": "evidence.check.fuzz_check",
    "corpus": "corpus.fuzz_corpus_files",
}
_RAISE = {
    "imports": "import fuzz.evidence.imports.traced_tree as r; r.Tree.rename = lambda *_: 1 // 0",
    "triage": "import fuzz.evidence.triage.report as r; r.TextReport.render = lambda *_: 1 // 0",
    "corpus": "import fuzz.language.printing as r; r.format_program = lambda *_: 1 // 0",
    "check": "import zapcore.verify.leaf as r; r.check_leaf = lambda *_, **__: 1 // 0",
}


def harness(part: str, where: Path, runs: int, first: str = "pass") -> subprocess.CompletedProcess[str]:
    code = _RUN.format(module=_MODULE[part], first=first)
    command = [sys.executable, "-c", code, f"-runs={runs}", "-seed=1", "-max_len=512", "-rss_limit_mb=500"]
    command.append(f"-artifact_prefix={where}/")
    # Linux lets a process begin with the peak of its parent's memory, and a test's process may be large: the
    # bound on memory is held against what a shell in between hands on
    command = ["sh", "-c", '"$@"; exit $?', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=400)


@pytest.mark.parametrize("part", _RAISE)
@few_and_many(50, 1000)
def test_runs_without_an_exception(part: str, count: int, tmp_path: Path) -> None:
    done = harness(part, tmp_path, count)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"Done {count} runs" in done.stderr


@pytest.mark.parametrize("part", _RAISE)
def test_an_exception_behind_valid_structure_is_found(part: str, tmp_path: Path) -> None:
    """Failures and leaves are reached at all, and what goes wrong there does not pass unseen."""
    done = harness(part, tmp_path, 2000, _RAISE[part])
    assert done.returncode != 0
    assert "ZeroDivisionError" in done.stdout + done.stderr
    assert list(tmp_path.glob("crash-*"))
