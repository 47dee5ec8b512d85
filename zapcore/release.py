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
    instead: functions of the others' stacks that it does not have, and what stands for them there, innermost
        first; nothing, where their callers do it themselves.
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
    cursors_hold: a cursor finds and holds its ZAP from its start to its end, not from the first retrieval
        (efda1093ff, after 2.4).
    upgrades_in_place: who needs the ZAP's lock as writer keeps the header's dbuf, and with that the zap_t,
        while the lock is dropped (c8f9b4c4da, after 2.4); otherwise the ZAP is found anew.
    evict_on_shrink: zap_shrink() removes the user data of the freed block and frees the leaf itself (the
        first diff proposed in OpenZFS issue 16157).
    """

    name: str
    shrink: bool
    reuse_leaf: bool
    evict_on_shrink: bool
    about: str
    long_names: bool = False
    instead: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    rename_unlinks_first: bool = True
    puts_leaf_twice: bool = False
    keeps_chunk_order: bool = False
    lower_case: bool = True
    reads_cancel_evict: bool = False
    cursors_hold: bool = False
    upgrades_in_place: bool = False


_LOOKUP: Mapping[str, tuple[str, ...]] = {"zap_lookup_uint64_impl": ()}
_FOR_WORDS: Mapping[str, tuple[str, ...]] = {
    f"zap_{verb}_uint64_impl": () for verb in ("add", "update", "remove", "lookup")
}
_BY_DNODE = {
    **{f"zap_{verb}_uint64_impl": (f"zap_{verb}_uint64_by_dnode",) for verb in ("add", "update", "remove")},
    **{name: (f"{name}_by_dnode", name) for name in ("zap_update", "zap_length", "zap_length_uint64")},
    "zap_add_impl": ("zap_add_by_dnode",),
    "zap_remove_impl": ("zap_remove_norm_by_dnode",),
    "zap_lookup_impl": ("zap_lookup_norm_by_dnode",),
    "zap_lookup_uint64_impl": ("zap_lookup_length_uint64_by_dnode",),
}

_2_4 = Release(
    "2.4",
    True,
    True,
    False,
    "2.4.0 and later: freed chunks keep their order",
    long_names=True,
    instead=_LOOKUP,
    keeps_chunk_order=True,
    lower_case=False,
    reads_cancel_evict=True,
)

RELEASES: Mapping[str, Release] = {
    release.name: release
    for release in (
        Release(
            "2.1",
            False,
            False,
            False,
            "before zap_shrink: distributions before 2.3",
            instead=_FOR_WORDS,
            rename_unlinks_first=False,
            puts_leaf_twice=True,
        ),
        Release("unfixed", True, False, False, "master between 5044c4e3ff and 34906f8bbe", instead=_LOOKUP),
        Release(
            "explicit-evict",
            True,
            False,
            True,
            "the first fix proposed: shrink evicts the leaf itself",
            instead=_LOOKUP,
        ),
        Release("2.3", True, True, False, "2.3.0 to 2.3.2: a leaf still attached is reused", True),
        _2_4,
        dataclasses.replace(
            _2_4,
            name="master",
            about="master since efda1093ff (June 2026), 2.5 to be: a cursor holds its ZAP from its start",
            cursors_hold=True,
            upgrades_in_place=True,
            instead=_BY_DNODE,
        ),
    )
}
"""Every release by name."""
