"""One line of a call trace, and which of a trace's functions make a signature. Knows no failure."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from fuzz.evidence.triage.frame_roles import BOTTOM, CALLER, HANDLER, REPORTER, may_name_zfs, names_zfs


class Frame(NamedTuple):
    """A function on a printed stack. `module` is empty where the log names none; a frame the kernel marks
    with `?` was found on the stack but may be left over from an earlier call, and is not `reliable`.

    `offset` is how far in the function, as printed; `file` and `line` where a debugger tells them.
    """

    function: str
    module: str = ""
    reliable: bool = True
    offset: str = ""
    file: str = ""
    line: int = 0


_NAME = r"(?P<function>[A-Za-z_]\w*)(?:\.\w+)*"
_ADDRESS = r"\(?(?:\[<[0-9a-fx]*>\]|\[[0-9a-f]{8,16}\](?: \[[0-9a-f]{8,16}\])?)\)?\s*"
_MODULE = r"(?:\s*\[(?P<module>\w+)[^\]]*\]?)?"
_OFFSET = r"\+(?P<offset>(?:0x)?[0-9a-f]+)"
_SOURCE = r"(?:.*? at (?P<file>[^\s:]+\.[chS]):(?P<line>\d{1,6}))?"
_FORMS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(form)
    for form in (
        # Linux: [<ffffffffa0257e8e>] ? zap_add+0x1f/0x20 [zfs]
        rf"(?:{_ADDRESS})?(?P<unsure>\? )?{_NAME}\+(?P<offset>(?:0x[0-9a-f]*)?)(?:/0x[0-9a-f]*)?{_MODULE}"
        r"(?: \(.*\))?(?: \([A-Z]+\))?\)?\s*$",
        # libunwind in libspl: [0x7f..] zap_add+0x1f (in /lib/libzpool.so.6 +0x1234)
        rf"\[0x[0-9a-f]+\] {_NAME}{_OFFSET}(?: \(in (?:\S*/)?(?P<module>[\w-]+))?",
        # FreeBSD: zap_add() at zap_add+0x1f/frame 0xff..; #3 0xff.. at zap_add+0x1f
        rf"{_NAME}\(\) at \w+(?:{_OFFSET})?",
        rf"#\d+\s+0x[0-9a-f]+ at {_NAME}{_OFFSET}",
        # crash: #11 [ffffb1c2] fzap_lookup at ffffffffc0f1a [zfs]
        rf"#\d+\s+\[[0-9a-f]+\] {_NAME} at [0-9a-f]+{_MODULE}",
        # gdb, kgdb: #3  0x7f.. in zap_add (os=...) at zap.c:12, or from /lib/libzpool.so.2; sanitizers
        rf"#\d+\s+(?:0x[0-9a-f]+ in )?{_NAME} \((?:.*\) from (?:\S*/)?(?P<module>[\w-]+)|{_SOURCE})",
        rf"#\d+\s+0x[0-9a-f]+ in {_NAME}(?: \(?(?P<file>/[^\s:+]+\.[chS])(?::(?P<line>\d{{1,6}}))?)?",
        # systemd's coredumpctl: #4  0x00007f.. fzap_lookup (libzpool.so.5 + 0x1234)
        rf"#\d+\s+0x[0-9a-f]+ {_NAME} \((?P<module>[\w-]+)[\w.-]* \+ 0x[0-9a-f]+\)",
        # lldb: frame #3: 0xff.. zfs`zap_add(os=..) at zap.c:12:5
        rf"\*? ?frame #\d+: 0x[0-9a-f]+ (?P<module>[\w.\-]+)`{_NAME}{_SOURCE}",
        # glibc's backtrace_symbols: /lib/libzpool.so.6(zap_add+0x1f)[0x7f..]
        rf"(?:\S*/)?(?P<module>[\w-]+)[\w.]*\({_NAME}{_OFFSET}\) ?\[0x",
        # macOS: 0xff.. : 0xff.. net.lundman.zfs : _zap_add + 0x1f
        rf"0x[0-9a-f]+ : 0x[0-9a-f]+ (?:[\w.]+\.)?(?P<module>\w+) : _?{_NAME} \+ (?P<offset>0x[0-9a-f]+)",
        # illumos: ffffff0006761890 zfs:zap_add+1f (..), fffffb04504c28b0 zap_add+0xe2(..), zfs`zap_add+0xe2
        rf"(?:[0-9a-f]{{8,16}} )?(?P<module>\w+)[:`]{_NAME}{_OFFSET}",
        rf"(?:[0-9a-f]{{8,16}} )?{_NAME}{_OFFSET}\(",
        rf"[0-9a-f]{{16}} {_NAME}\(",
        # Windows: 07 fffff805`5a2b1c40 fffff805`5a2b1c48 OpenZFS!zap_add+0x1f [path @ 12]
        rf"(?:[0-9a-f]{{2,3}} )?(?:[0-9a-f]{{8}}`[0-9a-f]{{8}} *(?:: )?)*(?:[0-9a-f`]+ : "
        rf")?(?P<module>\w+)!{_NAME}"
        rf"(?:{_OFFSET})?(?: \[(?:.*[\\/])?(?P<file>[\w.\-]+) @ (?P<line>\d{{1,6}})\])?",
        # 32-bit ARM: [<c010f0d8>] (zap_add+0x1f/0x20 [zfs]) from [<..>] (..), and newer without addresses
        rf"(?:{_ADDRESS})?\({_NAME}(?:\+0x\w*)?(?:/0x\w+)?{_MODULE}\) from ",
        rf"{_NAME}(?:\+0x\w*)?(?:/0x\w+)?{_MODULE} from \w+\+0x",
    )
)
_ANYWHERE = re.compile(rf"(?P<unsure>\? )?\b{_NAME}\+(?P<offset>0x[0-9a-f]+)/0x[0-9a-f]+{_MODULE}\s*$")
_BARE = re.compile(rf"(?:{_ADDRESS})?(?P<unsure>\? )?{_NAME}(?:\s+\[(?P<module>\w+)[^\]]*\])?\s*$")
_COUNTER = re.compile(
    # Where the processor was: x86, old x86, arm64, riscv, 32-bit ARM, ppc64, s390, mips, crash.
    r"(?:(?:R|E)?IP(?::| ) *|pc : |epc\s*: |PC is at |NIP \[|NIP: |Krnl PSW : |\[exception RIP: |rip: "
    r"|Instruction pointer: |ERA: "
    r"|(?:IP|PC):)"
    rf".*?\b{_NAME}\+(?P<offset>(?:0x)?[0-9a-f]+)(?:/0x[0-9a-f]*)?{_MODULE}"
)
_ELSEWHERE = re.compile(r"(?:ra\s*: |lr\s*: |LR \[|LR is at |LR: |Last Breaking)")

_WORDS = frozenset(("Aborted", "Killed", "Terminated", "Registers", "Backtrace", "DEBUG", "Stack", "REGS"))
_ZFS_MODULES = re.compile(
    r"(?:zfs|zcommon|zavl|znvpair|zunicode|icp|zlua|zzstd|libzpool|libzfs|libzutil|libnvpair|libuutil|zpool|zed|zstream|ztest|zdb|openzfs|zhack|lt-z)",
    re.IGNORECASE,
)
_SPL_MODULES = re.compile(r"(?:spl|libspl)")
_SPL_THREAD = re.compile(r"(?:taskq_thread|thread_generic_wrapper)")
_OWN_REPORTER = re.compile(r"(?:spl_(?:panic|assert)|assfail\d?$)")
"""What a failed assertion of ZFS calls: its caller is ZFS's, whatever it is named."""


