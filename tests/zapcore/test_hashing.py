"""The hash of a key, and names made for a hash: what lets names reach deep splits and collisions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fuzz.language.validate import NORMS
from zapcore.hashing import TABLE, crc64, hash_words, name_for_hash
from zapcore.zap.norm import normalize

U64 = st.integers(0, (1 << 64) - 1)


def test_table_has_the_polynomial_where_openzfs_asserts_it() -> None:
    assert TABLE[128] == 0xC96C5795D7870F42


@given(st.lists(U64, min_size=1, max_size=4), U64)
def test_words_hash_from_their_low_byte_up(words: list[int], salt: int) -> None:
    data = b"".join(word.to_bytes(8, "little") for word in words)
    assert hash_words(salt, tuple(words)) == crc64(salt, data)


@given(U64, U64, st.integers(0, 64), st.binary(max_size=30).filter(lambda stem: 0 not in stem))
def test_a_name_for_any_hash(salt: int, wanted: int, bits: int, stem: bytes) -> None:
    name = name_for_hash(salt, wanted, bits, stem)
    assert name.startswith(stem)
    assert 0 not in name[len(stem) :] and b"/" not in name[len(stem) :]
    assert (crc64(salt, name) ^ wanted) >> (64 - bits) == 0
    assert all(normalize(name[len(stem) :], norm, 256) == name[len(stem) :] for norm in NORMS)
