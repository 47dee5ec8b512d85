"""What a campaign has found as annotations of a GitHub run: `annotate.py FILE`, the object of `--json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def escaped(text: str) -> str:
    """A text as a workflow command takes it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def title(text: str) -> str:
    """A text as a property of a workflow command."""
    return escaped(text).replace(":", "%3A").replace(",", "%2C")


def main() -> None:
    """Print an annotation for each failure that the project does not know."""
    told = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    for each in told["failures"]:
        if each["standing"] != "known":
            words = f"{each['count']} x, {each['standing']}\n\n{each['program'] or ''}"
            print(f"::error title={title(each['signature'])}::{escaped(words)}")


if __name__ == "__main__":
    main()
