"""Protects normalization: the same forms as OpenZFS's tables for every code point, and lookups by them."""

from __future__ import annotations

import dataclasses
import errno
import random
import unicodedata

import pytest

from fuzz.execution.execute import run
from fuzz.execution.result import Entry, Found, Result
from fuzz.faults.edits import Edit, applied
from fuzz.generate.whole_language import whole_language_program
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from tests.support.normal_forms import (
    ALL_FORMS,
    LOWER,
    NFC,
    NFD,
    NFKC,
    NFKD,
    UPPER,
    form_on_model,
    forms_of_all,
)
from zapcore.release import RELEASES
from zapcore.zap.norm import normalize


@pytest.mark.slow
def test_every_code_point_has_the_form_that_openzfs_gives_it() -> None:
    assert forms_of_all(form_on_model) == ALL_FORMS


def test_where_pythons_tables_are_newer() -> None:
    """Each with the reason: no uppercase until 5.1, no such letter, OpenZFS's own choice."""
    assert normalize("ɐ".encode(), UPPER, 256) == "ɐ".encode() != "ɐ".upper().encode()
    assert normalize("ꙁ".encode(), UPPER, 256) == "ꙁ".encode() != "ꙁ".upper().encode()
    assert (
        normalize("㉄".encode(), NFKD, 256) == "㉄".encode() != unicodedata.normalize("NFKD", "㉄").encode()
    )
    assert normalize("İ".encode(), LOWER, 256) == b"i" != "İ".lower().encode()


@pytest.mark.parametrize(
    ("name", "flags", "form"),
    [
        ("é", NFD, "e\u0301"),
        ("e\u0301", NFC, "é"),
        ("ﬁ", NFKC, "fi"),
        ("ﬁ", NFC, "ﬁ"),
        ("각", NFD, "\u1100\u1161\u11a8"),
        ("\u1100\u1161\u11a8", NFC, "각"),
        ("a\u0301\u0323", NFD, "a\u0323\u0301"),
        ("straße", UPPER, "STRAßE"),
        ("e\u0301" * 3, NFC | UPPER, "ÉÉÉ"),
        ("a" + "\u0301" * 40, NFD, "a" + "\u0301" * 29 + "\u034f" + "\u0301" * 11),
    ],
)
def test_forms(name: str, flags: int, form: str) -> None:
    assert normalize(name.encode(), flags, 256).decode() == form


@pytest.mark.parametrize("name", [b"\xff", b"a\xffb", b"\xe3", b"caf\xc3\xa9\xff"])
def test_bytes_that_are_no_character_at_the_end_have_no_form(name: bytes) -> None:
    assert form_on_model(name, NFC, 256) is None
    assert form_on_model(name + "é".encode(), NFC, 256) is not None, (
        "an error before a good character is forgotten"
    )
    assert form_on_model(name, UPPER, 256) is not None, "case alone knows no error"


def test_a_form_that_is_too_long_is_none() -> None:
    assert form_on_model("가".encode() * 42, NFD, 256) is not None
    assert form_on_model("가".encode() * 43, NFD, 256) is None


def results(zap: Zap, release: str, *ops: Op) -> list[Result]:
    """What ops return; the oracle agrees."""
    found: list[Result] = []
    outcome = run(
        Program((zap,), ops), ModelTarget(release), trace=lambda _, __, result: found.append(result)
    )
    assert outcome.fine, outcome
    return found


