"""What a file is that has no line of text, and what to give instead."""

from __future__ import annotations

LOOKED_AT = 4096
"""Bytes of the beginning of each piece."""
_PRINTED = bytes([*b"\t\n\r\f\x1b", *range(0x20, 0x7F), *range(0x80, 0x100)])
_MOST_OTHER = 0.05
"""Of a text's bytes: a log may have lost some to a crash, and of random bytes every ninth is another."""

_MAGICS = (
    (0, b"LPKSHHRH", "a journal of systemd: `journalctl --file FILE -k | zapfuzz triage -` reads it"),
    (0, b"KDUMP   ", "a kernel's crash dump: `makedumpfile --dump-dmesg DUMP kern.log` writes its log"),
    (0, b"makedumpfile", "a kernel's crash dump: `crash --log` or `makedumpfile --dump-dmesg` reads its log"),
    (0, b"\x7fELF", "ELF: `vmcore-dmesg` reads the log of a kernel's crash dump, `gdb` a program's stack"),
    (0, b"PAGEDU64", "a Windows crash dump: give the text of `!analyze -v`"),
    (0, b"PK\3\4", "a zip file: unpack it first"),
    (257, b"ustar", "a tar file: unpack it first"),
    (0, b"%PDF", "a PDF: give its text"),
    (0, b"\x89PNG", "a picture (PNG): the text has to be typed"),
    (0, b"\xff\xd8\xff", "a picture (JPEG): the text has to be typed"),
)


class NotALog(Exception):
    """There was no text in what was read; the text says what it looks like."""


def is_text(piece: bytes) -> bool:
    """Whether a piece of a log may be text, as far as its beginning tells; zeros before it do not count."""
    head = piece.lstrip(b"\0")[:LOOKED_AT]
    return bool(head) and len(head.translate(None, delete=_PRINTED)) <= _MOST_OTHER * len(head)


def looks_like(head: bytes, text: bool) -> str:
    """What the first bytes of a file tell, and what to do. Where there is `text` somewhere behind them,
    nothing but what is certain."""
    for at, magic, what in _MAGICS:
        if head[at : at + len(magic)] == magic:
            return what
    if text or not head:
        return ""
    if not any(head):
        return "all zero, as a file that a crash has cut off"
    return f"no text: begins with {head[:8].hex(' ')}"
