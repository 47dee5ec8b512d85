"""What `zapfuzz triage` promises: every shape of log is understood, and none stops it.

The logs in `data/triage` have the shapes of those in OpenZFS's issues; hosts, processes and addresses are
invented. The corpus beside them is the tests' own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.commands.triage import triage
from fuzz.evidence.triage.containers.log_prefixes import split_line
from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.known import Match, judge, load_corpus, stack_difference
from fuzz.evidence.triage.report import TextReport, as_json
from fuzz.evidence.triage.stacks import parse_frame
from fuzz.evidence.triage.stream import Scanner, follow_file
from tests.support.paths import DATA, ROOT

TRIAGE = DATA / "triage"
CORPUS = TRIAGE / "corpus"
KNOWN, PROBLEMS = load_corpus(CORPUS)
LOGS = sorted(TRIAGE.glob("*.log"))

STALE = "zap.c:zap_create_leaf NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)"
UNKNOWN, EXACT = Match.UNKNOWN, Match.EXACT

# log: for each failure in it its signature without the kind, values, stack, what the corpus says
EXPECTED: dict[str, list[tuple[str, tuple[str, str] | None, str, Match]]] = {
    "stale_dmesg": [
        (
            STALE,
            ("0000000000000000", "ffff9a0c44e1d600"),
            "zap_expand_leaf fzap_add_cd fzap_add zap_add_impl zfs_link_create zfs_create zpl_create",
            EXACT,
        )
    ],
    "stale_libzpool": [
        (STALE, ("(nil)", "0x5579283bbf30"), "zap_expand_leaf fzap_add_cd fzap_add zap_add_uint64", EXACT)
    ],
    "no_offsets": [
        (
            STALE,
            ("0000000000000000", "ffff91dfeb60e200"),
            "zap_expand_leaf fzap_add_cd fzap_update zap_update",
            Match.OTHER_STACK,
        )
    ],
    "freebsd": [
        (
            "?:zap_expand_leaf NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)",
            ("0", "0xfffff80123456700"),
            "zap_expand_leaf fzap_add_cd fzap_add zap_add_impl zap_add zfs_link_create zfs_freebsd_create",
            EXACT,
        )
    ],
    "ring_buffer": [
        (
            "zap.c:zap_create_leaf _set_user(l->l_dbuf, &l->l_dbu)",
            ("0000000000000000", "ffff9a0c44e1d600"),
            "zap_expand_leaf",
            EXACT,
        )
    ],
    "ring_buffer_trace_only": [
        ("?:zap_expand_leaf ", None, "zap_expand_leaf fzap_add_cd fzap_add", Match.STACK_ONLY)
    ],
    "verify_zap_journal": [
        (
            "zap.c:zap_deref_leaf zap_f_phys(zap)->zap_magic == ZAP_MAGIC",
            ("0", "12703150763"),
            "zap_deref_leaf fzap_lookup zap_lookup_impl zap_lookup_norm zap_lookup zfs_unlinked_drain_task",
            UNKNOWN,
        )
    ],
    "not_zfs": [],
    "freebsd_solaris": [
        (
            "zfs_vfsops.c:zfs_space_delta_cb sa.sa_magic == 0x2F505A",
            ("0xb656f0e0", "0x2f505a"),
            "zfs_space_delta_cb dmu_objset_userquota_get_ids dnode_sync",
            UNKNOWN,
        )
    ],
    "ztest_old": [
        (
            "ztest.c:ztest_zap_parallel zap_update(os, object, name, wsize, wc, data, tx) == 0",
            ("0x1c", "0x0"),
            "ztest_zap_parallel",
            UNKNOWN,
        )
    ],
    "ztest_unwind": [
        (
            "zap_leaf.c:zap_leaf_lookup zap_leaf_phys(l)->l_hdr.lh_magic == ZAP_LEAF_MAGIC",
            ("0", "716130221"),
            "zap_leaf_lookup fzap_lookup zap_lookup_impl dump_object",
            UNKNOWN,
        )
    ],
    "glibc_assert": [
        (
            "zap_leaf.c:zap_leaf_chunk_free chunk < ((((1<<((l)->l_bs)) - 2*(1<<((l)->l_bs)-5)) / 24) - 2)",
            None,
            "",
            UNKNOWN,
        )
    ],
    "dmesg_t": [
        (
            "zfs_znode_os.c:zfs_mknode dmu_object_claim_dnsize() == 0",
            ("0", "28"),
            "zfs_mknode zfs_create zpl_create",
            UNKNOWN,
        )
    ],
    "interleaved_tagged": [
        (
            "ddt_zap.c:ddt_zap_lookup csize <= sizeof (cbuf)",
            ("305", "272"),
            "ddt_zap_lookup ddt_lookup zio_ddt_write",
            UNKNOWN,
        ),
        (
            "zap.c:zap_leaf_pageout !RW_LOCK_HELD(&l->l_rwlock)",
            None,
            "zap_leaf_pageout dbuf_evict_user dbuf_evict arc_reclaim_thread",
            UNKNOWN,
        ),
    ],
    "interleaved_plain": [
        (
            "ddt_zap.c:ddt_zap_lookup csize <= sizeof (cbuf)",
            None,
            "ddt_zap_lookup ddt_lookup ddt_zap_lookup",
            UNKNOWN,
        ),
        ("ddt_zap.c:ddt_zap_lookup csize <= sizeof (cbuf)", None, "", UNKNOWN),
    ],
    "arm64": [
        (
            "sa.c:sa_build_index BSWAP_32(sa_hdr_phys->sa_magic) == SA_MAGIC",
            None,
            "sa_build_index sa_handle_get_from_db zfs_znode_sa_init zpl_lookup",
            UNKNOWN,
        )
    ],
    "arm32": [
        (
            "abd.c:abd_alloc size <= (1ULL << 24)",
            ("16781312", "16777216"),
            "abd_alloc arc_get_data_abd zio_execute",
            UNKNOWN,
        )
    ],
    "syslog_old": [
        (
            "zfs_vfsops.c:zfs_space_delta_cb sa.sa_magic == 0x2F505A",
            ("1429611505", "3100762"),
            "zfs_space_delta_cb dmu_objset_userquota_get_ids dnode_sync",
            UNKNOWN,
        )
    ],
    "panic_halt": [
        (
            "range_tree.c:zfs_range_tree_remove_impl rs_get_end(rs, rt) >= end",
            ("498722471936", "498724454400"),
            "zfs_range_tree_remove_impl space_map_load_callback",
            UNKNOWN,
        ),
        (
            "?:range_tree_add_impl zfs: adding existent segment to range tree (offset=N size=N)",
            None,
            "range_tree_add_impl",
            UNKNOWN,
        ),
    ],
    "macos": [
        (
            "zap.c:zap_create_link zap_add(os, parent_obj, name, sizeof (uint64_t), 1, &new_obj, tx) == 0",
            None,
            "zap_create_link sa_add_layout_entry",
            UNKNOWN,
        )
    ],
}


def events_of(data: bytes, step: int = 1 << 20) -> list[Event]:
    return list(_scan(data, step))


def _scan(data: bytes, step: int) -> Iterator[Event]:
    scanner = Scanner()
    for at in range(0, len(data), step):
        yield from scanner.feed(data[at : at + step])
    yield from scanner.close()


def told(event: Event) -> tuple[str, tuple[str, str] | None, str, Match]:
    signature = event.signature
    values = event.assertion.values if event.assertion else None
    return (
        f"{signature.place} {signature.expression}",
        values,
        " ".join(signature.stack),
        judge(event, KNOWN).match,
    )


def run(*args: str, data: bytes | None = None) -> Result:
    return CliRunner().invoke(triage, args, input=data)


def test_every_log_has_an_expectation() -> None:
    assert {path.stem for path in LOGS} == set(EXPECTED)
    assert not PROBLEMS


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_log(path: Path) -> None:
    """Place, expression, values, stack and what the corpus says, for every shape of log."""
    assert [told(event) for event in events_of(path.read_bytes())] == EXPECTED[path.stem]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
@pytest.mark.parametrize("step", [1, 37, 4096])
def test_blocks_do_not_matter(path: Path, step: int) -> None:
    """A pipe gives bytes in any pieces; the failures, lines and offsets are the same."""
    data = path.read_bytes()
    whole = [(told(event), event.line, event.offset) for event in events_of(data)]
    assert [(told(event), event.line, event.offset) for event in events_of(data, step)] == whole


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "prefix",
    [
        b"[ 1234.567890] ",
        b"[Tue Mar  5 09:14:55 2024] ",
        b"<4>[   12.000001] ",
        b"2024-05-03T08:00:43.123456+00:00 ",
        b"kern  :emerg : [ 1234.567890] ",
        b"[ 1234.567890 <    0.000011>] ",
        b"\x1b[32m[ 1234.567890] \x1b[0m",
    ],
    ids=["dmesg", "dmesg-T", "console", "iso", "dmesg-x", "dmesg-d", "colour"],
)
def test_any_time_stamp(path: Path, prefix: bytes) -> None:
    """One more stamp in front of every line, as collectors add them, changes nothing but who spoke."""
    data = b"".join(prefix + line + b"\n" for line in path.read_bytes().split(b"\n"))
    assert [told(event) for event in events_of(data)] == EXPECTED[path.stem]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_windows_line_ends(path: Path) -> None:
    data = path.read_bytes().replace(b"\n", b"\r\n")
    assert [told(event) for event in events_of(data)] == EXPECTED[path.stem]


def test_far_apart_in_a_long_log() -> None:
    """Between failures nothing is parsed; line numbers and offsets still count from the log's start."""
    failure = (TRIAGE / "stale_dmesg.log").read_bytes()
    padding = b"[    1.000000] nothing to see here\n" * 100_000
    events = events_of(padding + failure + padding + failure)
    assert [event.line for event in events] == [100_002, 200_002 + failure.count(b"\n")]
    assert events[0].offset == len(padding) + failure.index(b"\n") + 1


