"""A dnode that notes which of its dbufs were held, so that an audit need not look at all of them."""

from __future__ import annotations

from zapcore.dmu.dbuf import Dbuf, Tag
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.indirect import IndirectDnode

FEW = 32
"""Where an object has fewer dbufs, a look at all of them costs less than notes."""


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
    """The blocks whose dbufs were held since the last call; None at the first one, when that is not known."""
    if type(dnode) in (WatchedDnode, WatchedIndirectDnode):
        held = dnode.held
        dnode.held = set()
        return held
    dnode.held = set()
    dnode.__class__ = WatchedIndirectDnode if isinstance(dnode, IndirectDnode) else WatchedDnode
    return None
