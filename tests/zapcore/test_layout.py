"""The tables of on-disk fields: that they are OpenZFS's, and that whoever names a field names one of them."""

from __future__ import annotations

import re

import pytest

from fuzz.evidence.check.shapes import GROUPS, HARMLESS
from zapcore import layout as L
from zapcore.verify import link_hints

STRUCTURES = {
    "header": (L.HEADER, 13 * 8),
    "leaf header": (L.LEAF_HEADER, 48),
    "entry": (L.ENTRY_CHUNK, 24),
    "array": (L.ARRAY_CHUNK, 24),
    "free chunk": (L.FREE_CHUNK, 24),
    "micro header": (L.MICRO_HEADER, 64),
    "micro slot": (L.MICRO_SLOT, 64),
}
"""Each structure and its size in OpenZFS's headers."""

FIELDS = {field.name for structure, _ in STRUCTURES.values() for field in structure}
NOT_FIELDS = {"block", "table", "entry", "l_hash", "type", "name", "value"}
"""What reports name beside fields: a whole block, an entry of the pointer table, one of the table that is
being built, a bucket, the type of any chunk, the bytes of a name and of a value."""
OF_SHAPES = {
    *("empty slot", "unhashed word", "table entry", "copied entry", "uncopied entry", "stale entry"),
}
"""What the measurement of `check` tells apart besides."""


@pytest.mark.parametrize("structure, size", STRUCTURES.values(), ids=STRUCTURES)
def test_a_structure_has_the_size_and_the_order_of_fields_that_openzfs_gives_it(
    structure: L.Structure, size: int
) -> None:
    """A field that is left out, or has another size, moves all that come after it."""
    assert structure.size == structure.packing.size == size
    for field in structure:
        assert structure.field_at(field.at) == structure.field_at(field.at + field.size - 1) == field


def test_both_kinds_of_chunks_that_are_linked_have_the_link_at_one_place() -> None:
    """The free list, arrays and the walk over either read it by one index."""
    assert L.FREE_CHUNK.index("lf_next") == L.ARRAY_CHUNK.index("la_next") == L.H_CHUNK_NEXT
    assert {
        structure["le_type" if structure is L.ENTRY_CHUNK else "la_type"].at
        for structure in (L.ENTRY_CHUNK, L.ARRAY_CHUNK)
    } == {L.FREE_CHUNK["lf_type"].at}


@pytest.mark.parametrize("structure, size", STRUCTURES.values(), ids=STRUCTURES)
def test_a_big_endian_structure_is_swapped_field_by_field(structure: L.Structure, size: int) -> None:
    """Each number has its bytes turned round, each padding and each string keeps them, and nothing around the
    structure changes."""
    raw = bytes(range(1, size + 1))
    swapped = bytearray(b"before" + raw + b"after")
    structure.to_little(swapped, 6)
    assert swapped[:6] == b"before" and swapped[6 + size :] == b"after"
    for field in structure:
        old, new = raw[field.at : field.at + field.size], swapped[6:][field.at : field.at + field.size]
        stays = field.is_padding or field.name in ("la_array", "mze_name")
        assert new == (old if stays else old[::-1]), field


def test_every_field_that_is_named_to_people_is_one_of_the_tables() -> None:
    """What a wrong link was, and which flipped bits must be found are looked up by a field's name: under a
    name that no field has, nothing is ever found."""
    assert set(link_hints._FIELDS) <= FIELDS
    named = {name for group in GROUPS.values() for name in group} | set(HARMLESS)
    assert named <= FIELDS | NOT_FIELDS | OF_SHAPES


def test_every_violation_names_a_field_of_the_tables() -> None:
    """The names in zapcore/verify and zapcore/audit that look like a field's are."""
    from pathlib import Path

    import zapcore

    prefixes = re.compile(r'"((?:zap|zt|lh|le|la|lf|mz|mze)_[a-z_0-9]+)"')
    root = Path(zapcore.__file__).parent
    named = {
        name
        for folder in ("verify", "audit")
        for path in (root / folder).glob("*.py")
        for name in prefixes.findall(path.read_text())
    }
    assert len(named) > 25
    assert named - FIELDS == {"zap_m"}  # the index in memory
