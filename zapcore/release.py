"""What each release does differently, as data. The core asks this record; it never compares names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Release:
    """One named set of behaviours of the ZAP.

    shrink: removing the last entry of a leaf collapses empty siblings (zap_shrink, commit 5044c4e3ff).
    reuse_leaf: a leaf created on a block whose dbuf still has one attached takes that one (34906f8bbe);
        otherwise zap_create_leaf() has a VERIFY that there is none.
    long_names: directories take names of up to 1023 bytes, others 255 (20232ecfaa); what is longer is
        normalized in a larger buffer everywhere, so that it is too long and not unmappable.
    absent: functions of the others' stacks that it does not have; what they do, their callers do themselves.
    lower_case: names can be normalized to lower case (until 60c202cca4, in 2.4); where not, that flag is kept
        and does nothing. Nothing in OpenZFS sets it.
    reads_cancel_evict: who reads a dbuf that was to be evicted with its last hold says that it is to stay
        (734eba251d, in 2.4).
    puts_leaf_twice: where a table cannot grow, fzap_update() lets go of a leaf that zap_expand_leaf() has let
        go of already (mended by 136c053211).
    rename_unlinks_first: zfs_rename() removes the old name before it makes the new one, and puts it back
        where that fails (e015d6cc0b, in 2.2); otherwise it makes the new one first.
    keeps_chunk_order: an array's chunks go to the free list in their own order, the value's before the
        name's, so that new arrays are in one piece (9a81484e35, in 2.3.3); otherwise reversed, the name's
        before the value's.
    evict_on_shrink: zap_shrink() removes the user data of the freed block and frees the leaf itself (the
        first diff proposed in OpenZFS issue 16157).
    """

    name: str
    shrink: bool
    reuse_leaf: bool
    evict_on_shrink: bool
    about: str
    long_names: bool = False
    absent: frozenset[str] = frozenset()
    rename_unlinks_first: bool = True
    puts_leaf_twice: bool = False
    keeps_chunk_order: bool = False
    lower_case: bool = True
    reads_cancel_evict: bool = False


_FOR_WORDS = frozenset(f"zap_{verb}_uint64_impl" for verb in ("add", "update", "remove", "lookup"))
_LOOKUP = frozenset({"zap_lookup_uint64_impl"})

RELEASES: Mapping[str, Release] = {
    release.name: release
    for release in (
        Release(
            "2.1",
            False,
            False,
            False,
            "before zap_shrink: distributions before 2.3",
            absent=_FOR_WORDS,
            rename_unlinks_first=False,
            puts_leaf_twice=True,
        ),
        Release("unfixed", True, False, False, "master between 5044c4e3ff and 34906f8bbe", absent=_LOOKUP),
        Release(
            "explicit-evict",
            True,
            False,
            True,
            "the first fix proposed: shrink evicts the leaf itself",
            absent=_LOOKUP,
        ),
        Release("2.3", True, True, False, "2.3.0 to 2.3.2: a leaf still attached is reused", True),
        Release(
            "2.4",
            True,
            True,
            False,
            "2.4.0 and later: freed chunks keep their order",
            long_names=True,
            absent=_LOOKUP,
            keeps_chunk_order=True,
            lower_case=False,
            reads_cancel_evict=True,
        ),
    )
}
"""Every release by name."""
