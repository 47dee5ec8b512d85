"""Where `make kernel` leaves what a guest is made of. Looks at files only; runs nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from fuzz.corpus import places
from fuzz.targets.base import NoTarget
from zapcore.release import PINNED

SHIPPED, ASSERTS = BUILDS = ("shipped", "asserts")
"""How a version's modules are built: as Debian does, and with the assertions of the ZAP's own files."""

DRIVERS = (
    "virtio",
    "virtio_ring",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_blk",
    "virtio_console",
)
"""The guest's drivers, in the order in which they are loaded."""


TOOLS = ("zpool", "zfs", "zdb", "chattr")
"""What the guest has beside busybox: OpenZFS's own commands, and what gives a file to a project."""


class NoKernel(NoTarget):
    """No guest is to be had; the text says in one line what is missing and how to get it."""


class Parts(NamedTuple):
    """What one guest is made of: two folders that all share, the modules' and the tools' folder."""

    qemu: Path
    linux: Path
    modules: Path
    tools: Path
    version: str


def kernel_cache(chosen: str | Path | None = None) -> Path:
    """The chosen folder, or kernel in the cache (`fuzz.corpus.places`)."""
    return Path(chosen).resolve() if chosen is not None else places.cache() / "kernel"


def find_parts(release: str, build: str, modules: str | os.PathLike[str] | None = None) -> Parts:
    """What a release (of the model's, or an OpenZFS version) needs; `modules` is a folder of the user's with
    spl.ko and zfs.ko, or a tree of OpenZFS's that was built, for the kernel of the cache. Raises NoKernel."""
    cache = kernel_cache()
    version = PINNED.get(release, release)
    own = cache / version / build if modules is None else _folder_of(Path(modules).expanduser().resolve())
    parts = Parts(cache / "qemu", cache / "linux", own, cache / version / "tools", version)
    if modules is not None and not parts.tools.is_dir():
        raise NoKernel(f"no tools of release {release} are in {cache}: run `zapfuzz fetch --kernel` for it")
    needed = [parts.modules / "zfs.ko", parts.modules / "spl.ko", parts.qemu, parts.linux]
    for what in (*needed, *(parts.tools / name for name in TOOLS)):
        if not what.exists():
            raise NoKernel(f"{what} is not there: run `zapfuzz fetch --kernel {version}`")
    if modules is not None and (wrong := _other_kernel(parts)) is not None:
        raise NoKernel(wrong)
    return parts


def _folder_of(given: Path) -> Path:
    """Where a built tree has its modules, or the folder itself. Raises NoKernel."""
    for folder in (given, given / "module"):
        if (folder / "zfs.ko").is_file() and (folder / "spl.ko").is_file():
            return folder
    raise NoKernel(f"--kernel-module {given}: expected spl.ko and zfs.ko there or in its folder module")


def _other_kernel(parts: Parts) -> str | None:
    """Whether modules are made for another kernel than the guest's, which would not load them."""
    found = re.search(rb"\0vermagic=(\S+)", (parts.modules / "zfs.ko").read_bytes())
    made_for = found[1].decode(errors="replace") if found else "no kernel that it tells"
    has = (parts.linux / "PACKAGES").read_text("utf-8").strip().removeprefix("linux-image-")
    if made_for == has:
        return None
    return f"{parts.modules}/zfs.ko is made for {made_for}, and the guest has {has}: configure it with that"
