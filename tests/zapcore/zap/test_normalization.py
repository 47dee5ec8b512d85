"""Protects normalization: the same forms as OpenZFS's tables for every code point, and lookups by them."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import random
import subprocess
import unicodedata
from collections.abc import Callable

import pytest

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, applied
from fuzz.generate.whole_language import PIECES, any_program
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.language.validate import NORMS
from fuzz.targets.base import Entry, Found, Result
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.libzpool.locate import python_for
from fuzz.targets.model import ModelTarget
from zapcore.release import RELEASES
from zapcore.zap.norm import Unmappable, forms_of, normalize, takes_its_nul

Make = Callable[..., LibzpoolTarget]
UPPER, LOWER, NFD, NFKD, NFC, NFKC = 2, 4, 0x10, 0x20, 0x50, 0x60

REAL = """
import ctypes, random, sys
from fuzz.targets.libzpool.abi import Library
from pathlib import Path
from tests.zapcore.zap.test_normalization import NORMS, forms_of_all, random_names
prepare = Library(Path(sys.argv[1])).handle.u8_textprep_str
prepare.restype = ctypes.c_size_t
out = ctypes.create_string_buffer(2048)
latest = ctypes.c_size_t(int(sys.argv[3]))  # U8_UNICODE_LATEST, and without 3.2 the only one
def real(name, flags, room):
    source = ctypes.create_string_buffer(name)
    taken, left, error = ctypes.c_size_t(len(name) + 1), ctypes.c_size_t(room), ctypes.c_int(0)
    prepare(source, ctypes.byref(taken), out, ctypes.byref(left), flags | 0x30000, latest,
            ctypes.byref(error))
    return None if error.value else out.raw[: room - left.value].split(b"\\0", 1)[0]
print(forms_of_all(real))
for name, flags, room in random_names(int(sys.argv[2])):
    print(real(name, flags, room))
"""
"""What the real u8_textprep_str gives, in a process of its own: two libraries do not go into one."""


def model(name: bytes, flags: int, room: int) -> bytes | None:
    """What the model gives."""
    try:
        return normalize(name, flags, room)
    except Unmappable:
        return None


def forms_of_all(form: Callable[[bytes, int, int], bytes | None]) -> str:
    """A digest over all code points that Unicode has given out, in all pure forms and both cases."""
    digest = hashlib.sha256()
    for point in (*range(1, 0xD800), *range(0xE000, 0x18D10), *range(0x1B000, 0x30000)):
        name = chr(point).encode()
        for flags in (UPPER, LOWER, NFD, NFKD, NFC, NFKC):
            digest.update(form(name, flags, 256) or b"none")
    return digest.hexdigest()


def random_names(count: int) -> list[tuple[bytes, int, int]]:
    """Names of marks, jamos, letters and broken bytes, with flags and room."""
    rng = random.Random(8)
    marks = [chr(point).encode() for point in (*range(0x300, 0x370), 0x591, 0x3099, 0x93C, 0x1D165)]
    letters = [chr(p).encode() for p in (*range(0xC0, 0x250), *range(0x1E00, 0x2000), *range(0x9C0, 0xDE0))]
    jamos = [
        chr(p).encode() for p in (*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A7, 0x11C3))
    ]
    broken = [bytes([byte]) for byte in range(0x80, 0x100)] + [b"\xea\xb0", b"\xe1\x84"]
    choices = [marks, marks, letters, letters, jamos, [b"a", b"K", b" "], PIECES, broken]
    # a starter that takes the next one, a cut sequence that drops a mark, jamos without end
    odd = ["\u09c7\u09be", "x\u09c7\u09be\u09be", "e\u0302\u0301" + "\u0323" * 40, "a\u0301" + "\u0334" * 40]
    odd += ["\u1100\u1161\u11a8\u11a8", "\u1100" * 5, "\uac00\u11a8", "\u1fb3", "\u03b1\u0345" * 3]
    names = [(name.encode(), flags, 256) for name in odd for flags in NORMS]
    for _ in range(count):
        pieces = [rng.choice(rng.choice(choices)) for _ in range(rng.choice((1, 2, 3, 4, 6, 40)))]
        names.append((b"".join(pieces), rng.choice(NORMS), rng.choice((256, 256, 1024, 40))))
    return names


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_forms_are_those_of_the_real_library(libzpool: Make, release: str) -> None:
    count = 40_000
    library, lower_case = libzpool(release).library, RELEASES[release].lower_case

    def mine(name: bytes, flags: int, room: int) -> bytes | None:
        return model(name, forms_of(flags, lower_case), room)

    command = [*python_for(library), "-c", REAL, str(library), str(count), str(int(lower_case))]
    real = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert real[0] == (ALL_FORMS if lower_case else forms_of_all(mine))
    for (name, flags, room), its in zip(random_names(count), real[1:], strict=True):
        assert str(mine(name, flags, room)) == its, (name, flags, room)


ALL_FORMS = "c8c40dcb14458256643a06891967af1513df8c5cf54095fe1df6f2b3b4479088"
"""What the libraries that have lower case gave for `forms_of_all`; the same on every Python."""


def test_every_code_point_has_the_form_that_openzfs_gives_it() -> None:
    assert forms_of_all(model) == ALL_FORMS


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
    assert model(name, NFC, 256) is None
    assert model(name + "é".encode(), NFC, 256) is not None, "an error before a good character is forgotten"
    assert model(name, UPPER, 256) is not None, "case alone knows no error"


def test_a_form_that_is_too_long_is_none() -> None:
    assert model("가".encode() * 42, NFD, 256) is not None
    assert model("가".encode() * 43, NFD, 256) is None


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
        outcome = run(any_program(random.Random(seed)), ModelTarget("2.3", block_limit=1 << 8))
        ends.add("limit" if outcome.limit else str(outcome))
    assert ends - {"limit", "fine"} <= {
        f"oracle zap:{verb} widened integers carry bytes of those before them"
        for verb in ("lookup", "lookup_norm")
    }


@pytest.mark.parametrize("name", [b"\xea\xb0", b"ab\xec/", b"\xed\x9e"])
def test_a_form_without_end_ends_the_run(libzpool: Make, name: bytes) -> None:
    """On the model as the finding that it is; beside the real library, which goes on with what it finds in
    memory, nothing from there on is compared."""
    ops = (
        Op("add", "z", b"before", 8, 1, 1),
        Op("add", "z", name, 8, 1, 2),
        Op("add", "z", b"after", 8, 1, 3),
    )
    program = Program((Zap("z", fat=False, norm=NFKC),), ops)
    for target in (ModelTarget("2.3"), BothTarget(ModelTarget("2.3"), libzpool("2.3"))):
        failure = run(program, target).failure
        assert failure is not None
        assert (failure.signature.kind, failure.op) == ("stale-bytes", 1)
    assert run(program, ModelTarget("2.3", stale_bytes=False)).fine


@pytest.mark.parametrize("name", [b"\xea", b"\xe1\x84", b"\xc3", b"\xe3\x81", b"a\xcc\x88", b"\xea\xb0\x80"])
def test_other_cut_names_have_an_end(libzpool: Make, name: bytes) -> None:
    assert not any(takes_its_nul(name, norm) for norm in NORMS)
    program = Program(
        (Zap("z", norm=NFKC, hash64=True),), (Op("add", "z", name, 8, 1, 2), Op("readdir", "z"))
    )
    assert run(program, BothTarget(ModelTarget("2.3"), libzpool("2.3"))).fine


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
