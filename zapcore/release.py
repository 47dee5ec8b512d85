"""What each release does differently, as data. The model asks this record, and never compares names of
releases."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from typing import Any

from zapcore.layout import BLOCK_SIZES, MAX_MICRO

MIN_BLOCK, OLD_MAX_BLOCK = BLOCK_SIZES[0], BLOCK_SIZES[-1]
"""SPA_MINBLOCKSIZE and SPA_OLD_MAXBLOCKSIZE, in bytes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Release:
    """One named set of behaviours of the ZAP.

    shrink: removing the last entry of a leaf collapses empty siblings (zap_shrink, commit 5044c4e3ff).
    reuse_leaf: if a leaf is created on a block whose dbuf still has a leaf attached, that leaf is used again
        (34906f8bbe). Without this, zap_create_leaf() has a VERIFY that none is attached.
    long_names: directories take names of up to 1023 bytes (20232ecfaa), other ZAPs of up to 255. In such a
        release, a longer name is normalized in a larger buffer in every ZAP; so it is refused as too long,
        and not for having no normal form.
    instead: for functions that are on the stack in other releases and that this release does not have, the
        functions that are on the stack in their place, the innermost first. There are none if the caller does
        the work itself.
    lower_case: names can be normalized to lower case (until 60c202cca4, in 2.4). Without this, the flag for
        it is stored and does nothing. Nothing in OpenZFS sets this flag.
    reads_cancel_evict: if a dbuf is read that was to be evicted with its last hold, it is to stay after all
        (734eba251d, in 2.4). A new one is to be evicted, too, and a transaction's look at it does not count.
    puts_leaf_twice: if the table cannot grow, fzap_update() lets go of a leaf that zap_expand_leaf() has let
        go of before (repaired by 136c053211).
    rename_unlinks_first: zfs_rename() removes the old name before it makes the new one, and puts the old one
        back if that fails (e015d6cc0b, in 2.2). Without this, it makes the new name first.
    keeps_chunk_order: the chunks of an array go to the free list in the order that they have in the array,
        and those of the value before those of the name, so that new arrays are in one piece (9a81484e35, in
        2.3.3). Without this, they go there in reverse order, and those of the name before those of the value.
    cursors_hold: a cursor finds its ZAP when it is started, and holds it until it is closed (efda1093ff,
        after 2.4). Without this, it does so from its first retrieval on.
    upgrades_in_place: whoever needs the ZAP's lock as writer lets the lock go, but keeps the header's dbuf,
        and with it the zap_t (c8f9b4c4da, after 2.4); what it then calls takes no tag of a hold (2f283c99cc).
        Without this, the ZAP is looked up anew.
    forgets_freed_by_run: when a txg syncs, each run of freed blocks is forgotten as soon as its pointers are
        cleared (7590972f76, in 2.4.2). Without this, all runs are, when all pointers are cleared.
    looks_at_hole_again: dbuf_read() looks at the block pointer once more after it has asked whether the block
        was freed (until a6f557c2cb, in 2.4.4 and 2.3.9).
    evict_on_shrink: zap_shrink() removes the user data of the freed block and frees the leaf itself (the
        first patch that was proposed in OpenZFS issue 16157).
    undirties_special: an assertion allows that syncing context frees blocks of the ZAPs of user accounting,
        as zap_shrink() and a pointer table that has grown do there (24c475c6c2, in 2.4). Without this, a
        build with assertions panics.
    frees_on_sync_thread: an assertion wants blocks that syncing context frees to be freed by the thread that
        syncs (7590972f76, in 2.3.7 and 2.4.2). User accounting has threads of its own.
    unread_is_eio: a transaction of which a block cannot be read is refused with EIO, whatever the read gave
        (570827e129, in 2.4). Without this, with what the read gave.
    tells_unread_above: a transaction that cannot read an indirect block above the first one is refused with
        what that read gave (1b310dfb1d, in 2.2.1 and 2.3). Without this, with EIO.
    prefetches_objects: there is zap_prefetch_object() (62e7d3c89e, in 2.3).
    joins: there are zap_join() and its kin, and zap_increment_int() (until 47b53fda7d and 9ff3fdfc54, after
        2.4), which nobody called.
    search_backtracks: the search for the next block goes on behind an indirect block in which there is none,
        although the pointer to that says so (26b0f561be, in 2.2.9, 2.3.5 and 2.4). Without this, it ends
        there.
    frees_clean_indirect: with an object that goes, indirect blocks go that are not dirty (242105f010, after
        2.4). Without this, a VERIFY wants them to be.
    tunes_micro: there is the tunable zap_micro_max_size (a4b21eadec, in 2.2). Without this, the block of a
        micro ZAP has at most 128 KiB.
    bounds_micro: of that tunable at most 1 MiB counts, rounded up to 512 bytes (97f39af3d0 and 04c2ad2d04, in
        2.3). Without this, slots that 16 bits cannot count are lost (OpenZFS issue 16888).
    version: the packaged OpenZFS version that the model is compared with; empty if nobody packages one.
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
    forgets_freed_by_run: bool = False
    looks_at_hole_again: bool = True
    undirties_special: bool = False
    frees_on_sync_thread: bool = False
    unread_is_eio: bool = False
    tells_unread_above: bool = True
    prefetches_objects: bool = False
    joins: bool = True
    search_backtracks: bool = False
    frees_clean_indirect: bool = False
    tunes_micro: bool = True
    bounds_micro: bool = True
    version: str = ""

    def micro_max_size(self, tunable: int) -> int:
        """How many bytes the block of a micro ZAP may have if zap_micro_max_size is `tunable`
        (zap_get_micro_max_size)."""
        if not self.tunes_micro:
            return OLD_MAX_BLOCK
        return min(MAX_MICRO, -(-tunable // MIN_BLOCK) * MIN_BLOCK) if self.bounds_micro else tunable


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
    forgets_freed_by_run=True,
    looks_at_hole_again=False,
    undirties_special=True,
    frees_on_sync_thread=True,
    unread_is_eio=True,
    prefetches_objects=True,
    search_backtracks=True,
    version="2.4.4",
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
            tells_unread_above=False,
            tunes_micro=False,
            bounds_micro=False,
            version="2.1.11",
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
        Release(
            "2.3",
            True,
            True,
            False,
            "2.3.0 to 2.3.2: a leaf still attached is reused",
            long_names=True,
            prefetches_objects=True,
            version="2.3.2",
        ),
        _2_4,
        dataclasses.replace(
            _2_4,
            name="master",
            about="master since efda1093ff (June 2026), 2.5 to be: a cursor holds its ZAP from its start",
            cursors_hold=True,
            upgrades_in_place=True,
            frees_clean_indirect=True,
            joins=False,
            instead=_BY_DNODE,
            version="",
        ),
    )
}
"""Every release by name, the older ones first."""

PINNED: Mapping[str, str] = {name: release.version for name, release in RELEASES.items() if release.version}
"""The packaged OpenZFS version that each release is compared with, where there is one."""


_VERSION = re.compile(r"2\.[1-4](\.(?!99)[0-9]{1,2})?")
_OLDEST: Mapping[str, Release] = {
    "2.1": RELEASES["2.1"],
    "2.2": dataclasses.replace(RELEASES["2.1"], rename_unlinks_first=True, tunes_micro=True),
    "2.3": RELEASES["2.3"],
    "2.4": dataclasses.replace(
        RELEASES["2.4"], forgets_freed_by_run=False, frees_on_sync_thread=False, looks_at_hole_again=True
    ),
}
"""What the first version of each series does."""
_SINCE: tuple[tuple[tuple[int, int, int], Mapping[str, Any]], ...] = (
    ((2, 2, 1), {"tells_unread_above": True}),
    ((2, 2, 5), {"puts_leaf_twice": False}),
    ((2, 2, 9), {"search_backtracks": True}),
    ((2, 3, 3), {"keeps_chunk_order": True}),
    ((2, 3, 5), {"search_backtracks": True}),
    ((2, 3, 7), {"forgets_freed_by_run": True, "frees_on_sync_thread": True}),
    ((2, 3, 9), {"looks_at_hole_again": False}),
    ((2, 4, 2), {"forgets_freed_by_run": True, "frees_on_sync_thread": True}),
    ((2, 4, 4), {"looks_at_hole_again": False}),
)
"""What later versions of a series do differently, from which on."""
_NEWEST = 99


@functools.cache
def named_release(name: str) -> Release | None:
    """A release by one of its names: a row's own, or a version of OpenZFS from 2.1 to 2.4 (`2.3.9`; `2.2`
    alone is the newest of that series). A version that does what a row does is that row. None for no
    name."""
    if name in RELEASES:
        return RELEASES[name]
    if _VERSION.fullmatch(name) is None:
        return None
    major, minor, patch = (*map(int, name.split(".")), _NEWEST)[:3]
    found = _OLDEST[f"{major}.{minor}"]
    for since, changes in _SINCE:
        if since[:2] == (major, minor) and since[2] <= patch:
            found = dataclasses.replace(found, **changes)
    for row in RELEASES.values():
        if dataclasses.replace(found, name=row.name, about=row.about, version=row.version) == row:
            return row
    return dataclasses.replace(
        found, name=name, about=f"{found.about}; as {name} differs from that", version=""
    )


def the_release(name: str) -> Release:
    """`named_release`. Raises KeyError for what is no name of one."""
    found = named_release(name)
    if found is None:
        raise KeyError(name)
    return found


def nearest_row(name: str) -> str:
    """The row of RELEASES whose failures a release is expected to share: its own, or that of the series; 2.2
    is nearest to 2.1, which has no zap_shrink() either. What is no release's name stays as it is."""
    release = named_release(name)
    if release is None or release.name in RELEASES:
        return release.name if release is not None else name
    series = ".".join(release.name.split(".")[:2])
    return series if series in RELEASES else "2.1"
