"""The command line: exit statuses, one clear line for whatever is wrong, whole files after Ctrl-C."""

from __future__ import annotations

import functools
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fuzz.commands.cli import SECTIONS
from fuzz.corpus.reproducer import read_reproducer
from fuzz.language.syntax import load
from fuzz.targets.registry import target_of_expectation
from tests.support.command import zapfuzz
from tests.support.paths import CORPUS, ROOT

STALE = CORPUS / "regressions" / "stale-user-data-txg" / "program.zap"
SECONDS, BYTES = 1.0, 500 << 20


def alone(*arguments: str) -> tuple[int, str, float]:
    """Run a command in a process of its own, of at most 500 MB; also its seconds of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", "from fuzz.commands.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES)),
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.returncode, done.stdout + done.stderr, seconds


HEADER = b"zap z fat key=u64 prehashed leaf_shift=9\n"
BAD_FILES = {
    "empty": (b"", "expected a `zap` line"),
    "truncated": (HEADER + b"add z 0x0 len=180\nadd z", "expected a key"),
    "binary": (bytes(range(256)) * 64, "expected UTF-8 text"),
    "NULs": (HEADER + b"\0" * 100, "expected printable text"),
    "an unknown op": (HEADER + b"explode z 0x0\n", "expected one of zap, add"),
    "no header": (b"add z 0x0\n", "expected a `zap` line first"),
    "a number too large": (HEADER + b"add z 0x0 len=99999999999999999999\n", "expected 0 to 8192"),
    "a word too large": (HEADER + b"add z 0x10000000000000000\n", "expected words below 2^64"),
    "a negative number": (HEADER + b"add z 0x0 len=-1\n", "expected a number"),
    "a shift out of range": (b"zap z fat hash64 leaf_shift=40\n", "expected 9 to 17"),
}


@pytest.mark.parametrize("command", ["run", "show", "minimize"])
@pytest.mark.parametrize("what", BAD_FILES)
def test_bad_programs_give_one_line_and_status_2(tmp_path: Path, what: str, command: str) -> None:
    data, wanted = BAD_FILES[what]
    path = tmp_path / "bad.zap"
    path.write_bytes(data)
    status, output = zapfuzz(command, str(path))
    assert status == 2
    assert wanted in output and str(path) in output
    assert output.count("\n") == 1


def test_a_missing_file_and_a_folder_are_told() -> None:
    for path in ("/nowhere/at/all.zap", "/"):
        status, output = zapfuzz("run", path)
        assert (status, output.count("\n")) == (2, 1)
        assert "expected a file that can be read" in output


@pytest.mark.parametrize("command", [("run", "--target", "both"), ("fuzz", "--target", "libzpool")])
def test_a_library_that_cannot_be_loaded(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Made for a newer C library, for one: the process that loads it dies, and its last line says why."""
    (tmp_path / "libzpool.so.6").write_text("no library")
    (tmp_path / "bad.zap").write_bytes(HEADER)
    program = [str(tmp_path / "bad.zap")] if command[0] == "run" else ["--out", str(tmp_path / "out")]
    status, output = zapfuzz(*command, "--libzpool", str(tmp_path), *program)
    assert status == 2
    assert "libzpool.so.6: not a libzpool that can be used here: OSError" in output.splitlines()[-1]


@pytest.mark.parametrize("fill", [b"x", b"\n", b"add z 0x0\n", b"\xff"])
def test_a_file_of_100_mb_is_refused_at_once(tmp_path: Path, fill: bytes) -> None:
    path = tmp_path / "huge.zap"
    with path.open("wb") as file:
        file.write(HEADER)
        for _ in range(100):
            file.write(fill * ((1 << 20) // len(fill)))
    status, output, seconds = alone("run", str(path))
    assert (status, output.count("\n")) == (2, 1)
    assert seconds < SECONDS


def test_a_table_of_2_to_the_40_ends_with_limit(tmp_path: Path) -> None:
    path = tmp_path / "deep.zap"
    path.write_bytes(HEADER + b"".join(b"add z %#x len=180\n" % (n << 22) for n in range(3)))
    status, output, seconds = alone("run", str(path))
    assert (status, output.partition(":")[0]) == (3, "limit")
    assert output.splitlines()[-1] == "in op 1: add z 0x400000 len=180"
    assert seconds < SECONDS


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", str(STALE), "--release", "9.9"),
        ("show", str(STALE), "--release", "9.9"),
        ("replay", "--release", "9.9"),
        ("replay", "/nowhere"),
        ("minimize", str(STALE), "--release", "2.1"),
        ("fuzz", "--release", "9.9", "--runs", "1"),
        ("fuzz", "--runs", "1", "--seeds", "/nowhere"),
        ("fuzz", "--engine", "wheel"),
        ("import-tree", "/nowhere"),
        ("nonsense",),
    ],
)
def test_bad_usage_has_status_2(arguments: tuple[str, ...]) -> None:
    status, output = zapfuzz(*arguments)
    assert status == 2
    assert output.startswith("zapfuzz: ") and output.count("\n") == 1


