"""What a guest with a real ZFS kernel module is made of, into the project's cache: `python -m
fuzz.targets.packages.fetch_kernel_guest [--cache FOLDER] [VERSION...]`.

From the machine's own Debian archive come QEMU, a kernel with its headers, busybox, and for every OpenZFS
version its source and its tools with the libraries they need. The modules are then compiled
(`fuzz.targets.kernel.build_module`). Nothing is installed and no root is needed. Folders appear whole:

    <cache>/qemu        qemu-system-x86_64 and qemu-img with what this machine lacks of their libraries
    <cache>/linux       vmlinuz, the drivers that the guest loads, busybox
    <cache>/<version>   tools/ (zpool, zfs, zdb, their libraries), shipped/ and asserts/ (spl.ko, zfs.ko)
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fuzz.targets.kernel.build_module import BuildProblem, Headers, build_modules
from fuzz.targets.kernel.locate import BUILDS, DRIVERS, TOOLS, kernel_cache
from fuzz.targets.packages.cache_folder import working_folder
from fuzz.targets.packages.fetch_libzpool import private_sources
from fuzz.targets.packages.private_apt import AptProblem, PrivateApt, machine_sources

HELP = "needs Debian's apt, cc, make, strip and readelf (packages gcc, libc6-dev, make and binutils)"

Say = Callable[[str], None]
"""Where lines go that say what is going on."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """One OpenZFS version: the suite that has it, the packages of its tools and libraries, and the release of
    Debian whose C library and other libraries these need."""

    version: str
    suite: str
    base: str
    tools: tuple[str, ...]


_TOOLS_2_3 = ("zfsutils-linux", "libzfs6linux", "libzpool6linux", "libnvpair3linux", "libuutil3linux")
WANTED = (
    Wanted(
        "2.1.11",
        "bookworm",
        "bookworm",
        ("zfsutils-linux", "libzfs4linux", "libzpool5linux", "libnvpair3linux", "libuutil3linux"),
    ),
    Wanted("2.3.2", "bookworm-backports", "bookworm", _TOOLS_2_3),
    Wanted("2.3.9", "trixie", "trixie", _TOOLS_2_3),
    Wanted(
        "2.4.4",
        "trixie-backports",
        "trixie",
        ("zfsutils-linux", "libzfs7linux", "libzpool7linux", "libnvpair3linux", "libuutil3linux"),
    ),
)
"""Every version that is known; each is built for the same kernel."""

LINUX_SUITE, LINUX_KBUILD = "bookworm", "linux-kbuild-6.1"
"""Where the kernel comes from: the one that all these versions can be compiled for."""

LIBRARIES = {
    "libc.so.6": "libc6",
    "libm.so.6": "libc6",
    "libgcc_s.so.1": "libgcc-s1",
    "libtirpc.so.3": "libtirpc3t64 libtirpc3",
    "libblkid.so.1": "libblkid1",
    "libuuid.so.1": "libuuid1",
    "libudev.so.1": "libudev1",
    "libcap.so.2": "libcap2",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libkrb5.so.3": "libkrb5-3",
    "libk5crypto.so.3": "libk5crypto3",
    "libcom_err.so.2": "libcom-err2",
    "libe2p.so.2": "libext2fs2t64 libext2fs2",
    "libkrb5support.so.0": "libkrb5support0",
    "libkeyutils.so.1": "libkeyutils1",
    "libcrypto.so.3": "libssl3t64 libssl3",
    "libssl.so.3": "libssl3t64 libssl3",
}
"""Shared objects that the tools need, directly or not, and the packages that may bring each."""

_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")


class Archive:
    """The machine's archive behind a private apt: all its suites and those of WANTED for the guest, its own
    suites alone for what runs on this machine."""

    def __init__(self, scratch: Path) -> None:
        machine = machine_sources()
        everything = private_sources(machine)
        own = {source.suite for source in machine}
        self.all = PrivateApt(scratch / "all", everything)
        self.all.update()
        self.own = PrivateApt(scratch / "own", [x for x in everything if x.suite in own])
        self.own.update()

    def unpack(self, package: str, suite: str, into: Path) -> str:
        """Unpack the newest version of a package that a suite has; returns the version. Raises AptProblem."""
        versions = self.all.versions(package, suite)
        if not versions:
            raise AptProblem(f"{package} is not in the archive's {suite}")
        self.all.unpack(package, versions[0], into)
        return versions[0]


def needed_objects(file: Path) -> list[str]:
    """Names of the shared objects that an executable or library needs itself."""
    text = subprocess.run(["readelf", "-d", str(file)], capture_output=True, text=True, check=True).stdout
    return _NEEDED.findall(text)


def _into(folder: Path, make: Callable[[Path, Path], None]) -> None:
    """Make a folder whole or not at all: `make` gets it, empty, and a place for what is needed on the way."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with working_folder(folder.parent, f".{folder.name}-") as temporary:
        made, scratch = temporary / folder.name, temporary / "scratch"
        made.mkdir()
        scratch.mkdir()
        make(made, scratch)
        if folder.exists():
            shutil.rmtree(folder)
        made.rename(folder)


