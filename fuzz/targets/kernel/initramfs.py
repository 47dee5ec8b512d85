"""The guest's first file system: our agent as its init, the modules, ZFS's tools, busybox. A cpio archive in
the form `newc` (Linux, Documentation/driver-api/early-userspace/buffer-format.rst), not compressed, since an
emulated processor unpacks slowly."""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fuzz.targets.kernel.locate import DRIVERS, TOOLS, NoKernel, Parts

AGENT = Path(__file__).with_name("agent")
COMMANDS = (
    "sh",
    "touch",
    "rm",
    "mv",
    "ln",
    "sleep",
    "mkdir",
    "rmdir",
    "ls",
    "chmod",
    "chown",
    "id",
    "su",
    "cat",
    "printf",
    "wc",
    "stat",
)
"""What of busybox a shell script may call."""

KEY = "etc/zapfuzz.key"
"""The key of every encrypted file system: 32 bytes that are no secret (keyformat=raw)."""

PARAMETERS = {"spl": "spl_panic_halt=1"}
"""Parameters of modules: a failed VERIFY only puts its thread to sleep, unless told to be a panic."""


def cpio(entries: Iterable[tuple[str, int, bytes]]) -> bytes:
    """An archive of (name, mode, data) entries; of a symbolic link the data is where it leads."""
    parts: list[bytes] = []

    def put(number: int, name: str, mode: int, data: bytes) -> None:
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
        parts.extend((head, bytes(-len(head) % 4), data, bytes(-len(data) % 4)))

    for number, entry in enumerate(entries, 1):
        put(number, *entry)
    put(0, "TRAILER!!!", 0, b"")
    return b"".join(parts)


def compile_agent(into: Path) -> Path:
    """The agent as a static program, since the guest's C library is another one with each version. Raises
    NoKernel."""
    sources = map(str, sorted(AGENT.glob("*.c")))
    command = ["cc", "-O1", "-Wall", "-static", "-s", "-o", str(into), *sources]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NoKernel("cc is needed to compile the guest's agent: install gcc and libc6-dev") from None
    if done.returncode:
        raise NoKernel(f"the guest's agent does not compile: {done.stderr.strip().splitlines()[-1]}")
    return into


def _needs(module: Path) -> list[str]:
    found = re.search(rb"\0depends=([^\0]*)\0", b"\0" + module.read_bytes())
    return [name.decode() for name in found[1].split(b",") if name] if found else []


def load_order(modules: Mapping[str, Path]) -> list[str]:
    """The modules' names, each behind those that it says it depends on."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order or name not in modules:
            return
        for other in _needs(modules[name]):
            visit(other)
        order.append(name)

    for name in modules:
        visit(name)
    return order


def initramfs(parts: Parts, agent: Path) -> bytes:
    """The archive for a guest of these parts."""
    return cpio(_entries(parts, agent))


def _entries(parts: Parts, agent: Path) -> Iterator[tuple[str, int, bytes]]:
    folder, program, link = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755, stat.S_IFLNK | 0o777
    for name in ("dev", "etc", "bin", "sbin", "lib", "lib64", "pool", "modules.d"):
        yield name, folder, b""
    yield "init", program, agent.read_bytes()
    yield "bin/busybox", program, (parts.linux / "busybox").read_bytes()
    for name in COMMANDS:
        yield f"bin/{name}", link, b"busybox"
    yield "etc/mtab", link, b"/proc/self/mounts"
    yield "etc/passwd", stat.S_IFREG | 0o644, b"root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n"
    yield KEY, stat.S_IFREG | 0o400, bytes(range(32))
    for name in TOOLS:
        yield f"sbin/{name}", program, (parts.tools / name).read_bytes()
    for library in sorted((parts.tools / "lib").iterdir()):
        where = "lib64" if library.name.startswith("ld-linux") else "lib"
        yield f"{where}/{library.name}", program, library.read_bytes()
    modules = {name: parts.linux / f"{name}.ko" for name in DRIVERS}
    modules |= {path.stem: path for path in sorted(parts.modules.glob("*.ko"))}
    order = load_order(modules)
    for name in order:
        yield f"modules.d/{name}.ko", program, modules[name].read_bytes()
    lines = [f"/modules.d/{name}.ko {PARAMETERS.get(name, '')}".strip() for name in order]
    yield "modules", stat.S_IFREG | 0o644, "\n".join([*lines, ""]).encode()
