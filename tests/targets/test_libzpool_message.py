"""What a dying library prints becomes the right signature. Needs no library: the texts are recorded."""

from __future__ import annotations

import signal

import pytest

from fuzz.targets.libzpool.process.message import last_words, read_death, read_silence, strip_values
from fuzz.targets.packages.private_apt import Source, parse_deb822, parse_list

STALE = """ASSERT at module/zfs/zap.c:441:zap_create_leaf()
NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu) ((nil) == 0x5579283bbf30)
  PID: 14569     COMM: python
  TID: 14569     NAME: python
Call trace:
/some/where/libnvpair.so.3(libspl_assertf+0x157)[0x7f670309dc37]
/some/where/libzpool.so.6(+0x23a1c7)[0x7f6701d869c7]
/some/where/libzpool.so.6(fzap_add_cd+0xd9)[0x7f65bdc3ad69]
/lib/x86_64-linux-gnu/libffi.so.8(+0x6f7a)[0x7f67030bdf7a]

zapfuzz signal: 6
zapfuzz frame: fzap_add_cd
zapfuzz frame: fzap_add
zapfuzz frame: zap_add_uint64
"""

OLD = """scl->scl_count > 0
ASSERT at ../../module/zfs/spa_misc.c:540:spa_config_exit()
zapfuzz signal: 6
zapfuzz frame: spa_config_exit
"""


def test_a_failed_verify_of_the_newer_form() -> None:
    """The bug that the project exists for: place, expression without pointers, and what the stack shows."""
    failure = read_death(STALE, -signal.SIGABRT, "add", 6)
    expression = "NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)"
    assert failure.signature.key == ("assertion", "zap.c:zap_create_leaf", expression)
    assert failure.signature.stack == ("zap_create_leaf", "fzap_add_cd", "fzap_add", "zap_add_uint64")
    assert failure.op == 6


def test_other_objects_and_folders_are_left_out_of_the_text() -> None:
    """A report must not carry this machine's folders, nor thirty frames of the interpreter."""
    text = read_death(STALE, -signal.SIGABRT).text
    assert "libffi" not in text and "/some/where" not in text
    assert "libzpool.so.6(fzap_add_cd+0xd9)" in text


def test_what_the_handler_notes_is_told_in_words() -> None:
    """`zapfuzz signal: 6` is between the worker and its parent, and says nothing to a person."""
    assert "SIGABRT in fzap_add_cd < fzap_add < zap_add_uint64" in read_death(STALE, -signal.SIGABRT).text
    for printed in (STALE, OLD, "zapfuzz pool: gone\n", "zapfuzz frame: zap_add\n"):
        assert "zapfuzz" not in read_death(printed, -signal.SIGABRT).text.replace("zapfuzz-", "")


def test_a_failed_assert_of_the_older_form() -> None:
    """2.1 prints the expression first and the place after it."""
    failure = read_death(OLD, -signal.SIGABRT)
    assert failure.signature.key == ("assertion", "spa_misc.c:spa_config_exit", "scl->scl_count > 0")


def test_a_function_that_master_has_moved_is_the_same_place() -> None:
    """Nearly all of the ZAP stands in other files since 8ff64005a2; failures are told apart by theirs."""
    moved = STALE.replace("zap.c:441", "zap_fat.c:321")
    assert read_death(moved, -signal.SIGABRT).signature == read_death(STALE, -signal.SIGABRT).signature
    new = OLD.replace("spa_misc.c:540:spa_config_exit", "zap.c:1202:zap_cursor_serialize")
    assert read_death(new, -signal.SIGABRT).signature.place == "zap_micro.c:zap_cursor_serialize"
    assert read_death(STALE.replace("zap_create_leaf", "zap_new"), -6).signature.place == "zap.c:zap_new"


