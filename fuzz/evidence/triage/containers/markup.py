"""What pages, editors, mail programs and loggers do to a line of a log, undone. Knows no failure.

Nothing is touched that a line of a kernel can hold by itself: `<TASK>`, `&db->db_mtx`, `*tag` stay.
"""

from __future__ import annotations

import html
import re

_ENTITY = re.compile(
    r"&(?:amp;)?(?:lt|gt|amp|quot|apos|nbsp|shy|[lr]squo|[lr]dquo|ndash|mdash|hellip|rarr|tab|lpar|rpar"
    r"|lowbar|num|colon|lsqb|rsqb|#\d{1,6}|#[xX][0-9a-fA-F]{1,6});",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"</?(?:pre|code|p|div|span|td|tr|th|tbody|table|thead|a|b|i|u|em|strong|tt|li|ul|ol|font|html|body|head|samp|kbd"
    r"|blockquote|details|summary|h[1-6]|article|section|mark|var|small|s|del|ins|sub|sup)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br ?/?>|</(?:p|div|tr|li|pre)>(?=.)|#012|\\n(?=\s|\[|<|[A-Z]{3}|$)", re.IGNORECASE)
_QUOTE = re.compile(r"(?:\s{0,4}(?:>|&gt;) ?)+(?! ?=)")
_FENCE = re.compile(
    r"\s*(?:```\w*|~~~\w*|\{(?:code|noformat)(?::[^}]*)?\}|\[/?(?:code|quote|pre)\]|-----+)\s*$"
)
_WRAPPED = re.compile(r"^\s*(?:[*\-+] )?(`{1,3}|\*\*)(?P<text>.+?)\1\s*$")
_NUMBERED = re.compile(r"^\s*\d{1,6}(?:\t|: |\s*[|\u2502] ?)(?=\S| )(?!\d+:)")
_ESCAPED = re.compile(r"\\([_*\[\]<>`#()~|+\-.!&])")
_ELEMENT = re.compile(r"\s*<([A-Za-z]\w*)(?: [^<>]*)?>(?P<text>.*)</\1>\s*$")
_COLOUR = re.compile(r"(?:\\(?:033|x1[bB]|e)|\^\[)\[[0-9;]*[mK]")
_PRINTABLE = re.compile(r"=(?:3D|20|09|C2=A0|E2=80=9[0-9A-F])")
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_NOTHING = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u2028"
_LIKE = {
    "\u2192": "->",
    "\u2794": "->",
    "\u279c": "->",
    "\u27f6": "->",
    "\u21d2": "=>",
    "\u2265": ">=",
    "\u2264": "<=",
    "\u2260": "!=",
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": "'",
    "\u2013": "-",
    "\u2014": "--",
    "\u2010": "-",
    "\u2212": "-",
    "\u2026": "...",
    "\uff3f": "_",
    "\uff08": "(",
    "\uff09": ")",
    "\u00ab": '"',
    "\u00bb": '"',
    "\uff1d": "=",
    "\uff1c": "<",
    "\uff1e": ">",
    "\uff0b": "+",
    "\uff3b": "[",
    "\uff3d": "]",
    "\u00d7": "x",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb00": "ff",
    "\u2550": "==",
}
_TABLE = str.maketrans({**dict.fromkeys(_SPACES, " "), **dict.fromkeys(_NOTHING, ""), **_LIKE})
_LATIN_SPACE = re.compile(rb"(?:(?<=[\x00-\x7f])|^)\xa0+")


def decode(raw: bytes) -> str:
    """The text of a line: UTF-8, what is not is replaced, a space of Latin-1 that does not break is a
    space."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _LATIN_SPACE.sub(lambda found: b" " * len(found[0]), raw).decode("utf-8", "replace")


def plain_lines(text: str) -> list[str]:
    """The lines that this one holds, without markup; mostly it is one, and the same."""
    if not text.isascii():
        text = text.translate(_TABLE)
    if "[" in text and ("033[" in text or "x1b[" in text or "\\e[" in text or "^[[" in text):
        text = _COLOUR.sub("", text)
    if "=3D" in text:
        text = _PRINTABLE.sub(lambda found: _printable(found[0]), text)
    if text.endswith(("$", "^M")):
        text = text.removesuffix("$").removesuffix("^M").replace("^I", "\t")  # cat -A
    if "</" in text:
        while (element := _ELEMENT.match(text)) is not None:
            text = element["text"]
    if "&" in text and ";" in text and _ENTITY.search(text):
        text = _ENTITY.sub(lambda found: html.unescape(html.unescape(found[0])), text)
        text = text.translate(_TABLE)
    if "#0" in text or "\\n" in text or ("<" in text and ">" in text):
        text = text.replace("#011", "\t").replace("#033", "\x1b")
        lines = [_TAG.sub("", part) for part in _BREAK.split(text)]
        return [_undecorated(line) for line in lines]
    return [_undecorated(text)]


def _printable(found: str) -> str:
    """A character of a mail that is quoted-printable."""
    return bytes.fromhex(found.replace("=", "")).decode("utf-8", "replace").translate(_TABLE)


def _undecorated(text: str) -> str:
    """Without what quotes, lists, numbers of lines, fences and Markdown's escapes put into a line."""
    first = text.lstrip()[:1]
    if first and first in ">`*-+~{[&0123456789|":
        if first in ">&":
            text = text[found.end() :] if (found := _QUOTE.match(text)) else text
        if first == "|" and text.rstrip().endswith("|"):
            text = text.strip().strip("|").strip()
        if _FENCE.match(text):
            return ""
        if (found := _WRAPPED.match(text)) is not None:
            text = found["text"]
        elif first.isdigit() and (found := _NUMBERED.match(text)) is not None:
            text = text[found.end() :]
        text = text.removeprefix("```")
    if "\\" in text and _ESCAPED.search(text):
        text = _ESCAPED.sub(r"\1", text)
    return text