def fetch_qemu(archive: Archive, folder: Path) -> None:
    """QEMU, the firmware that it boots with, and those of its libraries that are not on this machine. Raises
    AptProblem."""

    def make(made: Path, scratch: Path) -> None:
        for name, version in archive.own.not_installed("qemu-system-x86", "qemu-utils"):
            archive.own.unpack(name, version, scratch)
        for part in ("lib", "modules", "share"):
            (made / part).mkdir()
        for name in ("qemu-system-x86_64", "qemu-img"):
            shutil.copy2(shutil.which(name, path=f"{scratch}/usr/bin:{os.defpath}") or name, made / name)
        for found in scratch.rglob("*.so*"):
            if found.is_file() and found.parent.name != "qemu":
                shutil.copy2(found, made / "lib" / found.name, follow_symlinks=True)
        shutil.copy2(next(scratch.rglob("accel-tcg-x86_64.so")), made / "modules")
        for name in ("bios-256k.bin", "linuxboot_dma.bin", "kvmvapic.bin", "vgabios-stdvga.bin"):
            found = next((x for x in scratch.rglob(name) if x.is_file()), Path("/usr/share/seabios", name))
            shutil.copy2(found, made / "share" / name, follow_symlinks=True)
        environment = os.environ | {"LD_LIBRARY_PATH": str(made / "lib")}
        said = subprocess.run(
            [made / "qemu-system-x86_64", "-version"], env=environment, capture_output=True, text=True
        )
        if said.returncode:
            raise AptProblem(f"QEMU does not start: {said.stderr.strip().splitlines()[-1]}")

    _into(folder, make)


def fetch_linux(archive: Archive, folder: Path) -> None:
    """The kernel, the drivers of a virtual machine's devices, and busybox for shell scripts. Raises
    AptProblem."""

    def make(made: Path, scratch: Path) -> None:
        image = linux_package(archive, "image")
        archive.unpack(image, LINUX_SUITE, scratch)
        archive.unpack("busybox-static", LINUX_SUITE, scratch)
        shutil.copy2(next(scratch.glob("boot/vmlinuz-*")), made / "vmlinuz")
        shutil.copy2(next(scratch.glob("**/bin/busybox")), made / "busybox")
        for name in DRIVERS:
            found = next(scratch.glob(f"lib/modules/*/kernel/drivers/**/{name}.ko"), None)
            if found is None:
                raise AptProblem(f"{image} has no {name}.ko")
            shutil.copy2(found, made / found.name)
        (made / "PACKAGES").write_text(f"{image}\n", "utf-8")

    _into(folder, make)


def linux_package(archive: Archive, kind: str) -> str:
    """The package of the newest cloud kernel: kind is `image` or `headers`. Raises AptProblem."""
    names = archive.all.depends(f"linux-{kind}-cloud-amd64", LINUX_SUITE)
    found = [name for name in names if re.fullmatch(rf"linux-{kind}-[\d.-]+-cloud-amd64", name)]
    if not found:
        raise AptProblem(f"linux-{kind}-cloud-amd64 is not in the archive's {LINUX_SUITE}")
    return found[0]


def fetch_headers(archive: Archive, into: Path) -> Headers:
    """What modules are compiled against. Raises AptProblem."""
    package = linux_package(archive, "headers")
    common = package.replace("-cloud-amd64", "-common")
    for name in (package, common, LINUX_KBUILD):
        archive.unpack(name, LINUX_SUITE, into)
    return Headers.unpacked(into / "usr" / "src" / common, into / "usr" / "src" / package)


def fetch_tools(archive: Archive, wanted: Wanted, folder: Path, scratch: Path) -> None:
    """TOOLS with every library that they need, also the C library: the guest has no other. Raises
    AptProblem."""
    unpacked = scratch / "tools"
    unpacked.mkdir()
    done = set()
    for package in wanted.tools:
        archive.unpack(package, wanted.suite, unpacked)
    archive.unpack("e2fsprogs", wanted.base, unpacked)
    (folder / "lib").mkdir(parents=True)
    for name in TOOLS:
        shutil.copy2(next(x for x in unpacked.rglob(name) if x.is_file() and os.access(x, os.X_OK)), folder)
    todo = [name for tool in folder.iterdir() if tool.is_file() for name in needed_objects(tool)]
    todo.append("libgcc_s.so.1")  # what pthread_exit() loads by itself
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        found = next(unpacked.rglob(name), None) or _library(archive, wanted.base, name, unpacked)
        target = folder / "lib" / name
        shutil.copy2(found, target, follow_symlinks=True)
        todo += needed_objects(target)


