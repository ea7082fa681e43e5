"""Output: results to stdout, progress and errors to stderr, one JSON document with `--json`."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from telephone.cli.formatting import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH = 140
"""Columns of a table that goes to a file or to another program."""


def echo(text: str = "") -> None:
    """Writes a line to stdout."""
    typer.echo(text)


def note(text: str) -> None:
    """Writes a line to stderr, where it does not mix with results."""
    typer.echo(text, err=True)


def print_error(text: str) -> None:
    """Writes an error to stderr, its first word in red on a terminal."""
    note(f"{typer.style('Error:', fg='red', bold=True)} {text}")


def print_warning(text: str) -> None:
    """Writes a warning to stderr, its first word in yellow on a terminal."""
    note(f"{typer.style('Note:', fg='yellow', bold=True)} {text}")


def console(*, err: bool = False) -> "Console":
    """Returns a console for tables and bars, made at each call because a test may have put another stream in place."""
    from rich.console import Console

    made = Console(stderr=err, highlight=False)
    return made if made.is_terminal else Console(stderr=err, highlight=False, width=PIPE_WIDTH)


def table(*columns: str, title: str = "", numbers: Sequence[str] = ()) -> "Table":
    """Returns an empty table in the style of all commands.

    Args:
        columns: headings.
        title: above the table, left-aligned.
        numbers: the headings of the columns that are right-aligned.
    """
    from rich import box
    from rich.table import Table

    made = Table(
        title=title or None,
        box=box.SIMPLE_HEAD,
        header_style="bold cyan",
        pad_edge=False,
        show_edge=False,
    )
    for column in columns:
        right = column in numbers
        made.add_column(column, justify="right" if right else "left", no_wrap=right)
    return made


def print_table(made: "Table") -> None:
    """Writes a table to stdout; its title may be wider than it is."""
    screen = console()
    if made.title:
        screen.print(made.title, style="bold", soft_wrap=True)
        made.title = None
    screen.print(made)


def print_text(text: str) -> None:
    """Writes a line with markup to stdout; `plain` escapes texts of models and files for it."""
    console().print(text, soft_wrap=True)


def plain(text: str) -> str:
    """Returns a text of a model or a file for `print_text`: markup is escaped, control characters are dots."""
    from rich.markup import escape

    return escape(visible(text))


def print_json(document: Any) -> None:
    """Writes one JSON document to stdout; what is not a number becomes null."""
    echo(json.dumps(_jsonable(document), ensure_ascii=False, indent=2, allow_nan=False))


def _jsonable(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _jsonable(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_jsonable(each) for each in value]
    if value is None or isinstance(value, str | int):
        return value
    if hasattr(value, "item"):  # a number of numpy
        return _jsonable(value.item())
    return str(value)
