"""A dnode that notes which of its dbufs were held, so that an audit need not look at all of them."""

from __future__ import annotations

from zapcore.dmu.dbuf import Dbuf, Tag
from zapcore.dmu.dnode import Dnode


class WatchedDnode(Dnode):
    """What `watch` makes of a dnode: only worlds that are audited pay for the notes."""

    __slots__ = ()

    def hold(self, blkid: int, tag: Tag) -> Dbuf:
        """As Dnode.hold."""
        self.held.add(blkid)
        return super().hold(blkid, tag)


def watch(dnode: Dnode) -> set[int] | None:
    """The blocks whose dbufs were held since the last call; None at the first one, when that is not known."""
    if type(dnode) is WatchedDnode:
        held = dnode.held
        dnode.held = set()
        return held
    dnode.held = set()
    dnode.__class__ = WatchedDnode
    return None