def test_process_and_processor() -> None:
    [event] = events_of((TRIAGE / "stale_dmesg.log").read_bytes())
    assert (event.process, event.pid, event.cpu, event.source_line) == ("postmaster", 48211, 6, 441)


def test_speakers_without_names_are_told_to_be_mixed() -> None:
    """Two traces at once and no tags: the report must not claim to know whose frame is whose."""
    events = events_of((TRIAGE / "interleaved_plain.log").read_bytes())
    assert [(event.pid, event.mixed) for event in events] == [(5546, True), (5550, True)]
    tagged = events_of((TRIAGE / "interleaved_tagged.log").read_bytes())
    assert [(event.pid, event.mixed) for event in tagged] == [(5546, False), (5550, False)]


def test_a_task_that_hangs_since_its_panic_is_not_a_second_failure() -> None:
    data = (TRIAGE / "stale_dmesg.log").read_bytes()
    assert data.count(b"spl_panic") == 2 and len(events_of(data)) == 1


def test_frames() -> None:
    """Unreliable frames and modules are kept apart; text that is no frame is none."""
    frame = parse_frame(" ? zap_add.constprop.0+0x5c/0xd0 [zfs]")
    assert frame is not None and frame[:4] == ("zap_add", "zfs", False, "5c")
    assert parse_frame("Modules linked in: zfs(PO) spl(O)") is None
    assert parse_frame("Message from syslogd@node at Oct 23 11:45:50 ...") is None
    old = parse_frame("dump_stack from spl_panic+0xcc/0xfc [spl]")
    assert old is not None and old[:3] == ("dump_stack", "", True)
    assert parse_frame("zap_add") is None and parse_frame("zap_add", inside=True) is not None


