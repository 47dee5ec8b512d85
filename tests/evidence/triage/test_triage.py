"""What `zapfuzz triage` promises: every shape of log is understood, and none stops it.

The logs in `data/triage` have the shapes of those in OpenZFS's issues; hosts, processes and addresses are
invented. The corpus beside them is the tests' own.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.evidence.triage.containers.log_prefixes import split_line
from fuzz.evidence.triage.known import Match, judge, stack_difference
from fuzz.evidence.triage.report import TextReport, as_json
from fuzz.evidence.triage.stacks import parse_frame
from tests.evidence.triage.triage_logs import KNOWN, LOGS, PROBLEMS, TRIAGE, events_of, told

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
