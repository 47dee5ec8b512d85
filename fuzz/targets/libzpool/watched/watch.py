"""Who watches a library's process, and what its start needs for that. Looks at files only; loads nothing."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fuzz.targets.base import NoTarget
from fuzz.targets.packages.compile_once import compiled

WATCHED = "ZAPFUZZ_WATCHED"
"""Environment variable of a worker that somebody watches: empty, or the compiled definedness.c, with which it
asks memcheck about each block and answer. Such a worker notes each op before it runs it."""
OP_MARK = "zapfuzz op: "
"""A line of such a worker: an op begins, and its index."""
UNDEFINED_MARK = "zapfuzz undefined: "
"""A line of such a worker: bytes that were never written, and where."""


@dataclasses.dataclass(frozen=True, slots=True)
class Watch:
    """How a process is watched. `command` stands before the one that starts it, `environment` is added to its
    own. Everything takes `slower` times as long and `larger` times the memory that it takes unwatched."""

    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    slower: float = 1.0
    larger: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Sanitizer:
    """`mark` is what a library built with it needs, `runtime` the names that GCC and Clang give to what has
    that."""

    name: str
    mark: bytes
    gcc: str
    clang: str
    options: str
    slower: float
    larger: float


_SANITIZERS = (
    _Sanitizer(
        "asan",
        b"\0__asan_init\0",
        "libasan.so",
        "libclang_rt.asan-x86_64.so",
        "ASAN_OPTIONS=detect_leaks=0:exitcode=66:handle_abort=0:allow_user_segv_handler=1:verify_asan_link_order=0",
        4,
        4,
    ),
    _Sanitizer(
        "tsan",
        b"\0__tsan_init\0",
        "libtsan.so",
        "libclang_rt.tsan-x86_64.so",
        "TSAN_OPTIONS=exitcode=0:report_signal_unsafe=0:history_size=4",
        10,
        6,
    ),
    _Sanitizer(
        "ubsan",
        b"\0__ubsan_handle_",
        "libubsan.so",
        "libclang_rt.ubsan_standalone-x86_64.so",
        "UBSAN_OPTIONS=print_stacktrace=1",
        2,
        1,
    ),
)
_NEEDED = re.compile(
    rb"\0(lib(?:asan|tsan|ubsan)\.so\.\d+|libclang_rt\.(?:asan|tsan|ubsan)[\w.-]*\.so)(?=\0)"
)
_XDR = "libtirpc.so.3"
"""What libnvpair takes its xdr_*() from; where there is none the loader only says so."""

_VALGRIND = (
    "--tool=memcheck",
    "--error-limit=no",
    "--leak-check=no",
    "--num-callers=40",
    "--fair-sched=yes",
    "--vgdb=no",
    "--fullpath-after=",  # tells the library's files from those of Python
    # a ZAP's calls are shallow, but the library's threads come with stacks of their own
    "--max-stackframe=8388608",
)


def watch_of(library: Path, valgrind: bool = False) -> Watch | None:
    """How the process of a library is watched: by the sanitizers that it was built with, or by memcheck where
    that is asked for; None where by nobody. Raises NoTarget where what that needs is not here."""
    exported = library.read_bytes()
    present = [each for each in _SANITIZERS if each.mark in exported]
    if valgrind:
        if present:
            raise NoTarget(f"{library}: expected a build without {present[0].name} for --valgrind")
        return _memcheck()
    if not present:
        return None
    needed = [name.decode() for name in dict.fromkeys(_NEEDED.findall(exported))]
    # the runtimes' own xdr_*() go on to those that are loaded when the process starts, and else to nothing
    preloaded = [*(needed or [_runtime(library, exported, present[0])]), _XDR]
    environment = dict(each.options.split("=", 1) for each in present)
    environment |= {"LD_PRELOAD": ":".join(preloaded), WATCHED: "", "PYTHONMALLOC": "malloc"}
    return Watch(
        environment=environment,
        slower=max(each.slower for each in present),
        larger=max(each.larger for each in present),
    )


def _runtime(library: Path, exported: bytes, sanitizer: _Sanitizer) -> str:
    """The runtime of a sanitizer for a library that does not say which it needs: Clang links it into
    programs alone. Raises NoTarget."""
    by_clang = b"clang version" in exported
    compiler, name = ("clang", sanitizer.clang) if by_clang else ("gcc", sanitizer.gcc)
    if found := _asked(compiler, name):
        return found
    raise NoTarget(
        f"{library} needs {name}, and {compiler}, which would know where it is, is not here or has none"
    )


def _asked(compiler: str, name: str) -> str:
    """Where a compiler has a file; "" where it has none."""
    if shutil.which(compiler) is None:
        return ""
    done = subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=False)
    path = done.stdout.strip()
    return path if path != name and Path(path).exists() else ""


def _memcheck() -> Watch:
    program = shutil.which("valgrind")
    if program is None:
        raise NoTarget("--valgrind needs valgrind, and there is none here: install the package of that name")
    asks = compiled(__package__, "definedness", "asking valgrind about blocks")
    environment = {WATCHED: str(asks), "PYTHONMALLOC": "malloc"}
    return Watch((program, *_VALGRIND), environment, slower=40, larger=4)


__all__ = ["OP_MARK", "UNDEFINED_MARK", "WATCHED", "Watch", "watch_of"]
