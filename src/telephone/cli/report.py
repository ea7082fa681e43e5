"""`telephone report`: the HTML page of a run, written anew."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.options import Folder
from telephone.cli.output import say

NAME = "report"


def command(
    folder: Folder,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE.html", help="FOLDER/report.html if left out.", show_default=False),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write a run's report: one HTML file with tables, figures and every game."""
    from telephone.report import write_report
    from telephone.store import Run

    with Run.open(folder) as run:
        path = write_report(run, out)
    say(f"Report: {path}")
    if show:
        typer.launch(str(path.resolve()))
