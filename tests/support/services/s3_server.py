"""A server of S3 on a port of loopback: rclone's, over folders of this machine, with keys of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from tests.support.services.dask_cluster import free_port, wait_for_port

KEY, SECRET = "zapfuzz", "only-for-this-test"


@contextlib.contextmanager
def s3(folder: Path, served: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a folder that it serves as a bucket, and the environment from which s3fs knows where it
    is, and the keys. `folder` is for its own files."""
    folder.mkdir()
    served.mkdir()
    port = free_port()
    server = Path(sysconfig.get_path("scripts"), "rclone")
    settings = ["--config", str(folder / "settings"), "--auth-key", f"{KEY},{SECRET}"]
    process = subprocess.Popen(
        [server, "serve", "s3", "--addr", f"127.0.0.1:{port}", *settings, str(served.parent)],
        stderr=(folder / "log").open("wb"),
    )
    try:
        wait_for_port(port)
        yield (
            f"s3://{served.name}",
            {
                "FSSPEC_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET,
            },
        )
    finally:
        process.terminate()
        process.wait()
