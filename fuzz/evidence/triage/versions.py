"""Which releases of OpenZFS and of the kernel a log names. Knows no failure and no advice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuzz.evidence.triage.events import Event

_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "zfs",
        re.compile(
            r"(?:Loaded module v|[Zz]fs-kmod-|^zfs-|ZFS: Loading module "
            r"v)(?P<version>\d+\.\d+\.\d+[\w.\-~+]*)"
        ),
    ),
    ("zfs", re.compile(r"/zfs(?:-dkms)?[/-](?P<version>[012]\.\d+\.\d+[\w.]*)/")),
    ("zfs", re.compile(r"openzfsonosx\.zfs ?\((?P<version>\d+\.\d+[\d.]*)")),
    ("zfs", re.compile(r"net\.lundman\.zfs ?\((?P<version>\d+\.\d+[\d.]*)")),
    ("freebsd", re.compile(r"FreeBSD (?P<version>\d{1,2}\.\d)-")),
    ("debug", re.compile(r"Loaded module v\S+ \((?P<version>DEBUG) mode\)")),
    ("kernel", re.compile(r"Comm: .*?(?:[Tt]ainted.*? )(?P<version>\d\.\d{1,3}\.\d{1,3}[\w.\-+]*) #")),
    ("kernel", re.compile(r"Linux version (?P<version>\d\.\d{1,3}\.\d{1,3}[\w.\-+]*)")),
)
_SOME = re.compile(r"odule v|kmod|/zfs|\.zfs|^zfs-|FreeBSD|ainted|Linux version")
_LEGACY = re.compile(r"/cddl/|opensolaris|common/fs/zfs")


class Versions:
    """Takes every line that the parser sees, keeps the last of each version."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def feed(self, text: str) -> None:
        """Look at one line."""
        if _SOME.search(text) is None:
            return
        for name, form in _FORMS:
            match = form.search(text)
            if match is not None:
                self._found[name] = match["version"]
            elif name == "debug" and "Loaded module v" in text:
                self._found.pop(name, None)

    def of(self, event: Event) -> dict[str, str]:
        """What is known for one failure; `legacy` where its file shows a ZFS from before OpenZFS 2.0."""
        found = dict(self._found)
        if "zfs" not in found and (_LEGACY.search(event.file) or event.form == "illumos"):
            found["legacy"] = (
                "illumos" if event.form == "illumos" or "common/fs/zfs" in event.file else "FreeBSD"
            )
            if event.form == "freebsd" or "/usr/src/sys" in event.file:
                found["legacy"] = "FreeBSD"
        return found
