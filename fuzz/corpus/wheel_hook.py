"""What a wheel has in place of the folder `fuzz`: the package `zapfuzz`, with the corpus in it. Only the
build runs this.

`fuzz` is too common a name to be imported by wherever others install, too. So a wheel has the same files as
`zapfuzz/`, and each mention of `fuzz.PART` in them, in imports, module names in strings and texts, as
`zapfuzz.PART`; lines stay where they are. The corpus is data of the package. An editable install has
everything as it is here.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE, NAME = "fuzz", "zapfuzz"
CORPUS = "corpus"
LEFT_OUT = ("wheel_hook.py", "__pycache__")
"""What of `fuzz` no wheel has."""
_IMPORT = re.compile(rf"^\s*(?:from|import)\s+{SOURCE}\b", re.MULTILINE)


def renamed(text: str, parts: frozenset[str]) -> str:
    """A module's text for the wheel; `parts` are the modules and packages right below `fuzz`. Raises
    ValueError where an import of `fuzz` is left, since nothing would be there."""

    def of_wheel(found: re.Match[str]) -> str:
        return f"{NAME}.{found[1]}" if found[1] in parts else found[0]

    text = re.sub(rf"\b{SOURCE}\.(\w+)\b", of_wheel, text)
    text = re.sub(rf"^(\s*from ){SOURCE}( import )", rf"\1{NAME}\2", text, flags=re.MULTILINE)
    if (left := _IMPORT.search(text)) is not None:
        raise ValueError(f"{left[0].strip()}: expected an import of a part of {SOURCE}")
    return text


def lay_out(root: Path, target: Path) -> None:
    """Write the package as a wheel has it."""
    source = root / SOURCE
    parts = frozenset(path.stem for path in source.iterdir())
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if path.is_dir() or path.suffix in (".pyc", ".md") or set(LEFT_OUT) & set(inside.parts):
            continue
        place = target / inside
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".py":
            place.write_text(renamed(path.read_text("utf-8"), parts), "utf-8")
        else:
            shutil.copyfile(path, place)
    shutil.copytree(root / CORPUS, target / CORPUS / "data", ignore=shutil.ignore_patterns(".*"))


class WheelHook(BuildHookInterface[Any]):
    """Hatchling's hook for the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before a wheel is built."""
        if version == "editable":
            return
        self.made = Path(tempfile.mkdtemp(prefix="zapfuzz-wheel-"))
        lay_out(Path(self.root), self.made / NAME)
        build_data["force_include"][str(self.made / NAME)] = NAME
        scripts = self.metadata.core.scripts
        for command, place in scripts.items():
            scripts[command] = place.replace(f"{SOURCE}.", f"{NAME}.", 1)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Afterwards."""
        if version != "editable":
            shutil.rmtree(self.made, ignore_errors=True)
