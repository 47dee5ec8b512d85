"""README's examples, and those of the longer one in fuzz/: the commands of their indented blocks, and what
they show beside them."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import CORPUS, DATA, ROOT

READMES = (ROOT / "README.md", ROOT / "fuzz" / "README.md")
FILES = {
    "kern.log": DATA / "triage" / "stale_dmesg.log",
    "blocks.bin": DATA / "check" / "fat_name_twice.bin",
    "trace.log": DATA / "unpack-and-delete.strace",
    "object.txt": DATA / "check" / "zdb_object.txt",
    "OTHER": CORPUS / "seeds",
}
"""What the files of the examples are."""
_UNBOUNDED = re.compile(r"^fuzz (?!.*--time)")


def blocks() -> list[str]:
    """Every indented block, without its indentation."""
    lines = "\n\n".join(path.read_text("utf-8") for path in READMES).splitlines()
    found: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("    "):
            found[-1].append(line[4:])
        elif found[-1]:
            found.append([])
    return ["\n".join(block) for block in found if block]


def commands() -> Iterator[str]:
    """Each command of zapfuzz in a block, without its comment, but for those of the measurements."""
    for block in blocks():
        for line in block.splitlines():
            if line.startswith("zapfuzz "):
                yield line.partition(" # ")[0].removeprefix("zapfuzz ").strip()


def program() -> str:
    """README's own program."""
    (found,) = [block for block in blocks() if block.startswith("zap z ")]
    return f"{found}\n"


def shown(first: str) -> list[str]:
    """The lines of the block whose first line begins so."""
    (found,) = [block for block in blocks() if block.startswith(first)]
    return found.splitlines()


def lay_out(folder: Path) -> None:
    """Put the files of the examples into a folder."""
    (folder / "program.zap").write_text(program())
    for name, path in FILES.items():
        (shutil.copytree if path.is_dir() else shutil.copyfile)(path, folder / name)


def words_of(command: str) -> list[str]:
    """The words of a command; what takes as long as it is let takes a second."""
    command = re.sub(r"--time \d+", "--time 1", command)
    if not Path("/usr/lib/python3").is_dir():
        command = command.replace("/usr/lib/python3", str(ROOT / "fuzz"))
    if _UNBOUNDED.match(command):
        command += " --time 1"
    return shlex.split(command)