def _library(archive: Archive, base: str, name: str, unpacked: Path) -> Path:
    packages = LIBRARIES.get("libc.so.6" if name.startswith("ld-linux") else name, "").split()
    for package in packages:
        if archive.all.versions(package, base):
            archive.unpack(package, base, unpacked)
            if found := next(unpacked.rglob(name), None):
                return found
    raise AptProblem(f"no package of {base} is known to have {name}")


def fetch_version(archive: Archive, wanted: Wanted, headers: Headers, folder: Path, say: Say) -> None:
    """One OpenZFS version: its tools, and its modules in every build. Raises AptProblem, BuildProblem."""

    def make(made: Path, scratch: Path) -> None:
        source = scratch / "source"
        source.mkdir()
        version = archive.unpack("zfs-dkms", wanted.suite, source)
        if not version.startswith(f"{wanted.version}-"):
            raise AptProblem(f"{wanted.suite} has zfs-dkms {version} now, not {wanted.version}")
        fetch_tools(archive, wanted, made / "tools", scratch)
        build_modules(next(source.glob("usr/src/zfs-*")), headers, made, say)
        (made / "PACKAGES").write_text(f"zfs-dkms {version}\n", "utf-8")

    _into(folder, make)


def present(cache: Path, version: str) -> bool:
    """Whether a version's modules are there."""
    return all((cache / version / build / "zfs.ko").is_file() for build in BUILDS)


def has_tools(cache: Path, version: str) -> bool:
    """Whether a version's tools are there, also what a guest did not always have."""
    return all((cache / version / "tools" / name).is_file() for name in TOOLS)


def fetch(cache: Path, versions: Iterable[str], say: Say) -> Iterator[str]:
    """Bring what is not there yet; lines that say what cannot be had. Raises AptProblem, BuildProblem if that
    is a thing without which nothing works."""
    chosen = [x for x in WANTED if x.version in versions]
    todo = [x for x in chosen if not (present(cache, x.version) and has_tools(cache, x.version))]
    for each in chosen:
        if each not in todo:
            say(f"{each.version}: {cache / each.version} (there already)")
    if not todo and (cache / "qemu").is_dir() and (cache / "linux").is_dir():
        return
    cache.mkdir(parents=True, exist_ok=True)
    with working_folder(cache, ".fetch-") as temporary:
        say("reading the archive's lists")
        archive = Archive(temporary)
        for name, make in (("qemu", fetch_qemu), ("linux", fetch_linux)):
            if not (cache / name).is_dir():
                say(f"{name}: fetching some 20 MB")
                make(archive, cache / name)
        for each in [x for x in todo if present(cache, x.version)]:
            say(f"{each.version}: fetching tools")
            _into(cache / each.version / "tools", functools.partial(fetch_tools, archive, each))
            todo.remove(each)
        if not todo:
            return
        say("kernel headers: fetching some 15 MB")
        (tree := temporary / "headers").mkdir()
        headers = fetch_headers(archive, tree)
        for each in todo:
            say(f"{each.version}: fetching source and tools; then some 6 minutes of CPU time to compile")
            try:
                fetch_version(archive, each, headers, cache / each.version, say)
                say(f"{each.version}: {cache / each.version}")
            except (AptProblem, BuildProblem) as problem:
                yield f"{each.version}: {problem}"


def main(arguments: list[str] | None = None) -> int:
    """Fetch and build, saying what is done; 2 where something cannot be had."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzz.targets.packages.fetch_kernel_guest", description=fetch.__doc__
    )
    parser.add_argument("--cache", help="folder to keep everything in (default: .cache/kernel)")
    parser.add_argument("versions", nargs="*", default=["2.3.2"], metavar="VERSION")
    given = parser.parse_args(arguments)
    known = [x.version for x in WANTED]
    for version in given.versions:
        if version not in known:
            print(f"kernel: {version}: expected one of {', '.join(known)}", file=sys.stderr)
            return 2
    try:
        missing = list(fetch(kernel_cache(given.cache), given.versions, lambda line: print(line, flush=True)))
    except (AptProblem, BuildProblem, OSError, subprocess.CalledProcessError) as problem:
        missing = [f"{problem}; {HELP}"]
    for line in missing:
        print(f"kernel: {line}", file=sys.stderr)
    return 2 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
