"""Where the oracle lets any answer pass, or several: all such places, each with the reason why it must stay
so.

A check that cannot tell says so by `leave_open`, under one of these names. Everywhere else there is one right
answer, which a test shows by giving wrong ones (tests/judge/test_nothing_else_is_open.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuzz.judge.state import State

OPEN: Mapping[str, str] = {
    "created-anew": (
        "A cursor that has not found its ZAP yet, which was destroyed and created since. It goes by the "
        "object's number, which the new ZAP has if it was free by then: that depends on which txgs have "
        "synced and which dbufs are held, of which the oracle knows nothing."
    ),
    "claimed": (
        "Whether the number that a destroyed ZAP had is free when it is claimed: that follows from which "
        "txgs have synced, and which dbufs of the old object are held, as for created-anew. Not when all has "
        "synced twice since, and no cursor is on it; and that it is not free too soon an audit says."
    ),
    "section": (
        "A cursor, readdir, a search or stats beside ops of other threads. They look at one leaf after the "
        "other, so they need not show the entries of any one moment. Those that no other thread writes must "
        "still come."
    ),
    "read-error": (
        "An op on a ZAP of which some blocks cannot be read. Which blocks it reads follows from where its "
        "leaves are, and whether it reads them at all from which are dirty or held (dnode_evict_dbufs leaves "
        "those). It may answer the errno of such a read, and no entry has changed then, which is held "
        "against the blocks; or what is right if all can be read. A cursor that has met one stands anywhere."
    ),
    "no-room": (
        "An op that looks names up before it asks for room, and says that there is none. It may have found "
        "another fault first, which it should have told."
    ),
    "leaves": (
        "How many leaves, table entries and blocks a fat ZAP has. That follows from the order in which "
        "leaves were split and joined, which is the model's matter. The numbers must agree with each other "
        "and with the entries; the auditor and the comparison with the library hold the blocks themselves."
    ),
    "limit": (
        "A bound of memory that was not met by a table that grows for one full leaf of a fat ZAP. How large "
        "an object may become is the target's choice."
    ),
    "unicode": (
        "The normal form of a name where OpenZFS follows no version of Unicode that Python has tables of "
        "(`fuzz.judge.unicode`). The form is the model's then, and compared with the library's."
    ),
}
"""By name: what is left open, and why."""


def leave_open(state: State, name: str) -> None:
    """This answer is not judged, or not wholly. Raises KeyError for a name that the list has not."""
    state.left_open = name if OPEN[name] else ""
