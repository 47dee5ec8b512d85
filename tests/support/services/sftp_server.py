"""OpenSSH's own server on a port of loopback, as an ordinary process, with keys that are made for it."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.missing import missing
from tests.support.services.dask_cluster import free_port, wait_for_port

SETTINGS = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/mine.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp internal-sftp
"""


@contextlib.contextmanager
def sftp(folder: Path, served: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a folder that it serves, and the environment from which fsspec knows the key. `folder`
    is for its own files. Skips the test where OpenSSH is not installed; in CI fails it."""
    server = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if server is None:
        missing("no sshd here: Debian's openssh-server")
    folder.mkdir()
    served.mkdir()
    for name in ("host", "mine"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True)
    port = free_port()
    (folder / "settings").write_text(SETTINGS.format(port=port, folder=folder))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # it wants that as root
    process = subprocess.Popen(
        [server, "-D", "-e", "-f", str(folder / "settings")], stderr=(folder / "log").open("wb")
    )
    try:
        wait_for_port(port)
        yield (
            f"sftp://{getpass.getuser()}@127.0.0.1:{port}{served}",
            {"FSSPEC_SFTP_KEY_FILENAME": str(folder / "mine")},
        )
    finally:
        process.terminate()
        process.wait()
