"""The tables of all commands: one style, as wide as the screen permits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from telephone.cli.bars import bar
from telephone.cli.output import console
from telephone.cli.table_layout import GAP, fitted, print_records

if TYPE_CHECKING:
    from rich.table import Table

BAR_WIDTH = 12
"""Characters of the longest bar."""


def table(*columns: str, title: str = "", numbers: Sequence[str] = (), names: Sequence[str] = ()) -> "Table":
    """Returns an empty table in the style of all commands.

    Args:
        columns: headings.
        title: above the table, left-aligned.
        numbers: the headings of the columns that are right-aligned.
        names: the headings of the columns with names, which are neither wrapped nor cut.
    """
    from rich import box
    from rich.table import Table

    made = Table(
        title=title or None,
        box=box.SIMPLE_HEAD,
        header_style="bold cyan",
        pad_edge=False,
        show_edge=False,
        padding=(0, GAP - 1, 0, 0),
    )
    for column in columns:
        right = column in numbers
        made.add_column(column, justify="right" if right else "left", no_wrap=right or column in names)
    return made


def print_table(made: "Table", *narrower: "Table", lead: int = 1) -> None:
    """Writes a table to stdout as wide as the screen permits; its title may be wider than it is.

    Args:
        made: the table.
        narrower: tables with less, of which the first one that fits is written in place of a table that does not fit.
        lead: number of columns in the first line of each record, if none fits and the last one is written as records.
    """
    screen = console()
    if made.title:
        screen.print(made.title, style="bold", soft_wrap=True)
    for each in (made, *narrower):
        each.title = None
        if fitted(each, screen.width):
            screen.print(each)
            return
    print_records((made, *narrower)[-1], lead, screen)


def score_bar(value: float, largest: float) -> str:
    """Returns a bar for a cell of a table on stdout; arguments as for `bars.bar`."""
    return bar(value, largest, BAR_WIDTH, console().encoding)
