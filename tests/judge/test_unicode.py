"""Protects the oracle's second opinion on normal forms: it agrees with the model and sees where that errs."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator

import pytest

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, applied
from fuzz.judge.unicode import unicode_form, wrong_form
from fuzz.language.syntax import parse
from fuzz.language.validate import NORMS
from fuzz.targets.model.target import ModelTarget
from zapcore.zap.norm import normalize

FORMS = tuple(flags for flags in NORMS if flags)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Forms are kept; those that a faulty model gave must not be, and hide none."""
    normalize.cache_clear()
    yield
    normalize.cache_clear()


def names(seed: int, count: int) -> Iterator[str]:
    """Names of letters, marks, syllables, and of anything."""
    rng = random.Random(seed)
    category = unicodedata.ucd_3_2_0.category
    every = [chr(point) for point in (*range(1, 0xD800), *range(0xE000, 0x2FA20))]
    known = [each for each in every if category(each) not in ("Cn", "Co")]
    marks = [each for each in known if unicodedata.combining(each)]
    pools = [known, marks, marks, [each for each in known if unicodedata.decomposition(each)]]
    pools += [[chr(point) for point in points] for points in (range(0x20, 0x250), range(0x1100, 0x11C3))]
    for _ in range(count):
        yield "".join(rng.choice(pool) for pool in rng.choices(pools, k=rng.randint(1, 6)))


def test_it_agrees_with_the_model_and_has_a_say_on_most_names() -> None:
    asked = said = 0
    for name in names(5, 4000):
        for flags in FORMS:
            asked += 1
            said += unicode_form(name.encode(), flags) is not None
            assert wrong_form(name.encode(), flags) is None, (name, flags)
    assert said > 0.6 * asked


def test_on_every_character_but_a_few() -> None:
    asked = said = 0
    for point in (*range(0x80, 0x600), *range(0x1E00, 0x2200), *range(0xF900, 0xFB50)):
        name = chr(point).encode()
        for flags in FORMS:
            asked += 1
            said += unicode_form(name, flags) is not None
            assert wrong_form(name, flags) is None, (hex(point), flags)
    assert said > 0.75 * asked


@pytest.mark.parametrize("name", [b"a\xff", b"e" + "\u0301".encode() * 31, "\u0378".encode()])
def test_it_has_no_say_on_what_openzfs_does_its_own_way(name: bytes) -> None:
    """Broken bytes, a sequence that is cut, a character that came after Unicode 5.0."""
    assert unicode_form(name, 0x10) is None


@pytest.mark.parametrize(
    ("flags", "name", "fault"),
    [
        (
            0x10,
            "e\u0302\u0301",
            Edit("zap.norm:Sequence._order", "classes[at - 1] > ", "classes[at - 1] >= "),
        ),
        (0x10, "\u0301\u0323", Edit("zap.norm:Sequence._order", "while at and", "while at > 1 and")),
        (0x50, "\uac01", Edit("zap.norm:Sequence._syllable", "point += ", "point -= ")),
        (0x12, "\u00e9", Edit("zap.norm:fold", "tables().upper", "tables().lower")),
        (
            0x50,
            "a\u0323\u0302",
            Edit("zap.norm:Sequence._compose_marks", "tables().pairs.get(composite)", "None"),
        ),
    ],
)
def test_a_wrong_form_is_seen_by_the_first_op_that_meets_it(flags: int, name: str, fault: Edit) -> None:
    program = parse(f'zap z fat hash64 norm={flags}\nadd z "{name}"\n')
    target = ModelTarget("2.3")
    assert run(program, target).fine
    normalize.cache_clear()
    with applied(fault):
        assert str(run(program, target)) == "oracle zap:add the normal form is not Unicode's"
