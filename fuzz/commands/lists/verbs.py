"""`zapfuzz verbs`: every verb, how it is written, and what it does, from the one table."""

from __future__ import annotations

import click

from fuzz.language.verbs import VERBS, Number, Subject, Verb

_SUBJECT = {Subject.NONE: (), Subject.ZAP: ("ZAP",), Subject.CURSOR: ("CURSOR",)}


def form_of(name: str, verb: Verb) -> str:
    """How an op of a verb is written: capitals stand for what the program names, brackets for defaults."""
    words = [name, *_SUBJECT[verb.subject]]
    words += ["ZAP"] * verb.other + ["KEY"] * verb.key + ["KEY"] * verb.to
    return " ".join([*words, *map(_default, verb.numbers)])


def _default(number: Number) -> str:
    shown = f"{number.default:#x}" if number.hex else str(number.default)
    return f"[{number.word}={shown}]"


@click.command("verbs")
def verbs() -> None:
    """List the verbs: how each is written, and what it does.

    KEY is a name in double quotes or 64-bit words joined by colons, as the ZAP's header line says. What
    stands in brackets may be left out and is then as shown.
    """
    for name, verb in VERBS.items():
        click.echo(f"{form_of(name, verb)}\n    {verb.doc}{'; names only' if verb.names else ''}")
