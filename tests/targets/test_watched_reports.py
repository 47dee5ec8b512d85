"""What sanitizers and memcheck print becomes one failure each, whose signature is the same wherever things
lay."""

from __future__ import annotations

import pytest

from fuzz.judge.signature import Signature
from fuzz.targets.libzpool.watched.reports import reports

ASAN = """
zapfuzz op: 3
=================================================================
==8569==ERROR: AddressSanitizer: heap-use-after-free on address 0x604000ae0d98 at pc 0x7fc46e323262
READ of size 1 at 0x604000ae0d98 thread T0
    #0 0x7fc46e323261 in rw_enter /x/zfs/lib/libzpool/kernel.c:307
    #1 0x7fc46e323261 in zap_leaf_lookup /x/zfs/module/zfs/zap_leaf.c:450
    #2 0x7fc46eef0b0c in ffi_call (/lib/x86_64-linux-gnu/libffi.so.8+0x6b0c)
    #3 0x7fc46ef11179 in _call_function_pointer /tmp/lib/Modules/callproc.c:923

0x604000ae0d98 is located 8 bytes inside of 40-byte region [0x604000ae0d90,0x604000ae0db8)
freed by thread T0 here:
    #0 0x7fc46f8b76a8 in __interceptor_free ../../../../src/libsanitizer/asan/asan_malloc_linux.cpp:52
    #1 0x7fc46e323230 in zap_leaf_evict_sync /x/zfs/module/zfs/zap_leaf.c:100
SUMMARY: AddressSanitizer: heap-use-after-free /x/zfs/lib/libzpool/kernel.c:307 in rw_enter
"""
TSAN = """
==================
WARNING: ThreadSanitizer: data race (pid=10480)
  Read of size 8 at 0x7f0 by thread T2:
    #0 dbuf_read /x/zfs/module/zfs/dbuf.c:1500 (libzpool.so.7+0x11c2)

  Previous write of size 8 at 0x7f0 by main thread:
    #0 dbuf_write_done /x/zfs/module/zfs/dbuf.c:4800 (libzpool.so.7+0x11c2)
    #1 zap_count /x/zfs/module/zfs/zap_micro.c:42 (libzpool.so.7+0x127b)
SUMMARY: ThreadSanitizer: data race /x/zfs/module/zfs/dbuf.c:1500 in dbuf_read
==================
"""
UBSAN = """
/x/zfs/module/zfs/zap_leaf.c:37:15: runtime error: shift exponent 64 is too large for 64-bit type 'int'
    #0 0x7febeea9c20e in zap_leaf_split /x/zfs/module/zfs/zap_leaf.c:37
    #1 0x7febeec0cf79  (/lib/x86_64-linux-gnu/libffi.so.8+0x6f79)
/x/zfs/lib/libnvpair/nvpair.c:9:2: runtime error: load of misaligned address 0x7f12 for type 'int'
"""
MEMCHECK = """
==26142== Conditional jump or move depends on uninitialised value(s)
==26142==    at 0x49E04DA: maybe_small_long (/tmp/lib/Python/Objects/longobject.c:71)
==26142==    by 0x4E3D249: (below main) (libc_start_call_main.h:58)
==26142==
zapfuzz op: 0
==26142== Conditional jump or move depends on uninitialised value(s)
==26142==    at 0x4847798: strlen (in /usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so)
==26142==    by 0x904A3A5: ??? (in /c/2.3.2/libzpool.so.6)
==26142==    by 0x904C03D: zap_name_alloc_str (in /c/2.3.2/libzpool.so.6)
==26142==    by 0x904DFEA: zap_add (in /c/2.3.2/libzpool.so.6)
==26142==    by 0x7227B0C: ffi_call (in /usr/lib/x86_64-linux-gnu/libffi.so.8.1.2)
==26142==    by 0x7207179: _call_function_pointer (/tmp/lib/Modules/_ctypes/callproc.c:923)
==26142==

==26142== Thread 9:
==26142== Use of uninitialised value of size 8
==26142==    at 0x49E0569: get_small_int (/tmp/lib/Python/Objects/longobject.c:62)
==26142==    by 0x49F9331: _PyEval_EvalFrameDefault (/tmp/lib/Python/ceval.c:4769)
==26142==    by 0x7227B0C: ffi_closure_unix64 (in /usr/lib/x86_64-linux-gnu/libffi.so.8.1.2)
==26142==    by 0x904DFEA: dsl_sync_task_sync (in /c/2.3.2/libzpool.so.6)
==26142==
==26142== Thread 12 z_wr_iss:
==26142== Syscall param pwrite64(buf) points to uninitialised byte(s)
==26142==    at 0x4C0F2A3: pwrite (pwrite64.c:25)
==26142==    by 0x904A3A5: zfs_file_pwrite (in /c/2.3.2/libzpool.so.6)
==26142==

zapfuzz undefined: block byte 0x18 of block 2 of ZAP 0
"""


@pytest.mark.parametrize(
    ("text", "signatures", "ops"),
    [
        (
            ASAN,
            [
                Signature(
                    "asan", "kernel.c:rw_enter", "heap-use-after-free read", ("rw_enter", "zap_leaf_lookup")
                )
            ],
            [3],
        ),
        (TSAN, [Signature("tsan", "dbuf.c:dbuf_read", "data race", ("dbuf_read",))], [-1]),
        (
            UBSAN,
            [
                Signature(
                    "ubsan",
                    "zap_leaf.c:zap_leaf_split",
                    "shift exponent N is too large for N-bit type 'int'",
                    ("zap_leaf_split",),
                ),
                Signature("ubsan", "nvpair.c:?", "load of misaligned address N for type 'int'"),
            ],
            [-1, -1],
        ),
        (
            MEMCHECK,
            [
                Signature(
                    "memcheck",
                    "?:zap_name_alloc_str",
                    "Conditional jump or move depends on uninitialised value(s)",
                    ("zap_name_alloc_str", "zap_add"),
                ),
                Signature(
                    "memcheck",
                    "?:zfs_file_pwrite",
                    "Syscall param pwrite64(buf) points to uninitialised byte(s)",
                    ("zfs_file_pwrite",),
                ),
                Signature("memcheck", "?:add", "bytes of a block were never written"),
            ],
            [0, 0, 0],
        ),
        ("", [], []),
    ],
    ids=["asan", "tsan", "ubsan", "memcheck", "nothing"],
)
def test_a_report_is_one_failure_of_the_library(
    text: str, signatures: list[Signature], ops: list[int]
) -> None:
    """Python's own reports are none, and what stands in place of the C library's functions names no place."""
    found = list(reports(text, ["add"]))
    assert [each.signature for each in found] == signatures
    assert [each.op for each in found] == ops


def test_a_report_that_ends_early_is_read_as_far_as_it_goes() -> None:
    for end in range(0, len(ASAN), 7):
        for found in reports(ASAN[:end], ["add"]):
            assert found.signature.kind == "asan"
