"""What `zapfuzz triage` prints and how it ends, on files, streams and logs that grow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from fuzz.evidence.triage.known import judge, load_corpus
from fuzz.evidence.triage.report import TextReport, as_json
from fuzz.evidence.triage.stream import Scanner, follow_file
from tests.evidence.triage.triage_logs import CORPUS, KNOWN, LOGS, TRIAGE, events_of, run
from tests.support.paths import ROOT


def test_text() -> None:
    """What a person is told: reproducer, releases, fix, and how to set what helps until then."""
    result = run("--corpus", str(CORPUS), str(TRIAGE / "stale_dmesg.log"))
    assert result.exit_code == 1
    for words in (
        "ZFS failure in zap.c:zap_create_leaf (line 441 of the source)",
        "known: yes, stale user data on a reused leaf block, names",
        "reproducer: corpus/regressions/stale_names/program.zap",
        "releases that have it: master before commit 34906f8bbe",
        "commit 34906f8bbe",
        "echo 0 > /sys/module/zfs/parameters/zap_shrink_enabled",
        "sysctl vfs.zfs.zap_shrink_enabled=0",
    ):
        assert words in result.stdout


def test_a_log_of_master_is_known_though_its_files_are_others() -> None:
    data = (TRIAGE / "stale_dmesg.log").read_bytes()
    moved = data.replace(b"zap.c:441", b"zap_fat.c:321")
    assert moved != data
    verdicts = [judge(event, KNOWN) for log in (data, moved) for event in events_of(log)]
    assert len(verdicts) == 2 and verdicts[0] == verdicts[1] and verdicts[0].match == "exact"


def test_text_says_what_to_send_and_what_differs() -> None:
    unknown = run("--corpus", str(CORPUS), str(TRIAGE / "verify_zap_journal.log")).stdout
    assert "the corpus does not have" in unknown and "zdb -dddd" in unknown
    other = run("--corpus", str(CORPUS), str(TRIAGE / "no_offsets.log")).stdout
    assert "differs: on the stack the log has fzap_update, zap_update" in other
    freebsd = run("--corpus", str(CORPUS), str(TRIAGE / "freebsd.log")).stdout
    assert "there it is: zap.c:zap_create_leaf" in freebsd


def test_repeated_failure_is_told_in_a_line() -> None:
    text = TextReport()
    data = (TRIAGE / "stale_libzpool.log").read_bytes()
    told_ = [text.render(event, judge(event, KNOWN)) for event in events_of(data * 3)]
    assert "again (3 times so far)" in told_[2] and told_[2].count("\n") == 1


def test_json() -> None:
    """One object a line, the same keys for every failure."""
    keys = set()
    for path in LOGS:
        for event in events_of(path.read_bytes()):
            keys.add(frozenset(json.loads(as_json(event, judge(event, KNOWN)))))
    assert len(keys) == 1
    result = run("--json", "--corpus", str(CORPUS), str(TRIAGE / "interleaved_tagged.log"))
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert first["values"] == ["305", "272"] and first["known"] == "unknown"
    assert second["stack"][0] == "zap_leaf_pageout" and second["caller"] == "T5550"


def test_exit_status() -> None:
    """0 for nothing found, 1 for a failure, 2 and one line for what cannot be read."""
    assert run("--corpus", str(CORPUS), str(TRIAGE / "not_zfs.log")).exit_code == 0
    missing = run("/nowhere/at/all.log")
    assert (
        missing.exit_code == 2 and missing.stderr.count("\n") == 1 and "/nowhere/at/all.log" in missing.stderr
    )
    folder = run(str(TRIAGE))
    assert folder.exit_code == 2 and folder.stderr.count("\n") == 1
    assert run("--corpus", "/nowhere", str(TRIAGE / "freebsd.log")).exit_code == 2
    assert run("--no-such-option").exit_code == 2


def test_absent_and_damaged_corpus(tmp_path: Path) -> None:
    """A corpus that is not there is empty; a damaged reproducer is named and the others are used."""
    assert load_corpus(tmp_path / "none") == ([], [])
    for name, text in {
        "good": 'title = "t"\n[expect]\na = "fine"\n',
        "syntax": "title = ",
        "types": "[expect]\na = 3\n",
        "stack": '[stack]\na = "f"\n',
        "title": "title = 3\n",
        "bytes": "\udcff",
    }.items():
        folder = tmp_path / "corpus" / "findings" / name
        folder.mkdir(parents=True)
        (folder / "reproducer.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    found, problems = load_corpus(tmp_path / "corpus")
    assert [known.folder.as_posix() for known in found] == ["corpus/findings/good"]
    assert len(problems) == 5 and all("not used" in problem for problem in problems)


def test_a_line_without_end_takes_no_memory() -> None:
    scanner = Scanner()
    for _ in range(200):
        assert not list(scanner.feed(b"VERIFY(" * 20_000))
    assert len(scanner._rest) < 1 << 21
    assert not list(scanner.close())


def test_memory_on_a_long_stream(tmp_path: Path) -> None:
    """64 MB through the command itself: memory stays where it was for 1 MB."""
    script = (
        "import resource,sys;from fuzz.commands.triage import triage\n"
        "try: triage(sys.argv[1:])\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
    )
    log = tmp_path / "long.log"
    filler = b"May  3 08:00:43 host7 app[812]: request 4711 served in 12 ms, 200 OK\n" * 15_000
    failure = (TRIAGE / "stale_dmesg.log").read_bytes()
    used = []
    for blocks in (1, 64):
        with log.open("wb") as file:
            for _ in range(blocks):
                file.write(filler + failure)
        done = subprocess.run(
            [sys.executable, "-c", script, "--json", "--corpus", str(CORPUS), str(log)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=120,
            check=False,
        )
        assert done.returncode == 1 and done.stdout.count("\n") == blocks
        used.append(int(done.stderr.split()[-1]))
    assert used[1] < used[0] + 16 * 1024, f"{used} KiB"


def test_follow_survives_rotation_and_truncation(tmp_path: Path) -> None:
    """A failure is found in what is appended, in the file put in place of a renamed one, after a cut."""
    failure = (TRIAGE / "stale_libzpool.log").read_bytes()
    log = tmp_path / "messages"
    log.write_bytes(b"May  3 08:00:43 host7 kernel: started\n")
    found: list[int] = []
    stopped = threading.Event()

    def watch() -> None:
        for event in follow_file(str(log), stopped.is_set, pause=0.01):
            found.append(event.line)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        with log.open("ab") as file:
            file.write(failure)
        _wait(lambda: len(found) == 1)
        os.rename(log, tmp_path / "messages.1")
        log.write_bytes(b"x\n" + failure)
        _wait(lambda: len(found) == 2)
        log.write_bytes(b"")
        time.sleep(0.1)
        with log.open("ab") as file:
            file.write(b"x\nx\n" + failure)
        _wait(lambda: len(found) == 3)
    finally:
        stopped.set()
        thread.join()
    assert found == [3, 3, 4]


def _wait(ready: Callable[[], bool]) -> None:
    for _ in range(1000):
        if ready():
            return
        time.sleep(0.01)
    raise AssertionError("nothing came within ten seconds")


def test_follow_standard_input_reports_before_it_ends() -> None:
    """A monitor's pipe stays open: the failure must come while it does."""
    command = [sys.executable, "-c", "from fuzz.commands.triage import triage; triage()"]
    process = subprocess.Popen(
        [*command, "--follow", "--json", "--corpus", str(CORPUS), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write((TRIAGE / "ring_buffer.log").read_bytes() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["known"] == "exact"
        process.stdin.close()
        assert process.wait(timeout=30) == 1
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