@pytest.mark.parametrize(
    "zap", [Zap("z", fat=False, norm=UPPER), Zap("z", hash64=True, leaf_shift=9, norm=UPPER)]
)
@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_lookups_by_form_and_their_conflicts(zap: Zap, release: str) -> None:
    adds = [
        Op("add", "z", name, 8, 1, number) for number, name in enumerate((b"Makefile", b"makefile", b"x"))
    ]
    *_, exact, any_case, cased, none, conflict, removed, left = results(
        zap,
        release,
        *adds,
        Op("lookup_norm", "z", b"makefile", 8, 1),
        Op("lookup_norm", "z", b"MAKEFILE", 8, 1, extra=1),
        Op("lookup_norm", "z", b"makefile", 8, 1, extra=3),
        Op("lookup_norm", "z", b"MAKEFILE", 8, 1, extra=3),
        Op("lookup_norm", "z", b"X", 8, 1, extra=1),
        Op("remove_norm", "z", b"MAKEFILE", extra=1),
        Op("lookup_norm", "z", b"MAKEFILE", 8, 1, extra=1),
    )
    assert exact.value == Found(b"\1", b"makefile", False)
    assert any_case.value == Found(b"", b"Makefile", True), "the first that was added"
    assert cased.value == Found(b"\1", b"makefile", False)
    assert none.errno == errno.ENOENT
    assert conflict.value == Found(b"\2", b"x", False)
    assert removed.errno == 0
    assert left.value == Found(b"\1", b"makefile", False)


def test_cursors_tell_of_conflicts() -> None:
    zap = Zap("z", hash64=True, norm=NFC | UPPER)
    names = ["é".encode(), "E\u0301".encode(), b"other"]
    adds = [Op("add", "z", name, 8, 1) for name in names]
    walk = results(zap, "2.3", *adds, Op("cursor", "c", other="z"), *[Op("next", "c")] * 3)[4:]
    told = {entry.value.key: entry.value.conflict for entry in walk if isinstance(entry.value, Entry)}
    assert told == {names[0]: True, names[1]: True, names[2]: False}


def test_what_has_no_form_is_not_supported() -> None:
    bad = b"\xff"
    ops = [Op(verb, "z", bad) for verb in ("remove", "length", "contains", "unlink", "rmdir", "remove_norm")]
    ops += [Op("add", "z", bad, 8, 1), Op("update", "z", bad, 8, 1), Op("lookup", "z", bad, 8, 1)]
    ops += [
        Op("increment", "z", bad, fill=1),
        Op("rename", "z", bad, other="z", to=b"x"),
        Op("touch", "z", bad),
    ]
    for zap in (Zap("z", fat=False, norm=NFC), Zap("z", hash64=True, norm=NFC)):
        assert {result.errno for result in results(zap, "2.3", *ops)} == {errno.ENOTSUP}
    plain = Zap("z", fat=False)
    assert results(plain, "2.3", Op("lookup_norm", "z", b"a", 8, 1, extra=1))[0].errno == errno.ENOTSUP


def test_long_names_are_too_long_or_have_no_form_as_the_release_has_it() -> None:
    zap = Zap("z", hash64=True, norm=NFC)
    add = Op("add", "z", b"n" * 256, 8, 1)
    assert results(zap, "2.1", add)[0].errno == errno.ENOTSUP
    assert results(zap, "2.3", add)[0].errno == errno.ENAMETOOLONG
    assert results(zap, "2.3", add._replace(key=b"n" * 255))[0].errno == 0


def test_programs_over_everything_agree_with_the_oracle() -> None:
    """Every verb, every kind of ZAP; what is known to be wrong with widened integers aside."""
    ends = set()
    for seed in range(60):
        outcome = run(whole_language_program(random.Random(seed)), ModelTarget("2.3", block_limit=1 << 8))
        ends.add("limit" if outcome.limit else str(outcome))
    assert ends - {"limit", "fine"} <= {
        f"oracle zap:{verb} widened integers carry bytes of those before them"
        for verb in ("lookup", "lookup_norm")
    }


@pytest.mark.parametrize("long_names", [False, True])
def test_the_room_for_a_long_name_is_judged(long_names: bool) -> None:
    """Of a name of 256 bytes or more, what each release says is wrong in the other."""
    program = parse('zap z micro norm=2\nadd z "' + "x" * 300 + '" int=8\n')
    release = dataclasses.replace(RELEASES["2.3"], long_names=long_names)
    right, wrong = ("LONG_NAME if long else MAX_NAME", "MAX_NAME" if long_names else "LONG_NAME")
    assert run(program, ModelTarget(release)).fine
    with applied(Edit("zap.name:Name.__init__", right, wrong)):
        failure = run(program, ModelTarget(release)).failure
    assert failure is not None and failure.signature.kind == "oracle"
