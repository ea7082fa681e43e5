"""`telephone report`: the HTML page of a run."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.options import Folder
from telephone.cli.output import echo

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
    from telephone import pipeline

    path = pipeline.report(folder, out).path
    echo(f"Report: {path}")
    if show:
        typer.launch(str(path.resolve()))