PLAIN_FRAME = re.compile(
    r"\s*(?:\[<[0-9a-f]{8,16}>\]\s*)?(?:\? )?(?!\w{0,200}acktrace)[A-Za-z_][\w.]{0,200}"
    r"\+0x[0-9a-f]{1,16}/0x[0-9a-f]{1,16}(?: \[\w{1,64}\])?\s*$"
)
"""A line that is a frame of Linux and can be nothing else: no head has its form. With `backtrace` in its name
it is what begins a trace, too."""


@functools.lru_cache(maxsize=1024)
def parse_frame(text: str, inside: bool = False) -> Frame | None:
    """The function this line of a trace names, or None. `inside` a trace, a bare name is a frame too."""
    text = text.strip()
    if len(text) < 3 or len(text) > 1024 or _ELSEWHERE.match(text):
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


@functools.lru_cache(maxsize=256)
def parse_counter(text: str) -> Frame | None:
    """The function that a register line of an oops says the processor was in, or None."""
    match = _COUNTER.match(text.strip())
    return None if match is None else _frame(match)


def _frame(match: re.Match[str]) -> Frame:
    groups = match.groupdict()
    line = groups.get("line") or "0"
    return Frame(
        groups["function"],
        groups.get("module") or "",
        not groups.get("unsure"),
        (groups.get("offset") or "").removeprefix("0x"),
        (groups.get("file") or "").replace("\\", "/").rpartition("/")[2],
        int(line) if line.isascii() else 0,
    )


