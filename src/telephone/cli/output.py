"""Where words go: results to stdout, progress and complaints to stderr, and one JSON document where it is asked for."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH = 140
"""Columns of a table that goes to a file or to another program."""


def say(text: str = "") -> None:
    """Writes a line to stdout."""
    typer.echo(text)


def tell(text: str) -> None:
    """Writes a line to stderr, where it does not mix with results."""
    typer.echo(text, err=True)


def complain(text: str) -> None:
    """Writes an error to stderr, its first word in red on a terminal."""
    tell(f"{typer.style('Error:', fg='red', bold=True)} {text}")


def warn(text: str) -> None:
    """Writes a warning to stderr, its first word in yellow on a terminal."""
    tell(f"{typer.style('Note:', fg='yellow', bold=True)} {text}")


def console(*, err: bool = False) -> "Console":
    """Returns a console for tables and bars, made at each call because a test may have put another stream in place."""
    from rich.console import Console

    made = Console(stderr=err, highlight=False)
    return made if made.is_terminal else Console(stderr=err, highlight=False, width=PIPE_WIDTH)


def table(*columns: str, title: str = "", numbers: Sequence[str] = ()) -> "Table":
    """Returns an empty table in the look that all commands share.

    Args:
        columns: headings.
        title: stands above, to the left.
        numbers: the headings of those columns that are flushed right.
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
    """Writes a line with markup to stdout; `plain` makes a foreign text safe to stand in it."""
    console().print(text, soft_wrap=True)


def plain(text: str) -> str:
    """Returns a text of a player or a file without what a terminal would obey: markup is escaped, controls are dots."""
    from rich.markup import escape

    return escape(visible(text))


def visible(text: str) -> str:
    """Returns a text in one line, each control character replaced: a model's words must not move the cursor."""
    return "".join(sign if sign.isprintable() else " " if sign.isspace() else "·" for sign in text)


def short(text: str, width: int) -> str:
    """Returns a text of at most `width` characters, cut with an ellipsis."""
    line = visible(text)
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def print_json(document: Any) -> None:
    """Writes one JSON document to stdout; what is not a number becomes null."""
    say(json.dumps(_jsonable(document), ensure_ascii=False, indent=2, allow_nan=False))


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
