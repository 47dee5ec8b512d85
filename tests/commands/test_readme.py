"""README's examples work as they stand: each command ends as it should, and what is shown is what comes."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from fuzz.commands.cli import main
from fuzz.corpus.named_program import open_named
from fuzz.corpus.places import home
from fuzz.engines.campaign.store import Store
from fuzz.language.syntax import parse
from tests.support.command import fuzz, zapfuzz
from tests.support.paths import CORPUS, ROOT
from tests.support.readme import commands, lay_out, program, words_of

ANSWERS: dict[str, tuple[int, str]] = {
    "triage kern.log": (1, "issue: openzfs issue 16157"),
    "check blocks.bin": (1, "fat ZAP"),
    "check blocks.bin --salvage out/": (1, "out.json"),
    "minimize program.zap --release unfixed": (0, "add z 0x8000000000000000 len=148"),
    "describe program.zap": (0, "## What happens, step by step, on unfixed"),
    "export program.zap --as c": (0, "#include"),
    "doctor": (0, "  here     zapfuzz: "),
    "list": (0, "Findings: faults of released OpenZFS"),
    "verbs": (0, "such as: add d "),
    "completion bash": (0, "_ZAPFUZZ_COMPLETE"),
    "fuzz --release 2.3 --time 600": (0, "fuzzing 2.3 (model) with atheris"),
    "fuzz --release 2.3 --remedy trunc-next-table": (0, "trunc-next-table remedied"),
    "fuzz --jobs 2 --corpus DIR": (0, "2 processes"),
    "campaign --release 2.3 --release 2.4 --time 3600": (0, "no failures"),
    "campaign --serve --time 3600": (0, "live page: http://127.0.0.1:"),
    "campaign status": (0, "no failures"),
    "merge DIR OTHER": (0, "ops are left"),
    "fuzz --release 2.3 --hash-bits 10": (0, "executions"),
    "fuzz --serve --time 600": (0, "live page: http://127.0.0.1:"),
    "fuzz --time 60 -- -use_value_profile=1": (0, "executions"),
    "run program.zap --release unfixed --trace": (1, "PANIC at zap.c:441:zap_create_leaf()"),
    "show program.zap": (0, "zap_freeblk 3"),
    "page program.zap -o page.html": (0, ""),
    "import-tree /usr/lib/python3": (0, "zap d micro"),
    "import-strace trace.log": (0, "zap "),
    "import-zdb object.txt": (0, "zap "),
}
"""What a person gets: status, and words among what is printed."""
ELSEWHERE = {
    "campaign --corpus sftp://store/zap": "tests/engines/campaign/slow/test_stores.py",
    "campaign --scheduler tcp://head:8786": "tests/engines/campaign/slow/test_faults.py",
    "fetch": "Makefile: it is what `make test` begins with",
    "soak --time 60": "tests/real/test_readme.py",
    "explore threads-shrink": "tests/slow/test_readme.py",
    "report -o report.html": "tests/export/pages/test_runs.py",
    "report CAMPAIGN OTHER -o report.html": "tests/export/pages/test_campaigns.py",
    "site -o site/": "tests/export/pages/slow/test_every_finding.py",
    "check --pool image --dataset pool/fs --object 34": "tests/real/test_readme.py",
    "fuzz --target both --engine random --time 600": "tests/real/test_readme.py",
    "force zap-shrink-stale-shift-table --repeat 20": "tests/real/test_readme.py",
    "try zfs --time 600 --jobs 2": "tests/real/slow/test_try.py",
    "try zfs --against base --time 60": "tests/real/slow/test_try.py",
    "coverage zfs --time 60 --unreached never.txt": "tests/real/watched/slow/test_coverage_of_c.py",
    "try zfs --valgrind": "tests/real/watched/slow/test_memcheck.py",
    "fuzz --target both --release master --libzpool zfs/.libs": "tests/real/test_readme.py",
    "enumerate --max-ops 7 --release unfixed": "tests/slow/test_enumerate.py",
    "replay": "Makefile: it is all of `make replay`, a step of CI",
    "reach zap-trunc-next-table --out user.zap": "tests/slow/test_readme.py",
    "export user.zap --as sh": "tests/slow/test_readme.py",
    "run user.zap --target kernel-asserts": "tests/kernel",
}
"""Those that need more than a moment or this machine's Python."""


def test_every_example_is_tried_somewhere() -> None:
    examples = list(commands())
    assert len(examples) > 20
    assert set(examples) == set(ANSWERS) | set(ELSEWHERE)


@pytest.mark.parametrize("example", list(commands()))
def test_an_example_has_only_options_that_there_are(example: str, tmp_path: Path) -> None:
    name, *words = words_of(example)
    command = main.get_command(click.Context(main), name)
    assert command is not None
    known = {each for parameter in command.params for each in parameter.opts}
    before_dashes = words[: words.index("--")] if "--" in words else words
    assert {word for word in before_dashes if word.startswith("--")} <= known


@pytest.mark.parametrize("example", ANSWERS)
def test_an_example_gives_what_is_said(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = words_of(example)
    if words == ["campaign", "status"]:  # there is a corpus by then
        Store(str(home() / "campaign")).prepare()
    if words[0] == "fuzz":
        status, output = fuzz(tmp_path, *words[1:])
    else:
        status, output = zapfuzz(*words)
    wanted, part = ANSWERS[example]
    assert (status, part in output) == (wanted, True), output[-2000:]


def test_the_table_has_every_finding_and_no_other() -> None:
    text = (ROOT / "fuzz" / "README.md").read_text("utf-8")
    table = text.partition("## Found so far")[2].partition("\n# ")[0]
    names = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", table))
    assert names == {folder.name for folder in (CORPUS / "findings").iterdir()}


def test_the_program_is_the_one_of_the_corpus() -> None:
    assert parse(program()) == open_named("stale-user-data-txg").program
