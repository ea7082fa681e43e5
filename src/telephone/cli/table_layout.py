"""Tables that fit the screen: names and numbers are never cut; a table that is too wide becomes one record a row."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

GAP = 2
"""Spaces between two columns."""
INDENT = 4
"""Spaces before the second and each further line of a record."""
LEAST_TEXT = 20
"""Characters of a column whose texts may be cut."""


def fitted(made: "Table", width: int) -> bool:
    """Gives each column the width that it needs, and the rest to those that want more.

    Args:
        made: a table of `output.table`. Columns with `no_wrap` need their longest cell, others their longest word,
            and those with a `ratio`, whose texts may be cut, `LEAST_TEXT` characters.
        width: characters of a line.

    Returns:
        Whether the table fits; if not, it is not changed.
    """
    least = [_least(column) for column in made.columns]
    wanted = [_widest(column) - need for column, need in zip(made.columns, least, strict=True)]
    room = width - GAP * (len(least) - 1) - sum(least)
    if room < 0:
        return False
    share = min(1.0, room / max(1, sum(wanted)))
    for column, need, more in zip(made.columns, least, wanted, strict=True):
        column.width, column.ratio = need + int(more * share), None
    made.expand = False
    return True


def print_records(made: "Table", lead: int, screen: "Console") -> None:
    """Writes a table as one record a row: the first cells, then each heading with its cell.

    Args:
        made: a table of `output.table`; second lines of cells are put in parentheses.
        lead: number of columns on the first line, without their headings.
        screen: where it is written.
    """
    from rich.text import Text

    rows = zip(*([_text(cell) for cell in column.cells] for column in made.columns), strict=True)
    heads = [_text(column.header).plain.replace("\n", ", ") for column in made.columns]
    heads = [f"{head}:" if head and made.columns[at].justify == "left" else head for at, head in enumerate(heads)]
    widths = [_widest(column) for column in made.columns[:lead]]
    if sum(widths) + GAP * (lead - 1) > screen.width:
        widths = [0] * lead  # too long to be aligned
    for row in rows:
        rest = [_item(head, cell) for head, cell in zip(heads[lead:], row[lead:], strict=True) if cell.plain]
        for line in _filled(_aligned(row[:lead], widths), screen.width, screen):
            line.rstrip()
            screen.print(line, soft_wrap=True)
        for line in _filled(rest, max(1, screen.width - INDENT), screen):
            screen.print(Text.assemble(" " * INDENT, line), soft_wrap=True)


def _text(cell: object) -> "Text":
    from rich.text import Text

    return Text.from_markup(cell) if isinstance(cell, str) else cell if isinstance(cell, Text) else Text(str(cell))


def _least(column: "Column") -> int:
    if column.ratio:
        return min(LEAST_TEXT, _widest(column))
    if column.no_wrap:
        return _widest(column)
    cells = (_text(cell) for cell in (column.header, *column.cells))
    return max((_length(word) for cell in cells for word in cell.plain.split()), default=0)


def _widest(column: "Column") -> int:
    cells = (_text(cell) for cell in (column.header, *column.cells))
    return max((_length(line) for cell in cells for line in cell.plain.split("\n")), default=0)


def _length(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _item(head: str, cell: "Text") -> "Text":
    from rich.text import Text

    first, *more = cell.split("\n")
    rest = [Text(" ("), Text(" ").join(more), Text(")")] if any(line.plain for line in more) else []
    return Text.assemble((f"{head} " if head else "", "dim"), first, *rest)


def _aligned(cells: "Sequence[Text]", widths: "Sequence[int]") -> "list[Text]":
    """Returns the lines of cells, the first one of each cell as wide as its column."""
    made: list[Text] = []
    for cell, width in zip(cells, widths, strict=True):
        first, *more = cell.split("\n")
        first.pad_right(max(0, width - first.cell_len))
        made += [first, *more]
    return [line for line in made if line.plain]


def _filled(items: "list[Text]", width: int, screen: "Console") -> "list[Text]":
    """Returns lines of items with two spaces between them; only an item that is wider than a line is broken."""
    lines: list[Text] = []
    for item in items:
        if lines and lines[-1].cell_len + 2 + item.cell_len <= width:
            lines[-1] = lines[-1].append("  ").append_text(item)
        else:
            lines += item.wrap(screen, width, overflow="fold")
    return lines
