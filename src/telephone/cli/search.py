"""`telephone search`: libraries of pictures; each operation is a sub-command in a file of its own."""

from collections.abc import Callable

import typer
from typer.core import TyperGroup

from telephone.cli import search_index, search_maintenance, search_query
from telephone.cli.command_group import Command

NAME = "search"

COMMANDS: dict[str, Callable[..., None]] = {
    "index": search_index.index,
    "query": search_query.query,
    "similar": search_query.similar,
    "stats": search_maintenance.stats,
    "verify": search_maintenance.verify,
    "repair": search_maintenance.repair,
    "merge": search_maintenance.merge,
    "check": search_maintenance.check,
}
"""The sub-commands, in the order of the help."""

app = typer.Typer(cls=TyperGroup, no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)
for name, function in COMMANDS.items():
    app.command(name, cls=Command)(function)


@app.callback()
def command() -> None:
    """Find pictures of yours by words in English and Chinese, by pictures, by colour and by properties."""
