"""`telephone show`: the games of a run, or one game as its chain of texts, as a film strip, as a film."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.game_json import game_json
from telephone.cli.game_tables import print_game, print_games
from telephone.cli.options import Folder, Json, Levels
from telephone.cli.output import echo, print_json
from telephone.cli.parsing import levels
from telephone.core.errors import UsageError

NAME = "show"


def command(
    folder: Folder,
    game: Annotated[
        str | None,
        typer.Argument(metavar="[GAME]", help="Its name, or the start of its name or key.", show_default=False),
    ] = None,
    level: Levels = None,
    strip: Annotated[
        Path | None,
        typer.Option("--strip", metavar="FILE.png", help="Write the game as a film strip.", show_default=False),
    ] = None,
    animate: Annotated[
        Path | None,
        typer.Option("--animate", metavar="FILE.webp|gif|mp4", help="Write the game as a film.", show_default=False),
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option(
            "--facts",
            metavar="FILE.png",
            help="Write a diagram of where each fact of the prompt went.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show a run's games with what they kept, or one game turn by turn."""
    from telephone import pipeline

    if game is None:
        if strip is not None or animate is not None or facts is not None:
            raise UsageError(
                "A strip, a film or a diagram shows one game: name it (`telephone show FOLDER GAME --strip FILE`)."
            )
        print_games(pipeline.games(folder, levels(level or ())), json)
        return
    found = pipeline.find_game(folder, game)
    written = [pipeline.game_strip(found.game, strip)] if strip is not None else []
    written += [pipeline.game_film(found.game, animate)] if animate is not None else []
    written += [pipeline.game_facts(folder, found.game, facts)] if facts is not None else []
    if json:
        print_json(game_json(found.game) | {"key": found.key, "files": [str(path) for path in written]})
        return
    print_game(found)
    for path in written:
        echo(str(path))
