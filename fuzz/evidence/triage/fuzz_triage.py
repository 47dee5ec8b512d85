"""Logs from Atheris into `triage`: no exception, no hang, no more memory than a bound.

    python -m fuzz.evidence.triage.fuzz_triage -max_total_time=600 -timeout=10 -rss_limit_mb=500 -max_len=8192

The first byte says where the log is cut into two reads, how it is packed or encoded before that, and with its
top bit whether the rest are its bytes as they are, or have a phrase of real logs in the place of every byte
from 0x80 on, so that heads, traces and their interleavings lie near. The two bytes after it damage what is
packed.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable

import atheris
import zstandard

with atheris.instrument_imports(include=["fuzz.evidence.triage"]):
    from fuzz.corpus.places import CORPUS
    from fuzz.evidence.triage.known import Judge, load_corpus
    from fuzz.evidence.triage.report import TextReport, as_json
    from fuzz.evidence.triage.stream import Log

_PHRASES = r"""
\n
\r\n
\0
\t
\xff\xfe
\x1b[31m
[   12.345678]\x20
[Sun Nov 22 10:00:00 2026]\x20
[  T812]\x20
[C3]\x20
<0>
6,123,456,-;
Nov 22 10:00:00 host kernel:\x20
2026-11-22T10:00:00+0000 host kernel:\x20
host ztest[77]:\x20
VERIFY
VERIFY0
VERIFY3U
ASSERT
ASSERT3S
(
) failed\x20
NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)
a, <, b
\x20(0 == 1)
(nil)
VERIFY3(a == b) failed (1 == 2)\n
VERIFY(x) failed\n
VERIFY0(zap_add(a)) failed (17)\n
PANIC at zap.c:441:zap_create_leaf()\n
PANIC at\x20
ASSERT at\x20
module/zfs/zap.c:
:441:
zap_expand_leaf()
SPL PANIC
ASSERT at module/zfs/zap.c:1:zap_put_leaf()\n
l->l_dbuf == NULL (0x5 == 0x0)\n
Call Trace:\n
KDB: stack backtrace:\n
\x20<TASK>\n
\x20</TASK>\n
Showing stack for process 812\n
---[ end trace 0 ]---\n
\x20spl_panic+0xf1/0x120 [spl]\n
\x20zap_create_leaf+0x1f/0x20 [zfs]\n
\x20zap_expand_leaf+0x1f/0x20 [zfs]\n
\x20? zap_lookup+0x1f/0x20 [zfs]\n
\x20do_syscall_64+0x35/0x80\n
\x20kthread+0x1/0x2\n
CPU: 1 PID: 812 Comm: rsync Tainted: P\n
PID: 5       COMM: ztest\n
TID: 6       NAME: ztest\n
cpuid = 1\n
panic: VERIFY(a) failed\n
panic: Solaris(panic): zfs: bad\n
panic: solaris assert: a == b (0x1 == 0x2), file: /usr/src/zap.c, line: 7\n
panic(cpu 0 caller 0x1): "VERIFY(" "a" ") failed\\n"@zap.c:5\n
Kernel panic - not syncing:\x20
#3 0xffffffff8 at zap_add+0x1f\n
zap_add() at zap_add+0x1f/frame 0xfffffe00\n
[0x7f01] zap_add+0x1f (in /lib/libzpool.so.6 +0x1234)\n
/lib/libzpool.so.6(zap_add+0x1f)[0x7f]\n
[<c010f0d8>] (zap_add) from [<c0>] (fzap_add)\n
ztest: zap.c:5: zap_add: Assertion `a == b' failed.\n
SPLError: 5:0:(zap.c:9:zap_add())\x20
INFO: task rsync:5 blocked for more than 120 seconds.\n
BUG: soft lockup - CPU#4 stuck for 26s! [cp:40]\n
RIP: 0010:zap_leaf_lookup+0x74/0x160 [zfs]\n
BUG: unable to handle page fault for address: 00\n
Fatal trap 12: page fault while in kernel mode\n
panic[cpu0]/thread=ff06: BAD TRAP: type=e (#pf Page fault) rp=1 addr=2 occurred\n
ff06 zfs:zap_add+1f ()\n
(kgdb) #0  doadump (textdump=0) at pcpu.h:2\n
#3 0xff in zap_add (os=0x1) at zap.c:12\n
0xff : 0xff org.openzfsonosx.zfs : _zap_add + 0x1f\n
00 fffff805`5a2b1c40 fffff805`5a2b1c48 OpenZFS!zap_add+0x14\n
#4  0x7f fzap_lookup (libzpool.so.5 + 0x1234)\n
Thread 1 "zdb" received signal SIGSEGV, Segmentation fault.\n
panic message:\n
BAD TRAP: type=e (#pf Page fault) rp=1 addr=2 occurred in module "zfs" due to a NULL pointer dereference\n
(kgdb) bt\n
"ZFS assertion failed: a == b (0x0 == 0x1)"@zap.c:4\n
BUG: KASAN: use-after-free in zap_add+0x1/0x2 [zfs]\n
WARNING: Pool 'a' has encountered an uncorrectable I/O failure and has been suspended.\n
{"MESSAGE": [86, 69],\n
\x20"MESSAGE" : [\n
86,\n
],\n
MESSAGE\n
{"log":"
","msg":"
4,5,6,-,ncfrag=0/9;
&lt;
"a","b"\n
99999999999999999999
0x
\xc2
"""
PHRASES = [line.encode().decode("unicode_escape").encode("latin-1") for line in _PHRASES.strip().splitlines()]
"""Pieces of real logs; above one a line, with Python's escapes."""


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(data)


def _utf_16(mark: bytes, name: str) -> Callable[[bytes], bytes]:
    return lambda data: mark + data.decode("latin-1").encode(name)


PACKINGS: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    bytes,
    _utf_16(b"\xff\xfe", "utf-16-le"),
    _utf_16(b"", "utf-16-be"),
    lambda data: gzip.compress(data, 1, mtime=0),
    lambda data: lzma.compress(data, preset=0),
    lambda data: bz2.compress(data, 1),
    _zstd,
)


def log_of(data: bytes) -> tuple[bytes, int]:
    """The file that an input stands for, and where it is cut."""
    if len(data) < 3:
        return b"", 0
    text = data[3:]
    if not data[0] & 0x80:
        text = b"".join(
            bytes((byte,)) if byte < 0x80 else PHRASES[(byte & 0x7F) % len(PHRASES)] for byte in text
        )
    packed = bytearray(PACKINGS[data[0] >> 4 & 7](text))
    if packed:
        packed[data[1] * len(packed) >> 8] ^= data[2]
    return bytes(packed), (data[0] & 0xF) * len(packed) // 0x10


def _told(problem: str) -> None:
    """What could not be unpacked is one line."""
    assert problem and "\n" not in problem, problem


JUDGE = Judge(load_corpus(CORPUS)[0])


def one(data: bytes) -> None:
    """Triage one log, and print what is found in both forms."""
    file, cut = log_of(data)
    log, text = Log(_told), TextReport()
    events = [event for part in (file[:cut], file[cut:]) for event in log.feed(part)]
    for event in [*events, *log.close()]:
        verdict = JUDGE(event)
        text.render(event, verdict)
        as_json(event, verdict)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