def test_what_a_library_says_that_cannot_be_used() -> None:
    """Its assertion, where it dies while a pool is made, and not the last frame behind that."""
    assert last_words(STALE) == str(read_death(STALE, -signal.SIGABRT).signature)
    assert last_words("Traceback\nOSError: file too short\n") == "OSError: file too short"
    assert last_words("") == ""


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("a == b (0x1 == 0x2)", "a == b"),
        ("zap_count(os, (x), y) == 0 (0x5 == 0)", "zap_count(os, (x), y) == 0"),
        ("db->db_size >= f(a) (0x200 >= 0x400) offset=12", "db->db_size >= f(a)"),
        ("refcount_count(&db->db_holds) > 0", "refcount_count(&db->db_holds) > 0"),
        ("p != NULL ((nil) != (nil))", "p != NULL"),
        ("err == 0 || (a == b)", "err == 0 || (a == b)"),
        ("VERIFY3U(mze->mze_cd, ==, mzep->mze_cd) failed (1 == 0)", "mze->mze_cd == mzep->mze_cd"),
        ("VERIFY3P(f(a, b), !=, NULL) failed ((nil) != (nil))", "f(a, b) != NULL"),
        ("VERIFY0((a & b)) failed (4)", "(a & b) == 0"),
        ("VERIFY0P(p) failed (0x10)", "p == 0"),
        (
            "zfs: rt={spa=zapfuzz objset=74 obj=1027 dn_free_ranges}: adding segment (offset=4c size=40)",
            "zfs: rt={spa=zapfuzz objset=N obj=N dn_free_ranges}: adding segment (offset=N size=N)",
        ),
    ],
)
def test_values_go_and_expressions_stay(printed: str, expected: str) -> None:
    """Values change from run to run, so two runs of one bug would be two bugs with them."""
    assert strip_values(printed) == expected


def test_a_panic_without_a_place_has_no_numbers() -> None:
    """`panic()` prints free text; the numbers in it must not make two bugs of one."""
    one = read_death("error: zfs: freeing free block 0x1f22 of 77\n", -signal.SIGABRT).signature
    two = read_death("error: zfs: freeing free block 0x9911 of 12\n", -signal.SIGABRT).signature
    assert one == two and one.kind == "assertion"


def test_what_a_library_prints_before_its_words() -> None:
    """Since 2.4 it says that it is libzpool who speaks."""
    plain = read_death("error: zfs: freeing free block 1\n", -signal.SIGABRT).signature
    assert read_death("libzpool: PANIC: zfs: freeing free block 1\n", -signal.SIGABRT).signature == plain
    said = "libzpool: WARNING: Pool 'p' has encountered an uncorrectable I/O failure and has been suspended."
    assert read_silence(said, "sync", 1.0).signature.kind == "suspended"


def test_signals_exits_and_kills_are_kinds_of_their_own() -> None:
    """Each outcome is told from the others by its kind."""
    crash = read_death(f"zapfuzz signal: {int(signal.SIGSEGV)}\nzapfuzz frame: zap_leaf_lookup\n", -11, "add")
    assert crash.signature.key == ("signal", "?:zap_leaf_lookup", "SIGSEGV")
    assert read_death("", -signal.SIGSEGV, "add").signature.key == ("signal", "?:add", "SIGSEGV")
    assert read_death("", -signal.SIGKILL, "add").signature.key == ("died", "?:add", "SIGKILL")
    assert read_death("", 3, "end").signature.key == ("died", "?:end", "exit status 3")


def test_silence_is_a_hang_unless_the_pool_is_suspended() -> None:
    """Both show as no answer; only what was printed tells them apart."""
    said = "WARNING: Pool 'zapfuzz' has encountered an uncorrectable I/O failure and has been suspended.\n"
    assert read_silence(said, "sync", 2.0).signature.kind == "suspended"
    assert read_silence("", "sync", 2.0).signature.key == ("hang", "?:sync", "no answer")


def test_apt_sources_of_both_forms() -> None:
    """Where the packages come from is read from the machine's own files, whatever their form."""
    lines = (
        "# deb http://old.example/debian jessie main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://m.example/debian bookworm main contrib  # ours\n"
        "deb-src http://m.example/debian bookworm main\n"
    )
    expected = Source("http://m.example/debian", "bookworm", ("main", "contrib"), (("signed-by", "/k.gpg"),))
    assert list(parse_list(lines)) == [expected]
    stanzas = (
        "Types: deb deb-src\nURIs: http://m.example/debian\n# a comment\nSuites: bookworm bookworm-updates\n"
        "Components: main\n contrib\nSigned-By: /k.gpg\n\n"
        "Types: deb\nEnabled: no\nURIs: http://x\nSuites: y\n"
    )
    found = list(parse_deb822(stanzas))
    assert found[0] == expected
    assert [source.suite for source in found] == ["bookworm", "bookworm-updates"]
