"""Reading how this machine's apt is set up, and a private apt that changes nothing of it.

The sources are read in both forms (one-line `.list`, deb822 `.sources`); a `PrivateApt` keeps lists, caches
and its own source list under one folder, so neither root nor the system's package state is needed.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path


class AptProblem(Exception):
    """apt is not there, or said no; the text is one line for a person."""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One archive: its address, suite, components, and the options that say how it is trusted."""

    uri: str
    suite: str
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()

    def line(self) -> str:
        """The one-line form."""
        options = " ".join(f"{name}={value}" for name, value in self.options)
        bracket = f"[{options}] " if options else ""
        return f"deb {bracket}{self.uri} {self.suite} {' '.join(self.components)}"


_ONE_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<rest>[^#]*)"
)
_KEPT = ("signed-by", "trusted")


def parse_list(text: str) -> Iterator[Source]:
    """Sources of a one-line file; lines that are not `deb` lines are passed over."""
    for line in text.splitlines():
        match = _ONE_LINE.match(line.strip())
        if match is None:
            continue
        pairs = (item.partition("=") for item in (match["options"] or "").split())
        options = tuple((name.lower(), value) for name, _, value in pairs if name.lower() in _KEPT)
        yield Source(match["uri"], match["suite"], tuple(match["rest"].split()), options)


def parse_deb822(text: str) -> Iterator[Source]:
    """Sources of a deb822 file. A key that stands in the file itself is passed over (a private list has no
    room for it, and apt then falls back on the machine's trusted keys)."""
    for stanza in re.split(r"\n\s*\n", "\n".join(x for x in text.splitlines() if not x.startswith("#"))):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in " \t":
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
                continue
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes") in ("no", "false"):
            continue
        components = tuple(fields.get("components", "").split())
        options = tuple((key, fields[key]) for key in _KEPT if key in fields and " " not in fields[key])
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, components, options)


def _config(name: str, default: str) -> Path:
    """A path of apt's own configuration, for instance Dir::Etc::sourceparts."""
    command = ["apt-config", "shell", "X", f"{name}/{'d' if name.endswith('parts') else 'f'}"]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    match = re.search(r"X='(.*)'", out)
    return Path(match[1] if match else default)


def machine_sources() -> list[Source]:
    """Every source that this machine's apt has, in the order of its files.

    Raises AptProblem where there is no apt.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise AptProblem("apt-get and dpkg-deb are needed, and are not here")
    parts = _config("Dir::Etc::sourceparts", "/etc/apt/sources.list.d")
    files = [_config("Dir::Etc::sourcelist", "/etc/apt/sources.list")]
    files += sorted(parts.iterdir()) if parts.is_dir() else []
    found: list[Source] = []
    for file in files:
        parse = {".list": parse_list, ".sources": parse_deb822}.get(file.suffix)
        if parse is not None and file.is_file():
            found += parse(file.read_text(errors="replace"))
    return found


class PrivateApt:
    """An apt whose lists, caches and sources are all under `folder`."""

    def __init__(self, folder: Path, sources: Iterable[Source]) -> None:
        self.folder = folder
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "sources.list").write_text("".join(f"{source.line()}\n" for source in sources))
        settings = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::Lists": folder / "lists",
            "Dir::Cache": folder / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        self._options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]

    def _run(self, tool: str, *words: str, cwd: Path | None = None) -> str:
        command = [tool, *self._options, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
        if done.returncode:
            complaint = [x for x in done.stderr.splitlines() if x.startswith("E:")] or [done.stderr.strip()]
            raise AptProblem(f"{tool} {' '.join(words)}: {complaint[0]}")
        return done.stdout

    def update(self) -> None:
        """Fetch the package lists. A suite that an archive does not have is no error; its packages are then
        simply not there."""
        try:
            self._run("apt-get", "update")
        except AptProblem as problem:
            if not any((self.folder / "lists").glob("*_Packages*")):
                raise problem

    def versions(self, package: str, suite: str = "") -> list[str]:
        """The versions of a package that the sources (or those of one suite) have, newest first."""
        rows = (line.split("|") for line in self._run("apt-cache", "madison", package).splitlines())
        wanted = f" {suite}/" if suite else " "
        return [row[1].strip() for row in rows if len(row) == 3 and "Packages" in row[2] and wanted in row[2]]

    def depends(self, package: str, suite: str = "") -> list[str]:
        """The packages that the newest version of a package depends on directly, as that version says."""
        versions = self.versions(package, suite)
        text = self._run("apt-cache", "depends", f"{package}={versions[0]}") if versions else ""
        return re.findall(r"(?m)^\s*\|?(?:Pre)?Depends: (\S+)", text)

    def not_installed(self, *packages: str) -> list[tuple[str, str]]:
        """(package, version) of what this machine lacks of the packages and all that they depend on."""
        words = ("install", "--print-uris", "--reinstall", "-qq", "--no-install-recommends", *packages)
        found = re.findall(r"^'[^']*' (\S+)_(\S+)_\w+\.deb ", self._run("apt-get", *words), re.M)
        return [(name, urllib.parse.unquote(version)) for name, version in found]

    def unpack(self, package: str, version: str, into: Path) -> None:
        """Download one version of a package and unpack its files into a folder."""
        store = self.folder / "debs"
        store.mkdir(exist_ok=True)
        self._run("apt-get", "download", f"{package}={version}", cwd=store)
        for archive in store.glob(f"{package}_*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(archive), str(into)], check=True)
            archive.unlink()
