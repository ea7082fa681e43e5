"""Output: results to stdout, progress and errors to stderr, one JSON document with `--json`."""

import contextlib
import json
import math
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from telephone.cli.formatting import visible
from telephone.cli.streams import can_print
from telephone.core import settings

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 140
"""Width in characters of what goes to a file or to another program, unless the variable COLUMNS states one."""


def echo(text: str = "") -> None:
    """Writes a line to stdout."""
    typer.echo(text)


def note(text: str) -> None:
    """Writes a line to stderr, where it does not mix with results; a stderr that is full or closed ends nothing."""
    with contextlib.suppress(OSError, ValueError):
        typer.echo(text, err=True)


def styled(text: str, **style: Any) -> str:
    """Returns a text in a colour or in bold; plain where colours are not wanted (`NO_COLOR`) or not shown."""
    return typer.style(text, **style) if settings.colours() else text


def print_error(text: str) -> None:
    """Writes an error to stderr, its first word in red on a terminal."""
    note(f"{styled('Error:', fg='red', bold=True)} {text}")


def print_warning(text: str) -> None:
    """Writes a warning to stderr, its first word in yellow on a terminal."""
    note(f"{styled('Note:', fg='yellow', bold=True)} {text}")


def console(*, err: bool = False) -> "Console":
    """Returns a console for tables and bars, made at each call because a test may have put another stream in place."""
    from rich.console import Console

    made = Console(stderr=err, highlight=False)
    if made.is_terminal and not made.is_dumb_terminal:
        return made
    # The width of the terminal or of the variable COLUMNS; rich takes 80 for each of the others.
    return Console(stderr=err, highlight=False, width=shutil.get_terminal_size((PIPE_WIDTH, 24)).columns)


def print_text(text: str) -> None:
    """Writes a line with markup to stdout; `plain` escapes texts of models and files for it."""
    console().print(text, soft_wrap=True)


def plain(text: str) -> str:
    """Returns a text of a model or a file for `print_text`: markup is escaped, control characters are dots."""
    from rich.markup import escape

    return escape(visible(text))


def print_json(document: Any) -> None:
    """Writes one JSON document to stdout; what is not a number becomes null."""
    found = _jsonable(document)
    text = json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False)
    echo(text if can_print(text) else json.dumps(found, indent=2, allow_nan=False))


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
