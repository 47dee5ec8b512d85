"""A key that is hashed in another way is found again by the model, and by no other machine."""

from __future__ import annotations

import pytest

from fuzz.faults.edits import Edit
from tests.support.failure_under_fault import failure_under

FAULTS = {
    "of several words the last alone": (
        "zap z fat key=u64 words=2\nadd z 0x1:0x2\nlookup z 0x1:0x2\n",
        Edit("zap.name:Name.__init__", "hash_words(zap.salt, key)", "hash_words(zap.salt, key[-1:])"),
    ),
    "a name without its last byte": (
        'zap z fat hash64\nadd z "abc"\nlookup z "abc"\n',
        Edit(
            "zap.name:Name.__init__",
            "self.form if zap.norm else key)",
            "self.form if zap.norm else key[:-1])",
        ),
    ),
    "a name as it is where it has a normal form": (
        'zap z fat hash64 norm=2\nadd z "abc"\nlookup z "abc"\n',
        Edit("zap.name:Name.__init__", "self.form if zap.norm else key)", "key)"),
    ),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_is_seen_where_the_model_is_fine(text: str, fault: Edit) -> None:
    failure = failure_under(fault, text)
    assert failure.signature.place == "zap:hash"
