"""An installed zapfuzz answers as the checkout does, from any folder, and writes to its user's folders."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.cli import COMMANDS, main
from fuzz.corpus.reproducer import corpus_folders
from fuzz.corpus.wheel_hook import renamed
from tests.support.cases import only_now
from tests.support.paths import CORPUS, DATA, ROOT
from tests.support.wheel import Installed

STALE = "stale-user-data-txg"
THREADED = "threads-shrink"
SEEN_IN_THE_FIELD = DATA / "triage" / "stale_dmesg.log"


SAME = (
    ("triage", str(SEEN_IN_THE_FIELD)),
    ("triage", "--json", str(DATA / "triage" / "field" / "02-softlockup-18572.log")),
    ("check", str(DATA / "check" / "fat_name_twice.bin")),
    ("check", "--json", str(DATA / "check" / "leaf_alone.bin")),
    ("check", "--salvage", str(DATA / "check" / "micro_name_twice.bin")),
    ("minimize", STALE, "--release", "unfixed"),
    ("describe", STALE),
    ("export", STALE, "--as", "c"),
    ("export", STALE, "--as", "python"),
    ("export", "zap-trunc-next-table-files", "--as", "sh"),
    ("export", STALE, "--as", "pytest"),
    ("run", STALE, "--release", "unfixed", "--trace"),
    ("show", "corpus/seeds/txg-mixes.zap", "--release", "2.3.9"),
    ("reach", STALE),
    ("replay", f"corpus/regressions/{STALE}", "--release", "unfixed"),
    ("explore", THREADED, "--preemptions", "1"),
    ("verbs",),
    ("remedies",),
    ("run", "no-such-program"),
    ("fuzz", "--engine", "wheel"),
)
"""Commands whose answer is the same each time."""


@pytest.mark.parametrize("words", SAME, ids=lambda words: " ".join(Path(word).name for word in words))
def test_each_command_answers_as_in_the_checkout(installed: Installed, words: tuple[str, ...]) -> None:
    here = CliRunner().invoke(main, words)
    there = installed.run(*words)
    assert there.returncode == here.exit_code
    assert comparable(there.stdout.decode()) == comparable(here.stdout)
    assert comparable(there.stderr.decode()) == comparable(here.stderr)


def comparable(told: str) -> str:
    """Without times, and with the names of modules as they are here."""
    return re.sub(r"[0-9.]+ s\b", "some s", re.sub(r"\bzapfuzz\.", "fuzz.", told))


def test_the_panic_of_issue_16157_is_known(installed: Installed) -> None:
    """The installed corpus was missing: it said that this was a failure that nobody knows."""
    told = installed.run("triage", "-", given=SEEN_IN_THE_FIELD.read_bytes()).stdout.decode()
    assert "known: yes, Stale user data" in told and "issue 16157" in told
    assert "reproducer: corpus/regressions/stale-user-data-cursor/program.zap" in told
    assert installed.run("run", "corpus/regressions/stale-user-data-cursor/program.zap").returncode == 0


def test_every_reproducer_is_there(installed: Installed) -> None:
    many = len(corpus_folders(CORPUS))
    last = installed.run("replay", "--release", "2.4").stdout.decode().splitlines()[-1]
    assert last == f"{many} reproducers, {many} runs, 0 that differ"


@only_now("engine", ["random"], ["random", "atheris", "hypothesis", "threads"])
def test_fuzzing_keeps_what_is_new_for_its_user(installed: Installed, engine: str) -> None:
    """Each engine in a process of its own, which must find the installed code and not what lies about."""
    done = installed.run("fuzz", "--engine", engine, "--release", "2.3", "--runs", "40", "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    nothing = installed.empty.parent / "nothing"
    nothing.mkdir(exist_ok=True)
    if engine == "random":
        words = ("--engine", "random", "--release", "unfixed", "--runs", "20", "--seed", "7")
        assert installed.run("fuzz", "--known", str(nothing), *words).returncode == 1
        kept = list((installed.home / ".local/share/zapfuzz/findings").iterdir())
        assert kept
        again = installed.run("run", kept[0].name, "--release", "unfixed")
        assert again.returncode == 1, again.stderr


def test_the_corpus_of_the_package_is_not_written(installed: Installed) -> None:
    done = installed.run("replay", "--write-missing", "--release", "2.3")
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"--write-missing: expected folders of yours" in done.stderr


def test_nothing_of_a_wheel_is_imported_as_fuzz(installed: Installed) -> None:
    """Every module of the wheel is there as one of zapfuzz or zapcore, and can be imported where `fuzz` is
    somebody else's."""
    (wheel,) = installed.empty.parent.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"zapfuzz", "zapcore"}
    modules = [name.removesuffix(".py").replace("/", ".") for name in names if name.endswith(".py")]
    modules = [name.removesuffix(".__init__") for name in modules if "harness" not in name]
    expected = {path.relative_to(ROOT) for path in (ROOT / "fuzz").rglob("*.py")}
    assert len([name for name in names if name.startswith("zapfuzz/") and name.endswith(".py")]) == len(
        [path for path in expected if path.name != "wheel_hook.py"]
    )
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    code += "assert 'fuzz' not in sys.modules\n"
    done = installed.python_runs(code, *[name for name in modules if not name.endswith("pool_child")])
    assert done.returncode == 0, done.stderr.decode()


def test_an_import_that_would_be_lost_ends_the_build() -> None:
    parts = frozenset({"judge", "places"})
    text = (
        "from fuzz import places\nfrom fuzz.judge.state import State\nname = 'fuzz.judge.'\n# zapfuzz fuzz.\n"
    )
    assert renamed(text, parts) == (
        "from zapfuzz import places\nfrom zapfuzz.judge.state import State\n"
        "name = 'zapfuzz.judge.'\n# zapfuzz fuzz.\n"
    )
    for wrong in ("import fuzz\n", "    from fuzz.elsewhere import x\n"):
        with pytest.raises(ValueError, match="expected an import of a part of fuzz"):
            renamed(wrong, parts)


def test_help_lists_every_command(installed: Installed) -> None:
    told = installed.run("--help").stdout.decode()
    assert all(f"  {name}" in told for name in COMMANDS)


def test_without_extras_everything_else_works(tmp_path: Path) -> None:
    """With nothing but what `pip install` of the wheel brings: what needs more says so in one line, and is
    no difference from what reproducers say."""
    plain = Installed(tmp_path, extras=False)
    for words, what in (
        (
            ("fuzz", "--time", "5"),
            "--engine atheris needs atheris: pip install 'zapfuzz[fuzz]', or --engine random",
        ),
        (("fuzz", "--engine", "threads"), "needs greenlet: pip install 'zapfuzz[threads]'"),
        (("explore", THREADED), "explore needs greenlet: pip install 'zapfuzz[threads]'"),
        (("run", THREADED), "threads need greenlet: pip install 'zapfuzz[threads]'"),
    ):
        done = plain.run(*words)
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
        assert what in done.stderr.decode()
    done = plain.run("replay", "--release", "2.3")
    assert (done.returncode, b", 0 that differ" in done.stdout) == (0, True), done.stdout
    assert b" on 2.3: their threads need greenlet: pip install 'zapfuzz[threads]'" in done.stdout
    assert plain.run("fuzz", "--engine", "random", "--runs", "20", "--seed", "1").returncode == 0
    assert plain.run("triage", str(SEEN_IN_THE_FIELD)).returncode == 1
