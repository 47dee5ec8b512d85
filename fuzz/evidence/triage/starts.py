"""Finds where in a block of bytes a failure may begin or be told: the few lines worth parsing. Knows no line.

A literal beginning makes a form quick, some 4 GB a second each, and every form costs all logs their time;
so there
are few of them, and what begins otherwise (an oops, a lockup, a stall) is found by its trace and read from
some
lines before.
"""

from __future__ import annotations

import re

_SPACE = rb"(?: |\xc2?\xa0|&nbsp;)"
"""A space, or one that a page or an editor made of it."""

_FORMS = (
    rb"VERIFY[0-9A-Z]{0,4}\(",
    rb"ASSERT(?:[0-9A-Z]{0,7}\(|" + _SPACE + rb"at)",
    rb"panic(?::"
    + _SPACE
    + rb"|\(cpu|\\?\[cpu|"
    + _SPACE
    + rb"(?:message|- not)|str|(?<=spl_panic)|(?<=spl\\_panic))",
    rb"ssert(?:ion" + _SPACE + rb"(?:[`'\\]|failed:)|(?<=solaris assert))",
    # Frames of Linux, which name the module; what the kernel prints of modules otherwise has no bracket
    # before.
    rb"\[(?:zfs|spl|zlua|icp|zcommon|znvpair|zavl|zunicode|zzstd)[\] \\]",
    rb"Call" + _SPACE + rb"[Tt]race:",
    # PANIC; FreeBSD's info.N, a pool that waits; frames of Windows, the version at load; frames of illumos.
    rb"P(?:ANIC(?:"
    + _SPACE
    + rb"at|:"
    + _SPACE
    + rb"|(?<=SPL PANIC))|anic"
    + _SPACE
    + rb"String:|ool"
    + _SPACE
    + rb"')",
    rb"ZFS(?:in)?(?:!|:" + _SPACE + rb"Loaded)",
    rb"zfs:[a-z][\w\\]*\+[0-9a-f]",
    # Debuggers' backtraces, sanitizers' and crash's too.
    rb"#0" + _SPACE,
    # A pool that waits, in the words of its MMP thread, of zed and of devd.
    rb"suspending" + _SPACE + rb"pool",
    rb"io_failure" + _SPACE + rb"pool=",
    rb"catastrophic" + _SPACE + rb"pool",
    # What journald gives as a list of bytes may be anything.
    rb"\"MESSAGE\" ?: ?\[",
)
"""CERTIFICATE_VERIFY_FAILED is no failure of ZFS: a word alone is not enough."""


class Starts:
    """The places of one block, in order."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._next = dict.fromkeys(_COMPILED, -1)

    def after(self, at: int) -> int:
        """The first such place from `at` on, which never goes back; -1 if there is none."""
        for form, place in list(self._next.items()):
            if place < at:
                found = form.search(self._block, at)
                if found is None:
                    del self._next[form]
                else:
                    self._next[form] = found.start()
        return min(self._next.values(), default=-1)


_COMPILED = tuple(re.compile(form) for form in _FORMS)
