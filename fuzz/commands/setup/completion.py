"""`zapfuzz completion`: what a shell reads so that the Tab key completes commands, options and programs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = {
    "bash": 'eval "$(zapfuzz completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(zapfuzz completion zsh)" in ~/.zshrc',
    "fish": "zapfuzz completion fish > ~/.config/fish/completions/zapfuzz.fish",
}
"""Where a shell reads it."""


@click.command("completion", epilog="; ".join(f"{name}: {where}" for name, where in SHELLS.items()))
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion(shell: str) -> None:
    """Print what makes a shell complete the words of zapfuzz."""
    made = get_completion_class(shell)
    assert made is not None
    root = click.get_current_context().find_root().command
    click.echo(made(root, {}, "zapfuzz", "_ZAPFUZZ_COMPLETE").source())
