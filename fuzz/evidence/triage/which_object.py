"""Which ZAP a failure was in, as far as its stack tells, and how `zapfuzz check` looks at it."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DIRECTORY = "of a directory its inode number, ls -di", "--dataset POOL/DATASET --object NUMBER"
_OF_A_DATASET = "--dataset POOL/DATASET --all"
_OF_THE_POOL = "--dataset MOS --all"
_CALLERS: tuple[tuple[re.Pattern[str], tuple[str, str]], ...] = tuple(
    (re.compile(form), answer)
    for form, answer in (
        (r"ddt_\w+", ("a table of dedup, in the pool's own object set", _OF_THE_POOL)),
        (r"brt_\w+", ("the table of cloned blocks, in the pool's own object set", _OF_THE_POOL)),
        (r"do_userquota\w*|userquota\w*", ("the usage of users, groups and projects", _OF_A_DATASET)),
        (r"sa_\w+", ("the layouts of system attributes", _OF_A_DATASET)),
        (r"zfs_(?:unlinked\w*|rmnode|purgedir)", ("the files that wait to be removed", _OF_A_DATASET)),
        (r"zfs_\w+|zpl_\w+", _DIRECTORY),
        (r"(?:dsl|spa|feature|vdev|bpobj|bptree)_\w+", ("in the pool's own object set", _OF_THE_POOL)),
    )
)
_ZAP = re.compile(r"_?(?:f?zap|mzap|mze|dmu|dbuf|dnode)_\w+")


def which_object(stack: Sequence[str]) -> tuple[str, str]:
    """What the ZAP is in words, and what of `check --pool` looks at it: the innermost caller of the ZAP that
    tells decides. Without one it is as for a directory."""
    for function in stack:
        if _ZAP.fullmatch(function):
            continue
        for form, answer in _CALLERS:
            if form.fullmatch(function):
                return answer
    return _DIRECTORY