def is_zfs(frame: Frame) -> bool:
    """True if the log says that this function belongs to ZFS or to its porting layer."""
    return bool(_ZFS_MODULES.match(frame.module) or _SPL_MODULES.match(frame.module))


def looks_like_zfs(frame: Frame) -> bool:
    """`is_zfs`, or a function without a module whose name may be one of OpenZFS's."""
    if frame.module and frame.module not in ("kernel", "vmlinux"):
        return is_zfs(frame)
    return may_name_zfs(frame.function)


def show_zfs(frames: Sequence[Frame]) -> bool:
    """True if these frames show that ZFS was running: by their modules, or by names where a trace has
    none."""
    seen = [frame for frame in frames if frame.reliable] or list(frames)
    if any(is_zfs(frame) for frame in seen):
        return True
    modules = any(frame.module not in ("", "kernel", "vmlinux") for frame in frames)
    return not modules and any(names_zfs(frame.function) for frame in seen)


def is_bottom(frame: Frame) -> bool:
    """True for the outermost functions of a thread: no frame of the same trace follows but others like it."""
    return BOTTOM.match(frame.function) is not None


def is_report(frame: Frame) -> bool:
    """True for a function that reports or handles a failure, whose callers are what failed."""
    return bool(REPORTER.match(frame.function) or HANDLER.match(frame.function))


def without_doubles(frames: Sequence[Frame]) -> list[Frame]:
    """The frames without those that a log prints twice in a row; a recursion has another offset or none."""
    kept: list[Frame] = []
    for frame in frames:
        before = kept[-1] if kept else None
        twice = before is not None and before.function == frame.function and before.offset == frame.offset
        if not (twice and frame.offset):
            kept.append(frame)
    return kept


def signature_frames(frames: Sequence[Frame]) -> list[Frame]:
    """OpenZFS's frames of a trace, innermost first: no reporter of the panic, no system entry.

    Unreliable frames count only where the trace has no other (kernels that mark every frame). Where the log
    names modules, functions of the kernel itself are left out, and those of the porting layer unless there is
    no other; where it names none, those behind the last that is called as OpenZFS's are, and those before the
    first, but for what an assertion of ZFS was in.
    """
    return list(_signature_frames(tuple(frames)))


def _of_zfs(frame: Frame, libraries: bool) -> bool:
    """True if the module says so, or the name of a program's own function where those of its `libraries`
    have one."""
    own = libraries and not frame.module and names_zfs(frame.function)
    return own or _ZFS_MODULES.match(frame.module) is not None


@functools.lru_cache(maxsize=64)
def _signature_frames(frames: tuple[Frame, ...]) -> Sequence[Frame]:
    """The same, remembered: much is asked of one failure, and a log tells one again and again."""
    kept = [frame for frame in without_doubles(frames) if not REPORTER.match(frame.function)]
    for want in (True, False):
        chosen = [frame for frame in kept if frame.reliable or not want]
        libraries = any(frame.module.startswith("lib") and is_zfs(frame) for frame in chosen)
        tagged = [f for f in chosen if _of_zfs(f, libraries) and not BOTTOM.match(f.function)]
        if tagged:
            return tagged
        outside = (BOTTOM.match, CALLER.match, HANDLER.match)
        plain = [frame for frame in chosen if not any(match(frame.function) for match in outside)]
        if plain and not any(frame.module for frame in chosen if is_zfs(frame)):
            ours = [at for at, frame in enumerate(plain) if looks_like_zfs(frame)]
            told = any(_OWN_REPORTER.match(frame.function) for frame in frames)
            return plain[0 if told else ours[0] : ours[-1] + 1] if ours else plain
    return [f for f in kept if _SPL_MODULES.match(f.module) and not _SPL_THREAD.match(f.function)]
