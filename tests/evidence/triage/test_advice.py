"""What `triage` advises: the release in the log decides, ties show all, fixes come from one table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.triage import triage
from fuzz.evidence.triage.known import Judge, judge, load_corpus, model_release
from fuzz.evidence.triage.known_outside_corpus import error_name, notes, notes_for, numbers, release_of
from tests.evidence.triage.triage_logs import events_of
from tests.support.paths import CORPUS, DATA

FIELD = DATA / "triage" / "field"
KNOWN, PROBLEMS = load_corpus(CORPUS)

# log: words that the text must have, words that it must not have
SAID: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "02-softlockup-18572": (
        ("soft lockup", "damaged leaf", "zapfuzz check", "again (2 times so far)", "process cp"),
        ("echo 0 >",),
    ),
    "04-ubsan-module-16278": (("harmless", "156a64161b", "2.2.5"), ("send:",)),
    "10-pagefault-leaflookup-16934": (("page fault", "damaged leaf", "zapfuzz check"), ()),
    "14-freebsd-nofault-17529": (("page fault", "zapfuzz check"), ()),
    "38-freebsd-solaris-zapupdate-kgdb": (("ENXIO",), ("doadump",)),
    "40-zeroed-leaf-5346": (("zapfuzz check",), ("zap_shrink_enabled",)),
    "51-rcu-stall-1176": (("29572ccdef", "RCU stall"), ()),
    "55-undirty-usage-shrink-17602": (("077269bfed", "2.4.0", "zap_shrink_enabled=0"), ()),
    "56-microzap-full-16888": (("c37a2ddaaa", "2.3.0", "1048576"), ()),
    "64-freebsd-24-existent": (("Not the ZAP",), ("again",)),
    "65-crowded-mzap-upgrade": (("known: yes", "crowded-hash", "ENOSPC"), ()),
    "73-leafmagic-on-2.4-debug": (
        ("known: yes", "zap-cursor-on-table", "zap_shrink_enabled=0"),
        ("cursor-after-destroy",),
    ),
    "74-two-alike-adjacent-6522": (("again (2 times so far)", "b32f1279d4"), ()),
}


def run(path: Path, *options: str) -> str:
    result = CliRunner().invoke(triage, [*options, str(path)])
    assert result.exit_code == 1, result.output
    return result.stdout


@pytest.mark.parametrize("name", SAID)
def test_what_a_person_is_told(name: str) -> None:
    """The advice that is right for each log, and none that is wrong."""
    text = run(FIELD / f"{name}.log")
    wanted, unwanted = SAID[name]
    assert [word for word in wanted if word not in text] == []
    assert [word for word in unwanted if word in text] == []


def test_without_a_release_all_that_fit_are_shown() -> None:
    """Two findings fail alike; only the release tells which, and the alphabet must not."""
    log = (FIELD / "73-leafmagic-on-2.4-debug.log").read_bytes()
    for data, folders in (
        (log, {"zap-cursor-on-table"}),
        (log[log.index(b"\n") + 1 :], {"zap-cursor-on-table", "cursor-after-destroy"}),
        (log.replace(b"v2.4.3-1", b"v2.1.11-1"), {"cursor-after-destroy"}),
    ):
        [event] = events_of(data)
        verdict = judge(event, KNOWN)
        found = [
            each.reproducer.folder.name for each in (verdict, *verdict.others) if each.reproducer is not None
        ]
        assert set(found) == folders and len(found) == len(folders)


def test_a_fix_that_the_release_has_is_not_advised() -> None:
    """On 2.2.5 the report cannot be what 2.2.5 fixed."""
    log = (FIELD / "04-ubsan-module-16278.log").read_bytes()
    for version, fixes in ((b"2.2.4", ["commit 156a64161b"]), (b"2.2.5", []), (b"2.4.1", [])):
        [event] = events_of(log.replace(b"/zfs/2.2.4/", b"/zfs/" + version + b"/"))
        assert [note.fix for note, _ in notes_for(event) if note.fix] == fixes


def test_the_table_is_whole() -> None:
    """Every entry can be met, and every fix names a commit and a release."""
    assert not PROBLEMS
    for note in notes():
        assert note.title and (note.function or note.stack or note.expression or note.kinds)
        assert bool(note.fix) == bool(note.fixed)
        assert all(len(numbers(release)) >= 3 for release in note.fixed)
    assert len([note for note in notes() if note.fix]) >= 20


def test_releases_by_the_names_that_people_know() -> None:
    named = {
        "2.2.7": "2.1",
        "2.3.0": "2.3",
        "2.3.2": "2.3",
        "2.3.8": "2.4",
        "2.4.4": "2.4",
        "2.4.99": "master",
    }
    assert {text: model_release(numbers(text)) for text in named} == named


def test_machines_are_told_the_same() -> None:
    """The JSON has kind, versions, all that fit, and the table's entries."""
    told = json.loads(run(FIELD / "04-ubsan-module-16278.log", "--json"))
    assert told["kind"] == "ubsan" and told["versions"]["zfs"] == "2.2.4"
    assert told["notes"][0]["fix"] == "commit 156a64161b" and told["notes"][0]["in_release"] is True
    told = json.loads(run(FIELD / "65-crowded-mzap-upgrade.log", "--json"))
    assert told["error"] == "ENOSPC" and told["fits"][0]["reproducer"].endswith("crowded-hash")


def test_numbers_that_are_no_errors_have_no_name() -> None:
    [event] = events_of((FIELD / "70-windows-378.log").read_bytes())
    assert error_name(event) == ""


def test_a_verdict_that_is_remembered_is_the_one_that_would_be_found() -> None:
    """Of every log at hand, told twice: with one memory for all of them, as a long log has it; and with every
    row of the corpus compared."""

    class ComparesAll(Judge):
        def _alike(self, asked: object) -> Sequence[int]:
            return range(len(self._rows))

    remembers, compares = Judge(KNOWN), ComparesAll(KNOWN)
    for path in sorted((DATA / "triage").rglob("*.log")):
        for event in events_of(path.read_bytes() * 2):
            assert remembers(event) == compares(event), (path, event.line)


@pytest.mark.parametrize(
    ("freebsd", "zfs"),
    [
        *(
            ("12.4", (0,)),
            ("13.1", (2, 1, 4)),
            ("13.2", (2, 1, 9)),
            ("13.5", (2, 1, 14)),
            ("14.0", (2, 2, 0)),
        ),
        *(
            ("14.2", (2, 2, 6)),
            ("14.3", (2, 2, 7)),
            ("14.4", (2, 2, 9)),
            ("15.0", (2, 4, 0)),
            ("15.1", (2, 4, 2)),
        ),
    ],
)
def test_the_release_in_the_base_of_freebsd(freebsd: str, zfs: tuple[int, ...]) -> None:
    """As FreeBSD's release notes say it."""
    log = f"FreeBSD {freebsd}-RELEASE-p2 releng/{freebsd}-n1 GENERIC\npanic: VERIFY(zap_x) failed\n"
    trace = "KDB: stack backtrace:\nzap_add() at zap_add+0x1/frame 0xfffffe0\n"
    [event] = events_of((log + trace).encode())
    assert release_of(event) == zfs
