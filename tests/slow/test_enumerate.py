"""The proofs by enumeration: every program of up to seven ops."""

from __future__ import annotations

from fuzz.engines.enumerate import enumerate_programs
from tests.engines.test_enumerate import FAILING, STALE, text_of


def test_every_seven_op_program_with_stale_user_data() -> None:
    """The proof: 16 of the 39 million programs of up to seven ops fail, each with its mirror image."""
    result = enumerate_programs("unfixed", 7, jobs=2)
    (found,) = result.found
    assert str(found.signature) == STALE
    assert found.counts == {7: 16}
    assert result.programs == sum(12**length for length in range(1, 8))
    assert sorted(map(text_of, found.irreducible)) == sorted(FAILING)


def test_seven_ops_are_the_fewest_for_the_explicit_evict() -> None:
    """None of up to six ops fails; a test beside has one of seven that does."""
    assert not enumerate_programs("explicit-evict", 6, jobs=2).found
