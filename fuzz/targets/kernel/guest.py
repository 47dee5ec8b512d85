"""A guest that has booted to a mounted pool once, was saved, and starts from there for every program."""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import subprocess
from pathlib import Path

from fuzz.targets.end_with_parent import end_with
from fuzz.targets.kernel import initramfs
from fuzz.targets.kernel.locate import TOOLS, NoKernel, Parts, kernel_cache
from fuzz.targets.kernel.qemu import MACHINE, GuestGone, Qemu, unnamed_copy
from fuzz.targets.packages.cache_folder import working_folder

MAGIC = b"\x9fZAPreq\x01"
SNAPSHOT = "ready"
POOL, PLAIN, LONG = "pool", "pool/plain", "pool/long"
"""A dataset with every property as it is by default, and one with longname=on where the version has that."""

DISK_MIB = 8192
"""Of which only what was written is in the image: a crowded directory's table takes a GiB."""
FIRST_SECTOR = 2048
"""Where its partition begins."""
BOOT_SECONDS = 300.0
"""On a busy machine an emulated processor takes six times as long as on an idle one."""
KVM_SECONDS = 20.0

COMMAND_LINE = (
    "console=ttyS0 loglevel=7 panic=-1 oops=panic softlockup_panic=1 nokaslr mitigations=off "
    "random.trust_cpu=on tsc=unstable no_timer_check"
)
SETTINGS = {
    "/proc/sys/kernel/watchdog_thresh": "4",
    "/proc/sys/kernel/hung_task_timeout_secs": "40",
    "/proc/sys/kernel/hung_task_panic": "1",
    "/sys/module/zfs/parameters/zfs_txg_timeout": "600",
}
"""A processor that is kept for twice the threshold is a soft lockup; a task that sleeps on a lock for too
long a hung one. Txgs sync when a program says so, if not much is dirty."""


class Silent(Exception):
    """The guest gave no answer in time, and its kernel has not panicked."""


class Dead(Exception):
    """The guest's kernel has panicked."""


