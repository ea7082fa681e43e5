"""`telephone export`: a run for a spreadsheet, a notebook, or another tool."""

from typing import TYPE_CHECKING, Annotated

import typer

from telephone.cli.formatting import counted
from telephone.cli.options import Folder, Output
from telephone.cli.output import echo, note, print_warning

if TYPE_CHECKING:
    from telephone.pipeline import DriftExport, ExportResult, FiftyOneExport, ImageFolderExport, MggExport

NAME = "export"
GENERATIONS = 20
"""Generations that the published drift scorer reads."""


def command(
    folder: Folder,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="csv|jsonl|parquet|datasets|drift|mgg|preferences|fiftyone",
            help="The format; csv, or the ending of FILE.",
        ),
    ] = None,
    output: Output = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Of the FiftyOne dataset; telephone-FOLDER.", show_default=False),
    ] = None,
    spreadsheet: Annotated[
        bool, typer.Option("--spreadsheet", help="CSV whose texts a spreadsheet cannot take for formulas.")
    ] = False,
) -> None:
    """Write a run's table, one row a turn with texts, images, outcomes and scores; or its games for another tool.

    datasets is a Hugging Face image folder, drift and mgg the folders that the published scorers of semantic drift and
    of multi-generation GenEval read (one for each pair of models), preferences pairs of answers to the same input with
    the one that keeps more, fiftyone a persistent dataset with vectors, distances and saved views.
    """
    from telephone import pipeline

    _print(pipeline.export(folder, to, output, name=name, spreadsheet=spreadsheet, message=note))


def _print(made: "ExportResult") -> None:
    from telephone import pipeline

    if isinstance(made, pipeline.TableExport):
        echo(f"{made.path}: {counted(made.rows, 'row')}, {counted(made.columns, 'column')}")
    elif isinstance(made, pipeline.ImageFolderExport):
        _print_images(made)
    elif isinstance(made, pipeline.DriftExport):
        _print_drift(made)
    elif isinstance(made, pipeline.MggExport):
        _print_mgg(made)
    elif isinstance(made, pipeline.PreferenceExport):
        echo(f"{made.path}: {counted(made.pairs, 'pair')}; {counted(made.ties, 'tie')} and "
             f"{counted(made.unscored, 'answer')} without a score left out")  # fmt: skip
    else:
        _print_fiftyone(made)


def _print_images(made: "ImageFolderExport") -> None:
    echo(f"{made.path}: {counted(made.images, 'picture')} with metadata.jsonl")
    _left_out(made.left_out)


def _print_drift(made: "DriftExport") -> None:
    echo(f"{made.path}: {counted(made.lines, 'line')}, {counted(made.games, 'game')}, {made.generations} generations")
    if made.left_out:
        left = counted(made.left_out, "game")
        print_warning(f"{left} not played to the last turn left out: the scorer pairs rows by position.")
    if made.generations != GENERATIONS:
        print_warning(
            f"The published scorer reads {GENERATIONS} generations (10 turns), these games have {made.generations}."
        )


def _print_mgg(made: "MggExport") -> None:
    echo(f"{made.path}: {counted(made.lines, 'line')}, {counted(made.games, 'game')} with metadata.jsonl")
    if made.left_out:
        left = counted(made.left_out, "game")
        print_warning(f"{left} left out: unfinished, image-first, or with words outside the pocket world.")


def _print_fiftyone(made: "FiftyOneExport") -> None:
    echo(f"FiftyOne dataset {made.name}: {counted(made.added, 'new sample')}, {made.renewed:,} written again")
    echo(f"Open it: fiftyone app launch {made.name}   (saved views: conversations, endings)")
    _left_out(made.left_out)
    if not made.vectors:
        print_warning("The run has no vectors yet: run `telephone judge`, then export it again.")


def _left_out(turns: int) -> None:
    if turns:
        print_warning(f"{counted(turns, 'turn')} without an image (refused, failed or not played) left out.")
