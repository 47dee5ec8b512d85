"""One QEMU process: started so that it ends with us, its monitor, the guest's console and two ports.

Every file that it writes has no name: the disk is an unnamed copy, the console another, ports and monitor are
socket pairs. So nothing is left whoever is killed when.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuzz.targets.end_with_parent import end_with

MEMORY = 512
"""MiB of the guest."""

MACHINE = ("-M", "pc", "-cpu", "qemu64", "-smp", "1", "-m", str(MEMORY))
"""A plain old processor: with `-cpu max` the emulated load of zfs.ko takes longest, by its self-tests."""

WHEN_OVER = "reboot=shutdown,shutdown=pause"
"""A guest that panics reboots, is stopped there, and can be loaded again in the same process."""


class GuestGone(Exception):
    """QEMU has ended, or never got on; the text is what it said last."""


def unnamed_file(folder: Path | None = None) -> int:
    """A new file without a name, open for reading and writing; beside others in `folder` if it can be."""
    if folder is not None:
        with contextlib.suppress(OSError):
            return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def unnamed_copy(path: Path) -> int:
    """A copy of a file that has no name: what is written to it is gone when it is closed."""
    copy = unnamed_file(path.parent)
    with path.open("rb") as source, open(copy, "wb", closefd=False) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return copy


class Qemu:
    """A guest's process. `disk` is an open file with a qcow2 image, closed with the process; `more` are
    further words of the command line. Raises GuestGone where it does not start."""

    def __init__(self, folder: Path, disk: int, accelerator: str, more: Sequence[str]) -> None:
        self._disk, self._console = disk, unnamed_file()
        self.root, their_root = socket.socketpair()
        self.user, their_user = socket.socketpair()
        self._monitor, their_monitor = socket.socketpair()
        theirs = [each.fileno() for each in (their_root, their_user, their_monitor)]
        root, user, monitor = theirs
        # QEMU takes a descriptor only if it is open as it would open the file itself: the disk in two ways
        reading = os.open(f"/proc/self/fd/{disk}", os.O_RDONLY)
        console = os.open(f"/proc/self/fd/{self._console}", os.O_WRONLY | os.O_APPEND)
        command = [
            *(str(folder / "qemu-system-x86_64"), "-L", str(folder / "share")),
            *("-nodefaults", "-no-user-config", "-display", "none", "-accel", accelerator, *MACHINE),
            *("-action", WHEN_OVER, "-add-fd", f"fd={disk},set=1", "-add-fd", f"fd={reading},set=1"),
            *("-add-fd", f"fd={console},set=2"),
            *("-drive", "file=/dev/fdset/1,if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap"),
            *("-device", "virtio-blk-pci,drive=disk", "-device", "virtio-serial-pci"),
            *("-chardev", f"socket,id=root,fd={root}", "-device", "virtserialport,chardev=root,nr=1"),
            *("-chardev", f"socket,id=user,fd={user}", "-device", "virtserialport,chardev=user,nr=2"),
            *("-chardev", "file,id=console,path=/dev/fdset/2,append=on", "-serial", "chardev:console"),
            *("-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=control"),
            *more,
        ]
        environment = {"LD_LIBRARY_PATH": str(folder / "lib"), "QEMU_MODULE_DIR": str(folder / "modules")}
        parent = os.getpid()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            pass_fds=(disk, reading, console, *theirs),
            preexec_fn=lambda: end_with(parent),
        )
        os.close(console)
        os.close(reading)
        for each in (their_root, their_user, their_monitor):
            each.close()
        self._text = b""
        self.over = False
        """Whether the guest has ended by itself and stands still."""
        self._greet()

    @property
    def pid(self) -> int:
        """QEMU's process id."""
        return self._process.pid

    @property
    def disk(self) -> int:
        """The descriptor of the guest's disk, an image in qcow2."""
        return self._disk

    def _greet(self) -> None:
        try:
            self._receive(20)
            self.monitor("qmp_capabilities")
        except GuestGone:
            self.close()
            raise

    def _died(self) -> GuestGone:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip().splitlines()
        return GuestGone(f"QEMU: {said[-1] if said else f'ended with status {self._process.returncode}'}")

    def _receive(self, seconds: float) -> dict[str, Any]:
        """The next message of the monitor. Raises GuestGone."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._text:
            ready, _, _ = select.select([self._monitor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise GuestGone("QEMU's monitor does not answer")
            part = self._monitor.recv(1 << 16)
            if not part:
                raise self._died()
            self._text += part
        line, _, self._text = self._text.partition(b"\n")
        message = json.loads(line)
        assert isinstance(message, dict)
        if message.get("event") in ("SHUTDOWN", "STOP") and "guest" in str(message.get("data", "")):
            self.over = True
        return message

    def monitor(self, command: str, seconds: float = 60, **arguments: object) -> object:
        """Ask the monitor and return its answer. Raises GuestGone, also where the answer is an error."""
        request = {"execute": command, "arguments": arguments} if arguments else {"execute": command}
        try:
            self._monitor.sendall(json.dumps(request).encode())
        except OSError:
            raise self._died() from None
        while True:
            message = self._receive(seconds)
            if "error" in message:
                raise GuestGone(f"QEMU: {command}: {message['error'].get('desc')}")
            if "return" in message:
                return message["return"]

    def person(self, line: str, seconds: float = 60) -> None:
        """A line for the monitor that people use, which has `savevm` and `loadvm`. Raises GuestGone."""
        answer = self.monitor("human-monitor-command", seconds, **{"command-line": line})
        if answer:
            raise GuestGone(f"QEMU: {line}: {str(answer).strip()}")

    def wait(self, port: socket.socket, seconds: float) -> bool:
        """Whether a port has something to read within the time; False also once the guest is over. Raises
        GuestGone."""
        deadline = time.monotonic() + seconds
        while not self.over:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([port, self._monitor], [], [], max(0.0, left))
            if port in ready:
                return True
            if self._monitor in ready:
                self._receive(1)
            elif left <= 0:
                return False
        ready, _, _ = select.select([port], [], [], 0)
        return bool(ready)

    def load(self, name: str) -> None:
        """Go back to a saved state; what was under way on the ports is dropped. Raises GuestGone."""
        self._stand_still()
        self.person(f"loadvm {name}")
        self.over = False
        self.monitor("cont")

    def reset(self) -> None:
        """Boot anew, as by the button; the disk stays as it is. `booted` must follow. Raises GuestGone."""
        self._stand_still()
        self.monitor("set-action", reboot="reset")  # the BIOS resets once more by itself
        self.monitor("system_reset")
        self.over = False
        self.monitor("cont")

    def booted(self) -> None:
        """A reset has come to its end: from now on a guest that resets itself has panicked."""
        self.monitor("set-action", reboot="shutdown")

    def _stand_still(self) -> None:
        """Stop, and drop what the guest has said that nobody has read."""
        self.monitor("stop")
        for port in (self.root, self.user):
            while select.select([port], [], [], 0)[0]:
                if not port.recv(1 << 20):
                    raise self._died()

    def console(self, start: int = 0) -> bytes:
        """What the guest's console has printed from a place on."""
        return os.pread(self._console, max(0, self.console_size - start), start)

    @property
    def console_size(self) -> int:
        """Bytes that the console has printed so far."""
        return os.fstat(self._console).st_size

    def close(self) -> None:
        """End the process and let go of everything. Safe to call twice."""
        if self._disk < 0:
            return
        self._process.kill()
        self._process.wait()
        for each in (self.root, self.user, self._monitor):
            each.close()
        self._said.close()
        os.close(self._disk)
        os.close(self._console)
        self._disk = -1