def test_run_says_how_it_ended() -> None:
    status, output = zapfuzz("run", str(STALE), "--release", "2.3")
    assert (status, output) == (0, "fine: 7 ops\n")
    status, output = zapfuzz("run", str(STALE), "--release", "unfixed", "--trace")
    assert status == 1
    assert "VERIFY3(NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)) failed" in output
    assert "PANIC at zap.c:441:zap_create_leaf()" in output
    assert output.count("  ok\n") == 6


def test_show_shows_the_object() -> None:
    status, output = zapfuzz("show", str(STALE), "--release", "2.3")
    assert status == 0
    assert "zap_freeblk 3" in output and "user leaf 2" in output


def test_a_replay_of_nothing_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It said that none of 0 runs differed, with status 0."""
    monkeypatch.setenv("ZAPFUZZ_CACHE", str(tmp_path))
    target_of_expectation.cache_clear()  # this process may have looked elsewhere before
    try:
        status, output = zapfuzz("replay", "--target", "kernel")
        assert (status, output.splitlines()[-1][:48]) == (
            2,
            "zapfuzz: nothing was run: not on this machine: r",
        )
        status, output = zapfuzz("replay", "--release", "libzpool-2.1.11", str(CORPUS / "regressions"))
        assert status == 2 and "zapfuzz: nothing was run: " in output
    finally:
        target_of_expectation.cache_clear()


def test_replay_of_the_corpus_and_of_a_reproducer_that_lies(tmp_path: Path) -> None:
    status, output = zapfuzz("replay", str(CORPUS / "regressions"), "--release", "unfixed")
    assert (status, output.splitlines()[-1]) == (0, "3 reproducers, 3 runs, 0 that differ")
    folder = tmp_path / "liar"
    folder.mkdir()
    (folder / "program.zap").write_bytes(STALE.read_bytes())
    (folder / "reproducer.toml").write_text('title = "x"\n[expect]\nunfixed = "fine"\n')
    status, output = zapfuzz("replay", str(tmp_path))
    assert status == 1
    assert "DIFFERS  liar on unfixed" in output


def test_minimize_writes_a_program(tmp_path: Path) -> None:
    longer = tmp_path / "longer.zap"
    lines = STALE.read_text().splitlines()
    longer.write_text("\n".join([lines[0], "count z", *lines[1:3], "length z 0x4444", *lines[3:]]) + "\n")
    out = tmp_path / "small.zap"
    status, _ = zapfuzz("minimize", str(longer), "--release", "unfixed", "--out", str(out))
    assert status == 0
    assert load(out) == load(STALE)


def test_import_tree_makes_a_program_that_runs(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "folder").mkdir(parents=True)
    (tree / "folder" / "file").write_text("")
    out = tmp_path / "tree.zap"
    assert zapfuzz("import-tree", str(tree), "--out", str(out))[0] == 0
    assert sum(op.verb == "add" for op in load(out).ops) == 4
    assert zapfuzz("run", str(out))[0] == 0


def test_what_is_new_is_kept_and_what_is_known_is_not(tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.mkdir()
    out = tmp_path / "out"
    seeds = ("--seed", "2", "--seeds", "stale-user-data-txg")
    common = ("fuzz", "--release", "unfixed", "--engine", "random", *seeds, "--runs", "8")
    status, output, _ = _fuzz(tmp_path, *common, "--known", str(known), "--out", str(out))
    assert status == 1
    kept = [read_reproducer(folder) for folder in sorted(out.iterdir())]
    stale = next(each for each in kept if "dmu_buf_set_user" in each.expect["unfixed"])
    assert len(stale.program.ops) in (6, 7)  # a rename removes two names at once
    assert "(seed 2, " in stale.origin
    assert "new, kept in" in output and "PANIC at zap.c:441" in output
    status, output, _ = _fuzz(tmp_path, *common, "--known", str(known), "--out", str(out))
    assert status == 1  # what this user's first run has found is no more known than it was
    assert "new, kept in" not in output and "minimized from" not in output
    assert "found by an earlier run, kept in out/assertion-zap-create-leaf-" in output
    assert [read_reproducer(folder) for folder in sorted(out.iterdir())] == kept
    (known / "findings").symlink_to(out)
    status, output, _ = _fuzz(tmp_path, *common, "--known", str(known), "--out", str(tmp_path / "again"))
    assert status == 0
    assert "new, kept in" not in output and "known to the project (" in output
    assert f"x {stale.name} " in output and stale.title in output
    assert not (tmp_path / "again").exists()


def _fuzz(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from fuzz.commands.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
    )
    return done.returncode, done.stdout, done.stderr


def test_ctrl_c_ends_with_the_summary_and_whole_files(tmp_path: Path) -> None:
    working = tmp_path / "working"
    command = [
        "fuzz",
        "--release",
        "2.3",
        "--seed",
        "1",
        "--corpus",
        str(working),
        "--out",
        str(tmp_path / "out"),
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", "from fuzz.commands.cli import main; main()", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
        # a shell's job in the background ignores it, and so would this
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (working.is_dir() and len(list(working.iterdir())) > 20):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "ended by SIGINT" in output and ("no failures" in output or " x " in output)
    assert all(path.stat().st_size for path in working.iterdir())
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


@pytest.mark.parametrize(
    "words",
    [
        ("explore", "p.zap", "--seconds", "3"),
        ("force", "p.zap"),
        ("fuzz", "--engine", "threads", "--runs", "3"),
    ],
)
def test_without_an_extra_one_line_says_which(tmp_path: Path, words: tuple[str, ...]) -> None:
    """And the help still lists everything."""
    (tmp_path / "greenlet.py").write_text("raise ModuleNotFoundError('none', name='greenlet')\n")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT))),
    }
    command = [sys.executable, "-c", "from fuzz.commands.cli import main; main()"]
    run = functools.partial(subprocess.run, cwd=tmp_path, env=environment, capture_output=True, text=True)
    done = run([*command, *words])
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "needs greenlet: " in done.stderr
    assert done.stderr.endswith(f" install --editable '{ROOT}[threads]'\n")
    help_ = run([*command, "--help"]).stdout
    assert (
        f"\n  {words[0]} " in help_ and "  explore        Try every schedule of a program's threads." in help_
    )
    own = " ".join(run([*command, "explore", "--help"]).stdout.split())
    assert "Every interleaving of one" in own and "Needs greenlet: " in own


def test_the_help_is_in_the_order_of_the_people_who_need_it() -> None:
    """As README is; each command once, what it does in one line of 80 columns, and nothing is imported."""
    status, output = zapfuzz("--help")
    headings = [line[:-1] for line in output.splitlines() if line[:1].isupper() and line.endswith(":")]
    assert status == 0 and headings[1:] == list(SECTIONS)
    readme = re.findall("(?m)^## (You .*)$", (ROOT / "README.md").read_text("utf-8"))
    assert [each for each in headings if each in readme] == [each for each in readme if each in headings]
    assert len({*headings} & {*readme}) == 5
    for section in SECTIONS.values():
        for name, (_, does) in section.items():
            assert output.count(f"\n  {name.ljust(13)}  {does}\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--nonsense",), "No such option '--nonsense'."),
        (("nonsense",), "No such command 'nonsense'."),
        (("fuzz", "--engine", "x"), "fuzz: Invalid value for '--engine': 'x' is not one of "),
        (
            ("fuzz", "--corpus", str(STALE)),
            f"fuzz: Invalid value for '--corpus': Directory '{STALE}' is a file.",
        ),
        (("bench", "--cap", "0"), "bench: Invalid value for '--cap': "),
        (("bench", "--bug", "nosuch"), "bench: Invalid value for '--bug': 'nosuch' is not one of "),
        (("merge",), "merge: Missing argument 'CORPUS'."),
        (("completion",), "completion: Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish"),
    ],
)
def test_wrong_usage_is_one_line(words: tuple[str, ...], said: str) -> None:
    status, output = zapfuzz(*words)
    assert (status, output.count("\n")) == (2, 1)
    assert output.startswith(f"zapfuzz: {said}")


def test_seeds_are_read_before_a_process_begins(tmp_path: Path) -> None:
    (tmp_path / "cut.zap").write_text("zap z fat key=u64 prehashed\nadd z 0x0 le")
    status, output = zapfuzz("fuzz", "--runs", "1", "--seeds", str(tmp_path))
    assert status == 2
    assert (
        output.startswith(f"zapfuzz: {tmp_path / 'cut.zap'}:2:11: expected one of ")
        and output.count("\n") == 1
    )


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["--engine", "random", "--", "-runs=3"], "-runs=3: expected no options of libFuzzer"),
        (["somewhere"], "somewhere: expected options of libFuzzer, as -name=value"),
        (["--out", "/proc/nowhere/findings"], "/proc/nowhere/findings: cannot be written"),
    ],
)
def test_what_would_do_nothing_or_lose_findings_is_refused(arguments: list[str], wrong: str) -> None:
    """Before anything is run, in one line."""
    status, output = zapfuzz("fuzz", "--runs", "1", *arguments)
    assert status == 2
    assert wrong in output
    assert output.count("\n") == 1
