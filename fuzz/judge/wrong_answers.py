"""What is wrong with an answer, as a value: a code that tells one bug from another, and a text for people.

The code becomes the expression of the failure's signature, so no key, no value and no number may be in it.
The text says it all. Nothing reads either of them to find out what the other one means.
"""

from __future__ import annotations

import errno
from typing import NamedTuple

from zapcore.errors import errno_name


class Wrong(NamedTuple):
    """A wrong answer: the code, and the sentence that a person reads."""

    code: str
    text: str


MISSED = "the cursor missed an entry"
RETURNED = "the cursor returned an entry"
"""One that it should not have returned there."""
RETURNED_TWICE = "the cursor returned an entry twice"
RETURNED_NOTHING = "the cursor returned an entry that is not there"
WIDENED = "widened integers carry bytes of those before them"
NOT_UNICODE = "the normal form is not Unicode's"
NO_ROOM = "a leaf has no room where it has"
TABLE_GROWS = "expected E2BIG, got a table that grows"
OTHER_LENGTH = "a key of another length is taken for this one"
ANOTHER_VALUE = "another value"
CODES = frozenset(
    (
        MISSED,
        RETURNED,
        RETURNED_TWICE,
        RETURNED_NOTHING,
        WIDENED,
        NOT_UNICODE,
        NO_ROOM,
        TABLE_GROWS,
        OTHER_LENGTH,
    )
) | {ANOTHER_VALUE}
"""Every code but those of `expect`, which name two errnos. They stand in stored reproducers."""


def expect(got: int, wanted: int, why: str = "") -> Wrong | None:
    """Hold one errno against another; 0 is success. `why` is for the text alone."""
    if got == wanted:
        return None
    code = f"expected {errno_name(wanted)}, got {errno_name(got)}"
    # a number that is no errno of this system may be another one elsewhere
    known = wanted or got in errno.errorcode
    return Wrong(code if known else ANOTHER_VALUE, f"{code}: {why}" if why else code)


def expect_value(got: object, wanted: object) -> Wrong | None:
    """Hold one value against another."""
    return None if got == wanted else Wrong(ANOTHER_VALUE, f"expected {wanted!r}, got {got!r}")


def other_value(text: str) -> Wrong:
    """A value that is wrong for a reason that only the text tells."""
    return Wrong(ANOTHER_VALUE, text)
