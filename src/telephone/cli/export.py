"""`telephone export`: a run's table, one row a turn, for a spreadsheet or a notebook."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.options import Folder, Output
from telephone.cli.printing import say
from telephone.cli.words import counted
from telephone.errors import UsageError

NAME = "export"
FORMATS = ("csv", "jsonl", "parquet")


def command(
    folder: Folder,
    to: Annotated[
        str | None, typer.Option("--to", metavar="|".join(FORMATS), help="The format; csv, or what FILE ends in.")
    ] = None,
    output: Output = None,
) -> None:
    """Write a run's table, one row a turn with texts, pictures, outcomes and scores."""
    path = _path(folder, to, output)
    from telephone.store import Run, export

    with Run.open(folder) as run:
        table = run.frame()
    export(table, path)
    say(f"{path}: {counted(len(table), 'row')}, {counted(len(table.columns), 'column')}")


def _path(folder: Path, to: str | None, output: Path | None) -> Path:
    ending = output.suffix.lstrip(".") if output is not None else ""
    chosen = to or ending or "csv"
    if chosen not in FORMATS:
        raise UsageError(f"{chosen!r} is no format that can be written: take one of {', '.join(FORMATS)}.")
    if output is None:
        return Path(f"{folder.resolve().name}.{chosen}")
    if not ending:
        return output.with_name(f"{output.name}.{chosen}")
    if ending != chosen:
        raise UsageError(f"{output.name} ends in .{ending} and --to says {chosen}: give one of the two.")
    return output
