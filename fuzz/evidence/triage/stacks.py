"""One line of a call trace, and which of a trace's functions make a signature. Knows no failure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Frame(NamedTuple):
    """A function on a printed stack. `module` is empty where the log names none; a frame the kernel marks
    with `?` was found on the stack but may be left over from an earlier call, and is not `reliable`."""

    function: str
    module: str = ""
    reliable: bool = True


_NAME = r"(?P<function>[A-Za-z_]\w*)(?:\.\w+)*"
_ADDRESS = r"\(?(?:\[<[0-9a-fx]*>\]|\[[0-9a-f]{8,16}\](?: \[[0-9a-f]{8,16}\])?)\)?\s*"
_MODULE = r"(?:\s*\[(?P<module>\w+)[^\]]*\]?)?"
_FORMS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(form)
    for form in (
        # libunwind in libspl: [0x7f..] zap_add+0x1f (in /lib/libzpool.so.6 +0x1234)
        rf"\[0x[0-9a-f]+\] {_NAME}\+0x[0-9a-f]+(?: \(in (?:\S*/)?(?P<module>[\w-]+))?",
        # FreeBSD: zap_add() at zap_add+0x1f/frame 0xff..; #3 0xff.. at zap_add+0x1f
        rf"{_NAME}\(\) at \w+",
        rf"#\d+\s+0x[0-9a-f]+ at {_NAME}\+",
        # gdb, kgdb: #3  0x7f.. in zap_add (os=...) at zap.c:12, or from /lib/libzpool.so.2
        rf"#\d+\s+(?:0x[0-9a-f]+ in )?{_NAME} \((?:.*\) from (?:\S*/)?(?P<module>[\w-]+))?",
        # glibc's backtrace_symbols: /lib/libzpool.so.6(zap_add+0x1f)[0x7f..]
        rf"(?:\S*/)?(?P<module>[\w-]+)[\w.]*\({_NAME}\+0x[0-9a-f]+\) ?\[0x",
        # macOS: 0xff.. : 0xff.. net.lundman.zfs : _zap_add + 0x1f
        rf"0x[0-9a-f]+ : 0x[0-9a-f]+ (?:[\w.]+\.)?(?P<module>\w+) : _{_NAME} \+",
        # 32-bit ARM: [<c010f0d8>] (zap_add+0x1f/0x20 [zfs]) from [<..>] (..), and newer without addresses
        rf"(?:{_ADDRESS})?\({_NAME}(?:\+0x\w*)?(?:/0x\w+)?{_MODULE}\) from ",
        rf"{_NAME}(?:\+0x\w*)?(?:/0x\w+)?{_MODULE} from \w+\+0x",
        # Linux: [<ffffffffa0257e8e>] ? zap_add+0x1f/0x20 [zfs]
        rf"(?:{_ADDRESS})?(?P<unsure>\? )?{_NAME}\+(?:0x[0-9a-f]*)?(?:/0x[0-9a-f]*)?{_MODULE}"
        r"(?: \(.*\))?\s*$",
    )
)
_ANYWHERE = re.compile(rf"(?P<unsure>\? )?\b{_NAME}\+0x[0-9a-f]+/0x[0-9a-f]+{_MODULE}\s*$")
_BARE = re.compile(rf"(?:{_ADDRESS})?(?P<unsure>\? )?{_NAME}(?:\s+\[(?P<module>\w+)[^\]]*\])?\s*$")

_WORDS = frozenset(("Aborted", "Killed", "Terminated", "Registers", "Backtrace"))
_REPORTERS = re.compile(
    r"(?:_*dump_(?:stack|backtrace)|show_(?:stack|trace)|unwind_backtrace|spl_(?:dumpstack|panic|assert|debug_)"
    r"|libspl_(?:assert|backtrace)|v?panic$|v?cmn_err|kdb_|db_trace_|kassert_|assfail|abort$|_*GI_|raise$|gsignal$"
    r"|pthread_kill|_*pthread_kill|_*assert|crash_setup|__crash_kexec|srso_|schedule$|__schedule|kernel_trap"
    r"|handle_debugger|zfs_panic_recover|spl_vpanic|walk_stackframe|call_trace|v?zfs_panic)"
)
_BOTTOM = re.compile(
    r"(?:entry_|do_syscall|(?:do_)?el0|invoke_syscall|el0t?_|ret_from_(?:fork|kernel)|(?:k|start_|smpboot_)thread$"
    r"|child_rip|kernel_thread|fork_(?:exit|trampoline)|amd64_syscall|X?fast_syscall|clone3?$|_*clone|_*libc_start"
    r"|thread_start|call_continuation|zk_thread_|system_call|_*x64_sys|_*arm64_sys|ret_fast_syscall|thread_generic_wrapper)"
)
_CALLERS = re.compile(r"(?:VOP_|vn_|vfs_|kern_|sys_|dofile|fo_|null_|taskqueue_|taskq_run)")
"""FreeBSD's kernel, whose traces name no modules."""

_ZFS_MODULES = re.compile(
    r"(?:zfs|zcommon|zavl|znvpair|zunicode|icp|zlua|zzstd|libzpool|libzfs|ztest|zdb|openzfs)"
)
_SPL_MODULES = re.compile(r"(?:spl|libspl)")


def parse_frame(text: str, inside: bool = False) -> Frame | None:
    """The function this line of a trace names, or None. `inside` a trace, a bare name is a frame too."""
    text = text.strip()
    if len(text) < 3 or len(text) > 1024:
        return None
    for form in _FORMS:
        match = form.match(text)
        if match is not None:
            return _frame(match)
    match = _ANYWHERE.search(text) if "+0x" in text else None
    if match is None and inside:
        match = _BARE.match(text)
        if match is not None and (match["function"] in _WORDS or not re.search(r"[a-z_]", match["function"])):
            return None
    return None if match is None else _frame(match)


def _frame(match: re.Match[str]) -> Frame:
    groups = match.groupdict()
    return Frame(groups["function"], groups.get("module") or "", not groups.get("unsure"))


def is_zfs(frame: Frame) -> bool:
    """True if the log says that this function belongs to ZFS or to its porting layer."""
    return bool(_ZFS_MODULES.match(frame.module) or _SPL_MODULES.match(frame.module))


def is_bottom(frame: Frame) -> bool:
    """True for the outermost functions of a thread: no frame of the same trace follows but others like it."""
    return _BOTTOM.match(frame.function) is not None


def signature_stack(frames: Sequence[Frame]) -> tuple[str, ...]:
    """OpenZFS's functions of a trace, innermost first: no reporter of the panic, no system entry, no address.

    Unreliable frames count only where the trace has no other (kernels that mark every frame). Where the log
    names modules, functions of the kernel itself are left out.
    """
    kept = [frame for frame in frames if not _REPORTERS.match(frame.function)]
    for want in (True, False):
        chosen = [frame for frame in kept if frame.reliable or not want]
        tagged = [f for f in chosen if _ZFS_MODULES.match(f.module) and not _BOTTOM.match(f.function)]
        if tagged:
            return tuple(frame.function for frame in tagged)
        outside = (_BOTTOM.match, _CALLERS.match)
        plain = [frame for frame in chosen if not any(match(frame.function) for match in outside)]
        if plain and not any(frame.module for frame in chosen if is_zfs(frame)):
            return tuple(frame.function for frame in plain)
    return ()
