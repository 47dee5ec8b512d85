"""A dnode that notes which of its dbufs were held, so that an audit need not look at all of them."""

from __future__ import annotations

from zapcore.dmu.dbuf import Dbuf, Tag
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.indirect import IndirectDnode

FEW = 32
"""Dbufs."""


class WatchedDnode(Dnode):
    """What `watch` makes of a dnode: only worlds that are audited pay for the notes."""

    __slots__ = ()

    def hold(self, blkid: int, tag: Tag) -> Dbuf:
        """As Dnode.hold."""
        self.held.add(blkid)
        return super().hold(blkid, tag)


class WatchedIndirectDnode(IndirectDnode):
    """The same of a dnode whose indirect blocks have dbufs."""

    __slots__ = ()

    def hold(self, blkid: int, tag: Tag) -> Dbuf:
        """As Dnode.hold."""
        self.held.add(blkid)
        return Dnode.hold(self, blkid, tag)


def watch(dnode: Dnode) -> set[int] | None:
    """The blocks whose dbufs were held since the last call; None where that is not known: at the first one,
    and while the object has so few that a look at all of them costs less than notes."""
    if type(dnode) in (WatchedDnode, WatchedIndirectDnode):
        held = dnode.held
        dnode.held = set()
        return held
    if len(dnode.dbufs) < FEW:
        return None
    dnode.held = set()
    dnode.__class__ = WatchedIndirectDnode if isinstance(dnode, IndirectDnode) else WatchedDnode
    return None
