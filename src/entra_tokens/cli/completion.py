"""`entra-tokens completion`."""

from __future__ import annotations

import click

from . import talk

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  bash  eval "$(entra-tokens completion bash)"                in ~/.bashrc
  zsh   eval "$(entra-tokens completion zsh)"                 in ~/.zshrc
  fish  entra-tokens completion fish > ~/.config/fish/completions/entra-tokens.fish
"""


@click.command("completion", epilog=_EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    root = context.find_root()
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    name = root.command.name or ""
    talk.result(kind(root.command, {}, name, f"_{name.upper().replace('-', '_')}_COMPLETE").source().rstrip())
