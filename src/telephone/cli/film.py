"""`telephone film`: every game of a run as a little film, and all pairs on one prompt side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from telephone.cli.options import Folder, Json, Levels
from telephone.cli.output import print_json, say
from telephone.cli.parsing import counted, levels, slug
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.report import PlayedGame

NAME = "film"
FORMATS = ("mp4", "webp", "gif")


def command(
    folder: Folder,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="FOLDER/films if left out.", show_default=False)
    ] = None,
    level: Levels = None,
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", metavar="WORDS", help="Only prompts that hold these words.", show_default=False),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="|".join(FORMATS), help="mp4 where ffmpeg is installed, else webp.", show_default=False
        ),
    ] = None,
    only_grids: Annotated[bool, typer.Option("--grids", help="Only the grids of all pairs, one a prompt.")] = False,
    json: Json = False,
) -> None:
    """Write films: each game, and for each prompt the grid of all pairs, with who plays and what is said."""
    from telephone.report import best_format

    if to is not None and to not in FORMATS:
        raise UsageError(f"{to!r} is no format of films: take one of {', '.join(FORMATS)}.")
    chosen = [game for game in _games(folder, levels(level or ())) if (prompt or "").lower() in game.prompt.lower()]
    if not chosen:
        raise UsageError(f"There is no such game in {folder}: `telephone show {folder}` lists them.")
    written = _write(chosen, out or folder / "films", to or best_format(), only_grids)
    if json:
        print_json({"files": [str(path) for path in written]})
        return
    for path in written:
        say(str(path))
    say(f"{counted(len(written), 'film')} in {out or folder / 'films'}")


def _games(folder: Path, wanted: tuple[str, ...]) -> "list[PlayedGame]":
    from telephone.analysis import scored_frame
    from telephone.report import games_of
    from telephone.store import Run

    with Run.open(folder) as run:
        games = games_of(scored_frame(run), run.spec.turns, run.pictures.path)
    return [game for game in games if not wanted or game.level in wanted]


def _write(games: "list[PlayedGame]", folder: Path, ending: str, only_grids: bool) -> list[Path]:
    from itertools import groupby

    from telephone.report import animate, animate_grid

    written: list[Path] = []
    taken: set[Path] = set()
    for (prompt, first), group in groupby(games, key=lambda game: (game.prompt, game.first)):
        own = list(group)
        place = _free(
            folder, f"{own[0].level}-{slug(prompt) or 'prompt'}" + ("-picture" if first == "image" else ""), taken
        )
        repeats = sorted({game.repeat for game in own})
        for repeat in repeats:
            name = "all-pairs" if repeats == [0] else f"all-pairs-{repeat + 1}"
            written.append(animate_grid([game for game in own if game.repeat == repeat], place / f"{name}.{ending}"))
        if not only_grids:
            written += [animate(game, place / f"{_name(game)}.{ending}") for game in own]
    return written


def _free(folder: Path, name: str, taken: set[Path]) -> Path:
    """Prompts of one run may begin alike; a second write of the films takes the same names as the first."""
    place, number = folder / name, 2
    while place in taken:
        place, number = folder / f"{name}-{number}", number + 1
    taken.add(place)
    return place


def _name(game: "PlayedGame") -> str:
    return f"{slug(game.t2i)}-{slug(game.i2t)}-{game.name}"
