"""Makes a page of a template: everything is escaped, and a content security policy names what it has."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

ASSETS = Path(__file__).parent / "assets"


@functools.cache
def _environment() -> jinja2.Environment:
    """Templates of `assets`. A name that a template is not given is an error, not a blank."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS), autoescape=True, undefined=jinja2.StrictUndefined
    )


def fragment(template: str, **given: Any) -> Markup:
    """A part of a page."""
    return Markup(_environment().get_template(template).render(**given))


def _joined(names: Iterable[str]) -> str:
    text = "\n".join((ASSETS / name).read_text("utf-8") for name in names)
    return text.replace('"use strict";\n', "") if text.startswith("//") else text


def render(
    template: str, styles: Iterable[str], scripts: Iterable[str], connect: str = "'none'", **given: Any
) -> str:
    """The text of a page with these styles and scripts of `assets` in it. `connect` is where its script may
    get more from. What is `given` is text or plain data, from anywhere."""
    style, script = _joined(styles), _joined(scripts)
    script = f'"use strict";\n{script}' if script else ""
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hashed(script)}" if script else "script-src 'none'",
            f"style-src {_hashed(style)}",
            "img-src data:",
            f"connect-src {connect}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = _environment().get_template(template)
    # the project's own files go in as they are, and nothing else does
    return page.render(style=Markup(style), script=Markup(script), policy=policy, **given)


def packed(data: object) -> str:
    """Plain data as a page's script unpacks it: JSON, deflated, in base64. A tenth of the JSON's size."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("ascii"), 9)).decode("ascii")


def _hashed(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()
    return f"'sha256-{digest}'"
