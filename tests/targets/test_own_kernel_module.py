"""`--kernel-module`: modules of the user's own are looked for, and looked at, before a guest is booted."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.targets.kernel.locate import TOOLS, NoKernel, find_parts

KERNEL = "6.1.0-50-cloud-amd64"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with the files that are looked for, and a tree that was built for its kernel."""
    monkeypatch.setenv("ZAPFUZZ_CACHE", str(tmp_path / "cache"))
    cache = tmp_path / "cache" / "kernel"
    for folder in ("qemu", "linux", "2.3.2/tools"):
        (cache / folder).mkdir(parents=True)
    for name in TOOLS:
        (cache / "2.3.2" / "tools" / name).touch()
    (cache / "linux" / "PACKAGES").write_text(f"linux-image-{KERNEL}\n")
    module = tmp_path / "zfs" / "module"
    module.mkdir(parents=True)
    (module / "spl.ko").write_bytes(b"")
    (module / "zfs.ko").write_bytes(f"\0vermagic={KERNEL} SMP preempt\0".encode())
    return tmp_path / "zfs"


def test_a_tree_and_its_folder_of_modules_are_one(tree: Path) -> None:
    """Modules stand in `module` of a tree that was built, or where the user has put them."""
    for given in (tree, tree / "module"):
        assert find_parts("2.3", "shipped", given).modules == tree / "module"


def test_modules_of_another_kernel_are_told(tree: Path) -> None:
    """The guest would refuse to load them, after half a minute of booting."""
    (tree / "module" / "zfs.ko").write_bytes(b"\0vermagic=6.12.1-amd64 SMP\0")
    with pytest.raises(NoKernel, match=f"made for 6.12.1-amd64, and the guest has {KERNEL}"):
        find_parts("2.3", "shipped", tree)


def test_a_folder_without_modules_is_told(tree: Path) -> None:
    """One line that says what was looked for where."""
    with pytest.raises(NoKernel, match=r"expected spl.ko and zfs.ko there or in its folder module"):
        find_parts("2.3", "shipped", tree.parent)
