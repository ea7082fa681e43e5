"""`telephone export`: a run for a spreadsheet, a notebook, or another tool."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from telephone.cli.options import Folder, Output
from telephone.cli.output import say, tell, warn
from telephone.cli.parsing import counted
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.store import Run

NAME = "export"
FILES = ("csv", "jsonl", "parquet")
FOLDERS = ("datasets", "drift")
FORMATS = (*FILES, *FOLDERS, "fiftyone")


def command(
    folder: Folder,
    to: Annotated[
        str | None, typer.Option("--to", metavar="|".join(FORMATS), help="The format; csv, or what FILE ends in.")
    ] = None,
    output: Output = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Of the FiftyOne dataset; telephone-FOLDER.", show_default=False),
    ] = None,
) -> None:
    """Write a run's table, one row a turn with texts, pictures, outcomes and scores; or its games for another tool.

    datasets is a Hugging Face image folder, drift the folders that the published drift scorer reads (each line its
    own), fiftyone a persistent dataset with vectors, distances and saved views.
    """
    form = _form(to, output)
    if name is not None and form != "fiftyone":
        raise UsageError("--name names a FiftyOne dataset: give --to fiftyone with it.")
    from telephone.store import Run

    with Run.open(folder) as run:
        if form == "fiftyone":
            _fiftyone(run, name or f"telephone-{folder.resolve().name}", output)
        elif form in FOLDERS:
            _folder(run, form, output or Path(f"{folder.resolve().name}-{form}"))
        else:
            _file(run, _path(folder, form, output))


def _form(to: str | None, output: Path | None) -> str:
    ending = output.suffix.lstrip(".") if output is not None else ""
    form, known = (to, FORMATS) if to else (ending or "csv", FILES)
    if form not in known:
        raise UsageError(f"{form!r} is no format that can be written: take one of {', '.join(known)}.")
    return form


def _path(folder: Path, form: str, output: Path | None) -> Path:
    if output is None:
        return Path(f"{folder.resolve().name}.{form}")
    if not output.suffix:
        return output.with_name(f"{output.name}.{form}")
    if output.suffix != f".{form}":
        raise UsageError(f"{output.name} ends in {output.suffix} and --to says {form}: give one of the two.")
    return output


def _file(run: "Run", path: Path) -> None:
    from telephone.store import export

    table = run.frame()
    export(table, path)
    say(f"{path}: {counted(len(table), 'row')}, {counted(len(table.columns), 'column')}")


def _folder(run: "Run", form: str, target: Path) -> None:
    if form == "datasets":
        from telephone.exports import to_imagefolder

        turns = to_imagefolder(run, target)
        say(f"{target}: {counted(len(turns.table), 'picture')} with metadata.jsonl")
        _left_out(turns.left_out)
        return
    from telephone.exports import GENERATIONS, to_drift

    made = to_drift(run, target)
    say(f"{target}: {counted(made.lines, 'line')}, {counted(made.games, 'game')}, {made.generations} generations")
    if made.left_out:
        warn(f"{counted(made.left_out, 'game')} not played to the end left out: the scorer pairs rows by position.")
    if made.generations != GENERATIONS:
        warn(f"The published scorer reads {GENERATIONS} generations (10 turns), these games have {made.generations}.")


def _fiftyone(run: "Run", name: str, output: Path | None) -> None:
    if output is not None:
        raise UsageError("FiftyOne keeps its datasets itself: leave --output out, and give a name with --name.")
    from telephone.exports import to_fiftyone

    made = to_fiftyone(run, name, tell)
    say(f"FiftyOne dataset {name}: {counted(made.saved.added, 'new sample')}, {made.saved.renewed:,} written again")
    say(f"Look at it: fiftyone app launch {name}   (saved views: conversations, endings)")
    _left_out(made.left_out)
    if not made.vectors:
        warn("The run has no vectors yet: `telephone judge` makes them, then export it again.")


def _left_out(turns: int) -> None:
    if turns:
        warn(f"{counted(turns, 'turn')} without a picture (refused, failed or not played) left out.")
