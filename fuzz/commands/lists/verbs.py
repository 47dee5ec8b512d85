"""`zapfuzz verbs`: every verb, how it is written, and what it does, from the one table."""

from __future__ import annotations

import json

import click

from fuzz.language.reference import example_of, form_of, reference
from fuzz.language.verbs import VERBS


@click.command("verbs")
@click.option("--json", "form", flag_value="json", help="One JSON object for each verb, one a line.")
@click.option("--markdown", "form", flag_value="markdown", help="The whole reference of the language.")
def verbs(form: str | None) -> None:
    """List the verbs: how each is written, what it does, and an example.

    KEY is a name in double quotes or 64-bit words joined by colons, as the ZAP's header line says. What
    stands in brackets may be left out and is then as shown.
    """
    if form == "markdown":
        click.echo(reference(), nl=False)
        return
    for name, verb in VERBS.items():
        if form == "json":
            click.echo(json.dumps(_data(name)))
        else:
            click.echo(f"{form_of(name, verb)}\n    {verb.doc}{'; names only' if verb.names else ''}")
            click.echo(f"    such as: {example_of(name, verb)}")


def _data(name: str) -> dict[str, object]:
    verb = VERBS[name]
    return {
        "verb": name,
        "form": form_of(name, verb),
        "what": verb.doc,
        "example": example_of(name, verb),
        "effect": verb.effect.name.lower(),
        "names_only": verb.names,
        "threads": verb.threads,
        "numbers": [
            {"word": each.word, "default": each.default, "low": each.low, "high": each.high}
            for each in verb.numbers
        ],
    }
