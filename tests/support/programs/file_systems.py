"""What directories answer by the properties of their file system: programs, and the errno of every op."""

from __future__ import annotations

import errno

OK, GONE, THERE = 0, errno.ENOENT, errno.EEXIST
LONG, ILLEGAL, NO_FORM = errno.ENAMETOOLONG, errno.EILSEQ, errno.ENOTSUP
BUSY = {"2.1": errno.EINVAL}
"""Where 2.1 answers something else: it knows no flags of a rename."""
APART, WHOLE = "u\\xcc\\x88", "\\xc3\\xbc"
"""U+00FC in two spellings."""

Answer = int | dict[str, int]

SAME_NAMES = {
    # casesensitivity, normalization: whether another case is the same name, and another spelling
    ("sensitive", "none"): (False, False),
    ("sensitive", "formC"): (False, True),
    ("sensitive", "formD"): (False, True),
    ("insensitive", "none"): (True, False),
    ("insensitive", "formKC"): (True, True),
    ("insensitive", "formKD"): (True, True),
    ("mixed", "none"): (False, False),
    ("mixed", "formC"): (False, True),
    ("mixed", "formKD"): (False, True),
}
"""On Linux, where nothing asks a mixed file system to disregard case."""

PROGRAMS: dict[str, tuple[str, list[Answer]]] = {
    "illumos 1300: a name in another spelling is the same": (
        f"""
        zap d micro norm=0x10
        touch d "{APART}" inode=0x8
        touch d "{WHOLE}" inode=0x9
        unlink d "{WHOLE}"
        readdir d
        touch d "{WHOLE}"
        """,
        [OK, THERE, OK, OK, OK],
    ),
    "Samba's names: another case is the same": (
        """
        zap d micro norm=0x2
        touch d "Foo" inode=0x8
        touch d "foo" inode=0x9
        rename d d "FOO" "foo"
        unlink d "FOO"
        readdir d
        touch d "foo"
        """,
        [OK, THERE, OK, OK, OK, OK],
    ),
    "only UTF-8": (
        """
        zap d micro casesensitivity=sensitive utf8only=on
        touch d "\\xc3\\xbc\\xf4\\x8f\\xbf\\xbf"
        touch d "\\xff"
        mkdir d "a\\xc3"
        symlink d "\\xed\\xa0\\x80"
        unlink d "\\xc0\\x80"
        rmdir d "\\xf4\\x90\\x80\\x80"
        rename d d "\\xff" "b"
        link d d "\\xff" "b"
        rename d d "a" "\\xff"
        whiteout d d "a" "\\xff" inode=0x9
        rename d d "\\xc3\\xbc\\xf4\\x8f\\xbf\\xbf" "\\xff"
        add d "\\xff" int=8
        readdir d
        """,
        [OK, *[ILLEGAL] * 7, GONE, GONE, ILLEGAL, OK, OK],
    ),
    "normalization lets only UTF-8 through": (
        """
        zap d micro casesensitivity=mixed normalization=formD
        zap e micro norm=0x10
        touch d "\\xff"
        touch e "\\xff"
        """,
        [ILLEGAL, NO_FORM],
    ),
    "names longer than 255 bytes": (
        f"""
        zap d micro casesensitivity=sensitive
        zap e micro casesensitivity=sensitive longname=on
        touch d "{"n" * 255}"
        touch d "{"n" * 256}"
        touch e "{"n" * 256}"
        touch e "{"n" * 1023}"
        touch e "{"n" * 1024}"
        unlink d "{"n" * 256}"
        """,
        [OK, LONG, {"2.1": LONG, "": OK}, {"2.1": LONG, "": OK}, LONG, LONG],
    ),
    "two file systems": (
        """
        zap d micro casesensitivity=sensitive
        zap e micro casesensitivity=insensitive
        touch d "a" inode=0x8
        mkdir d "sub" inode=0x9
        rename d e "a" "b"
        rename d e "gone" "b"
        exchange d e "a" "b"
        link d e "a" "b"
        link d e "gone" "b"
        link d d "sub" "b"
        touch e "B"
        link d e "a" "b"
        """,
        [OK, OK, *[errno.EXDEV] * 4, GONE, errno.EPERM, OK, THERE],
    ),
    "what is stored in another way is another file system": (
        """
        zap d micro longname=on
        zap e micro longname=on compression=lz4
        zap f micro longname=on encryption=aes-256-gcm
        zap g micro longname=on encryption=aes-256-gcm
        touch d "a" inode=0x8
        rename d e "a" "b"
        link d f "a" "b"
        touch f "a" inode=0x9
        rename f g "a" "b"
        contains g "b"
        """,
        [OK, errno.EXDEV, errno.EXDEV, OK, OK, OK],
    ),
    "links of one file are not renamed onto each other": (
        """
        zap d micro
        zap e micro
        touch d "a" inode=0x8
        link d e "a" "b"
        rename d e "a" "b"
        contains d "a"
        exchange d e "a" "b"
        whiteout d e "a" "b" inode=0x9
        unlink d "a"
        rename e d "b" "a"
        link d d "a" "a"
        """,
        [*[OK] * 8, THERE],
    ),
    "names change places": (
        """
        zap d micro
        zap e micro
        touch d "file" inode=0x8
        mkdir e "dir" inode=0x9
        exchange d e "file" "gone"
        exchange d e "gone" "dir"
        exchange d e "file" "dir"
        lookup d "file" int=8 len=1
        rmdir d "file"
        exchange e e "dir" "dir"
        exchange d d "." "x"
        """,
        [OK, OK, GONE, GONE, {**BUSY, "": OK}, OK, {"2.1": errno.ENOTDIR, "": OK}, OK, THERE],
    ),
    "a whiteout is left": (
        """
        zap d micro
        touch d "a" inode=0x8
        mkdir d "sub" inode=0x9
        whiteout d d "a" "b" inode=0xa
        whiteout d d "a" "sub" inode=0xb
        whiteout d d "gone" "b" inode=0xb
        lookup d "a" int=8 len=1
        contains d "b"
        """,
        [OK, OK, {**BUSY, "": OK}, errno.EISDIR, GONE, OK, {"2.1": GONE, "": OK}],
    ),
    "what no directory stores": (
        """
        zap d micro
        touch d "."
        touch d ".."
        mkdir d ".."
        unlink d "."
        rmdir d ".."
        rename d d "." "a"
        rename d d ".." "a"
        touch d "a"
        rename d d "a" "."
        rename d d "a" ".."
        link d d "a" ".."
        readdir d
        """,
        [THERE, errno.EISDIR, *[THERE] * 4, errno.EINVAL, OK, THERE, errno.EINVAL, THERE, OK],
    ),
}
"""By what they show; where releases differ, the answer by release, "" for the others."""
