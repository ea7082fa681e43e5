"""`telephone film`: every game of a run as a short film, and all pairs on one prompt side by side."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.formatting import counted
from telephone.cli.options import Folder, Json, Levels
from telephone.cli.output import echo, print_json
from telephone.cli.parsing import levels

NAME = "film"


def command(
    folder: Folder,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="FOLDER/films if left out.", show_default=False)
    ] = None,
    level: Levels = None,
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", metavar="WORDS", help="Only prompts with these words.", show_default=False),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="mp4|webp|gif", help="mp4 where ffmpeg is installed, else webp.", show_default=False
        ),
    ] = None,
    only_grids: Annotated[bool, typer.Option("--grids", help="Only the grids of all pairs, one a prompt.")] = False,
    json: Json = False,
) -> None:
    """Write films: each game, and for each prompt the grid of all pairs, with models and texts."""
    from telephone import pipeline

    result = pipeline.films(folder, out, pipeline.FilmOptions(levels(level or ()), prompt or "", to, only_grids))
    if json:
        print_json({"files": [str(path) for path in result.files]})
        return
    for path in result.files:
        echo(str(path))
    echo(f"{counted(len(result.files), 'film')} in {result.folder}")