def test_speaker() -> None:
    line = split_line(b"May  3 08:00:43 host7 ztest[812]: ASSERT at zap.c:1:f()")
    assert (line.host, line.program, line.caller) == ("host7", "ztest", "ztest[812]")
    line = split_line(b"<0>1 2024-06-01T12:00:00Z nas kernel - - - [8.1][T77] VERIFY(x) failed")
    assert (line.host, line.program, line.caller, line.text) == ("nas", "kernel", "T77", "VERIFY(x) failed")


def test_same_stack() -> None:
    """Inlined functions may be missing and callers may follow; another way into the ZAP is another stack."""
    known = ("zap_create_leaf", "zap_expand_leaf", "fzap_add_cd", "fzap_add", "zap_add_impl", "zap_add")
    assert stack_difference((*known[1:5], "zfs_link_create"), known) == ""
    assert stack_difference(known, known) == ""
    assert "fzap_update" in stack_difference(("zap_expand_leaf", "fzap_update"), known)
    assert stack_difference(("fzap_add", "zap_expand_leaf"), known) != ""
    assert stack_difference(("spa_sync",), known) != ""


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


PIECES = [line for path in LOGS for line in path.read_bytes().split(b"\n") if line]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=80)), max_size=40), st.integers(1, 300))
def test_any_bytes(lines: list[bytes], step: int) -> None:
    """Whatever a log holds, in whatever order and pieces, it is read to its end and reported."""
    text = TextReport()
    for event in events_of(b"\n".join(lines), step):
        verdict = judge(event, KNOWN)
        assert text.render(event, verdict).endswith("\n")
        json.loads(as_json(event, verdict))
        assert event.signature.place.count(":") == 1 and len(event.frames) <= 128


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(LOGS), st.data())
def test_damaged_logs(path: Path, data: st.DataObject) -> None:
    """A log cut at both ends with a byte changed is still read."""
    raw = bytearray(path.read_bytes())
    start = data.draw(st.integers(0, len(raw) - 1))
    end = data.draw(st.integers(start + 1, len(raw)))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    for event in events_of(bytes(raw[start:end])):
        as_json(event, judge(event, KNOWN))


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