def qemu_img(folder: Path, *words: str, open_too: int | None = None) -> None:
    """Run qemu-img, which inherits a descriptor and ends with us. Raises NoKernel."""
    parent = os.getpid()
    environment = {"LD_LIBRARY_PATH": str(folder / "lib"), "PATH": os.defpath}
    done = subprocess.run(
        [str(folder / "qemu-img"), *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        pass_fds=() if open_too is None else (open_too,),
        preexec_fn=lambda: end_with(parent),
    )
    if done.returncode:
        raise NoKernel(f"qemu-img: {done.stderr.strip()}")


def make_disk(path: Path, folder: Path) -> None:
    """A qcow2 image with one partition (on a whole disk zpool wants udev). Raises NoKernel."""
    sectors, first = DISK_MIB << 11, FIRST_SECTOR
    entry = struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", 0xBF, b"\xfe\xff\xff", first, sectors - first)
    raw = path.with_suffix(".raw")
    with raw.open("wb") as file:
        file.write(bytes(446) + entry + bytes(48) + b"\x55\xaa")
        file.truncate(sectors << 9)
    try:
        qemu_img(folder, "convert", "-q", "-f", "raw", "-O", "qcow2", str(raw), str(path))
    finally:
        raw.unlink()


class Guest:
    """One guest in its process: ask it, reset it. Raises NoKernel where it cannot be had."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.image = image_of(parts)
        self._qemu: Qemu | None = None
        self._since = 0
        self.used = False

    @property
    def pid(self) -> int:
        """QEMU's process id, 0 if none runs."""
        return self._qemu.pid if self._qemu is not None else 0

    def fresh(self) -> None:
        """The saved state: where it is that already nothing is done. Raises NoKernel."""
        if self._qemu is not None and not self.used:
            return
        try:
            if self._qemu is not None:
                self._qemu.load(SNAPSHOT)
                self._settle()
                return
        except (GuestGone, Silent, Dead):
            self.close()
        try:
            accelerator = self.image.name.rpartition(".")[0].rpartition("-")[2]
            start = ("-loadvm", SNAPSHOT, *_boot_words(self.parts, self.image.with_suffix(".initrd")))
            self._qemu = Qemu(self.parts.qemu, unnamed_copy(self.image), accelerator, start)
            self._settle()
        except (GuestGone, Silent, Dead) as problem:
            self.close()
            raise NoKernel(f"{self.image}: the saved guest does not start: {problem}") from None

    def _settle(self) -> None:
        """Wait until the agent answers in the state that was loaded."""
        self.used = False
        self.root(b"r/proc/uptime", 60)
        self._since = self._running().console_size

    def reboot(self) -> None:
        """Boot anew with the disk as it is, whatever has become of the kernel: no pool is imported then.
        Raises GuestGone, Silent, Dead."""
        qemu = self._running()
        self.used = True
        qemu.reset()
        self._since = qemu.console_size
        self.root(b"r/proc/uptime", BOOT_SECONDS)
        qemu.booted()
        for path, value in SETTINGS.items():
            self.write(path, value.encode())

    def _running(self) -> Qemu:
        if self._qemu is None:
            raise GuestGone("no guest runs")
        return self._qemu

    def root(self, body: bytes, seconds: float = 60) -> tuple[int, bytes]:
        """One request to root's server and its answer. Raises Silent, Dead, GuestGone."""
        qemu = self._running()
        _send(qemu.root, body)
        return self._answer(qemu.root, seconds)

    def run(self, *words: str, seconds: float = 60) -> tuple[int, str]:
        """A command of root's: exit status and what it printed."""
        self.used = True
        code, text = self.root(b"x" + "\0".join(words).encode(), seconds)
        return code, text.decode(errors="replace")

    def write(self, path: str, data: bytes) -> int:
        """Write a file as root; returns an errno."""
        self.used = True
        return self.root(b"w" + path.encode() + b"\0" + data)[0]

    def start_batch(self, body: bytes) -> None:
        """Send a batch of the user's operations; `user_answer` once for each must follow."""
        self.used = True
        _send(self._running().user, body)

    def user_answer(self, seconds: float) -> tuple[int, bytes]:
        """What the next operation of a batch came to. Raises Silent, Dead, GuestGone."""
        return self._answer(self._running().user, seconds)

    def _answer(self, port: socket.socket, seconds: float) -> tuple[int, bytes]:
        code, length = struct.unpack("<iI", self._read(port, 8, seconds))
        return code, self._read(port, length, seconds)

    def _read(self, port: socket.socket, length: int, seconds: float) -> bytes:
        qemu = self._running()
        parts = b""
        while len(parts) < length:
            if not qemu.wait(port, seconds):
                raise Dead if qemu.over else Silent
            part = port.recv(min(length - len(parts), 1 << 20))
            if not part:
                raise GuestGone("QEMU has closed a port")
            parts += part
        return parts

    def save_pool(self, into: Path) -> None:
        """Write the pool's device, as it is on disk now, to a file. Raises NoKernel, GuestGone."""
        qemu = self._running()
        qemu.monitor("stop")  # writes what QEMU still has of the image's own tables
        partition = f"driver=raw,offset={FIRST_SECTOR << 9},size={(DISK_MIB << 20) - (FIRST_SECTOR << 9)}"
        image = f"{partition},file.driver=qcow2,file.file.filename=/proc/self/fd/{qemu.disk}"
        qemu_img(
            self.parts.qemu,
            "convert",
            "-U",
            "--image-opts",
            image,
            "-O",
            "raw",
            str(into),
            open_too=qemu.disk,
        )
        qemu.monitor("cont")

    def console(self) -> bytes:
        """What the kernel has printed since the guest was made fresh."""
        return self._running().console(self._since)

    def close(self) -> None:
        """End the guest's process."""
        if self._qemu is not None:
            self._qemu.close()
            self._qemu = None


def _send(port: socket.socket, body: bytes) -> None:
    try:
        port.sendall(MAGIC + struct.pack("<I", len(body)) + body)
    except OSError as problem:
        raise GuestGone(f"QEMU: {problem.strerror}") from None


def _boot_words(parts: Parts, initrd: Path) -> list[str]:
    """The kernel's part of a command line: a saved state has it in its memory, but may be booted anew."""
    return ["-kernel", str(parts.linux / "vmlinuz"), "-append", COMMAND_LINE, "-initrd", str(initrd)]


def image_of(parts: Parts) -> Path:
    """The saved guest of these parts, booted and saved where it is not there yet (half a minute, some 160 MB
    with its initrd beside it). Raises NoKernel."""
    folder = kernel_cache() / "guests"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{parts.version}-{parts.modules.name}-{_digest(parts)}"
    for found in sorted(folder.glob(f"{name}-*.qcow2")):
        if not found.name.endswith("-kvm.qcow2") or _may_use_kvm():
            return found
    problem = "no accelerator"
    for accelerator, seconds in (("kvm", KVM_SECONDS), ("tcg", BOOT_SECONDS)):
        if accelerator == "kvm" and not _may_use_kvm():
            continue
        image = folder / f"{name}-{accelerator}.qcow2"
        try:
            _make_image(parts, image, accelerator, seconds)
        except (GuestGone, Silent, Dead) as failed:
            problem = f"{accelerator}: {failed or type(failed).__name__.lower()}"
            continue
        _remove_old_images(folder, parts, image)
        return image
    raise NoKernel(f"the guest of {parts.modules} does not come up: {problem}")


def _may_use_kvm() -> bool:
    return os.access("/dev/kvm", os.R_OK | os.W_OK)


def _digest(parts: Parts) -> str:
    """Eight digits that change with whatever the saved state depends on."""
    told = hashlib.sha256(f"{COMMAND_LINE} {SETTINGS} {MACHINE} {DISK_MIB}".encode())
    for source in (Path(__file__), Path(initramfs.__file__), *sorted(initramfs.AGENT.iterdir())):
        told.update(source.read_bytes())
    tools = (parts.tools / name for name in TOOLS)
    for path in sorted([*parts.modules.glob("*.ko"), parts.linux / "vmlinuz", *tools]):
        told.update(path.read_bytes())
    return told.hexdigest()[:8]


def _make_image(parts: Parts, image: Path, accelerator: str, seconds: float) -> None:
    """Boot, make the pool, save. Raises GuestGone, Silent, Dead, NoKernel."""
    with working_folder(image.parent, ".boot-") as folder:
        agent = initramfs.compile_agent(folder / "agent")
        initrd = folder / "initrd"
        initrd.write_bytes(initramfs.initramfs(parts, agent))
        disk = folder / "disk.qcow2"
        make_disk(disk, parts.qemu)
        guest = Guest.__new__(Guest)
        guest.parts, guest.image, guest._since, guest.used = parts, disk, 0, True
        opened = os.open(disk, os.O_RDWR)
        guest._qemu = qemu = Qemu(parts.qemu, opened, accelerator, _boot_words(parts, initrd))
        try:
            guest.root(b"r/proc/uptime", seconds)
            _make_pool(guest)
            qemu.monitor("stop")
            qemu.person(f"savevm {SNAPSHOT}", 120)
            qemu.monitor("quit")
        except (Dead, Silent):
            lines = qemu.console().decode(errors="replace").strip().splitlines()
            raise GuestGone(f"no answer; its console ends with: {lines[-1] if lines else ''}") from None
        finally:
            guest.close()
        os.replace(initrd, image.with_suffix(".initrd"))
        os.replace(disk, image)


def _make_pool(guest: Guest) -> None:
    for path, value in SETTINGS.items():
        guest.write(path, value.encode())
    create = ("zpool", "create", "-f", "-o", "cachefile=none", "-m", f"/{POOL}", POOL, "/dev/vda1")
    for words in (create, ("zfs", "create", PLAIN), ("zfs", "create", LONG)):
        code, text = guest.run(f"/sbin/{words[0]}", *words[1:])
        if code:
            raise NoKernel(f"{' '.join(words)}: {text.strip() or code}")
    guest.run("/sbin/zfs", "set", "longname=on", LONG)  # before 2.3 there is no such property
    guest.run("/bin/chmod", "666", "/dev/zfs")  # as OpenZFS's udev rule has it
    for dataset in (PLAIN, LONG):
        guest.run("/bin/chown", "1000:1000", f"/{dataset}")
    guest.run("/sbin/zpool", "sync")


def _remove_old_images(folder: Path, parts: Parts, image: Path) -> None:
    """Saved guests of what these modules were before."""
    for found in folder.glob(f"{parts.version}-{parts.modules.name}-*"):
        if found.stem != image.stem:
            found.unlink(missing_ok=True)
