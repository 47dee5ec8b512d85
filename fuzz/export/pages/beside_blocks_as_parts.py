"""What a picture shows beside a ZAP's blocks, as parts (`blocks_as_parts`): indirect blocks and their dbufs,
reads that fail, objects and who owns them, and what waits for a txg to sync."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fuzz.targets.model.target import ModelTarget
from zapcore.dmu.indirect import IndirectDnode
from zapcore.dmu.indirect_dbuf import IndirectDbuf
from zapcore.user_accounting import Account, Accounting

Parts = Iterator[tuple[str, Any]]
MOST_RUNS = 300
"""Runs of owned objects; the rest is counted."""


def indirect_parts(dnode: IndirectDnode) -> Parts:
    """Each indirect block that is on disk or has a dbuf: whether its data is there, how many hold it, in
    which txgs it is dirty with how many blocks below it, and how many blocks of data its pointer says."""
    for level, blkid in sorted({*dnode.pointers, *dnode.indirect}):
        dbuf = dnode.indirect.get((level, blkid))
        yield f"indirect/{level}/{blkid}", [*_of(dbuf), dnode.pointers.get((level, blkid), 0)]


def _of(dbuf: IndirectDbuf | None) -> list[Any]:
    if dbuf is None:
        return ["not in memory", 0, []]
    data = "not read" if not dbuf.read else "anonymous" if dbuf.anonymous else "as on disk"
    dirty = [
        f"{each.txg} ({len(each.children)} below{', is being written' if each is dbuf.pending else ''})"
        for each in dbuf.dirty
    ]
    return [data, dbuf.holds, dirty]


def failing_parts(failing: Mapping[int | tuple[int, int], int]) -> Parts:
    """The blocks of a ZAP whose reads from disk fail, and with what."""
    levels = {key if isinstance(key, tuple) else (0, key): code for key, code in failing.items()}
    for (level, blkid), code in sorted(levels.items()):
        yield f"fails/{level}/{blkid}", errno.errorcode.get(code, str(code))


class _Run(NamedTuple):
    """Objects in a row that take the same room, and whose ids grow by the same from each to the next: by 0 or
    by 1 each. `step` is None for one object alone."""

    first: int
    last: int
    begun: Account
    ended: Account
    step: tuple[int, ...] | None = None


def owner_parts(target: ModelTarget) -> Parts:
    """Who owns what, and what of it waits to be accounted for."""
    accounting = target.accounting
    if accounting is None:
        return
    runs = list(_runs(accounting))
    for run in runs[:MOST_RUNS]:
        ids = [_span(*each) for each in zip(run.begun[:3], run.ended[:3], strict=True)]
        yield f"owned/{run.first}", [run.last, *ids, run.begun.used]
    if len(runs) > MOST_RUNS:
        yield "owned more", sum(run.last - run.first + 1 for run in runs[MOST_RUNS:])
    for txg, many in accounting.waiting().items():
        yield f"unaccounted/{txg}", many


def _runs(accounting: Accounting) -> Iterator[_Run]:
    run: _Run | None = None
    for number, account in sorted(accounting.objects.items()):
        if run is not None:
            step = tuple(new - old for new, old in zip(account[:3], run.ended[:3], strict=True))
            alike = number == run.last + 1 and account.used == run.ended.used and {*step} <= {0, 1}
            if alike and run.step in (None, step):
                run = run._replace(last=number, ended=account, step=step)
                continue
            yield run
        run = _Run(number, number, account, account)
    if run is not None:
        yield run


def _span(first: int, last: int) -> str:
    return f"{first:#x}" if first == last else f"{first:#x} to {last:#x}"


def task_parts(target: ModelTarget) -> Parts:
    """How many sync tasks wait in each txg, early ones and others."""
    for txg, (early, late) in target.objset.sync_tasks.items():
        if early or late:
            yield f"tasks/{txg}", [len(early), len(late)]
