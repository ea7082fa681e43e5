"""Games in a terminal: a row a game, or a row a turn."""

from itertools import groupby
from typing import TYPE_CHECKING

from telephone.cli.formatting import counted
from telephone.cli.game_json import game_json
from telephone.cli.output import console, echo, plain, print_json
from telephone.cli.tables import print_table, table
from telephone.core.file_names import shell_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telephone.pipeline import FoundGame, RunGames
    from telephone.report import PlayedGame, Turn

_OTHER_COLUMNS = 50
"""Characters of all columns but the names of models, with the spaces between them."""
_COLOURS = {"done": "green", "failed": "red", "refused": "yellow", "pending": "dim"}


def print_games(run: "RunGames", json: bool) -> None:
    """Writes the games of a run, a row each, or one JSON document."""
    if json:
        spec = run.spec
        facts = {"turns": spec.turns, "repeats": spec.repeats, "seed": spec.seed, "planned": run.planned}
        print_json({"folder": str(run.folder), **facts, "games": [game_json(each, brief=True) for each in run.games]})
        return
    for (level, prompt, first), games in groupby(run.games, key=lambda game: (game.level, game.prompt, game.first)):
        start = "" if first == "text" else ", starts with the image"
        console().print(f"[bold]{level}{start}:[/bold] {plain(prompt)}")
        _print_group(list(games), run.games)
        echo("")
    echo(f"{counted(len(run.games), 'game')} of {run.planned} started.")
    if run.games:
        echo(f"One of them: telephone show {shell_word(run.folder)} {run.games[0].name}")
    else:
        echo(f"Play them: telephone resume {shell_word(run.folder)}")


def _print_group(games: "Sequence[PlayedGame]", every: "Sequence[PlayedGame]") -> None:
    """Writes the games of one prompt, with columns as wide as those of the other prompts."""
    numbers = ("turns", "distance", "facts kept")
    sides: tuple[str, ...] = ("draws", "describes")
    widths = [max(len(side), *(len(name) for name in names)) for side, names in zip(sides, _models(every), strict=True)]
    if sum(widths) + _OTHER_COLUMNS <= console().width:
        sides = tuple(side.ljust(width) for side, width in zip(sides, widths, strict=True))
    made = table("game", *sides, *numbers, "outcome", numbers=numbers, names=("game", *sides))
    short = table(
        "game", "draws", "describes", "distance", "kept", numbers=("distance", "kept"), names=("game", *sides)
    )
    for each in games:
        ended = "done" if each.outcome == "ok" else each.outcome
        outcome = f"[{_COLOURS.get(ended, 'default')}]{ended}[/]"
        names = (f"[bold]{each.name}[/bold]", plain(each.t2i), plain(each.i2t))
        turns = str(sum(1 for turn in each.turns if turn.number))
        made.add_row(*names, turns, _number(each.distance), _share(each.recall), outcome)
        short.add_row(*names, _number(each.distance) if ended == "done" else outcome, _share(each.recall))
    print_table(made, short, lead=1)


def _models(games: "Sequence[PlayedGame]") -> tuple[list[str], list[str]]:
    return [game.t2i for game in games], [game.i2t for game in games]


def print_game(found: "FoundGame") -> None:
    """Writes one game, a row a turn; turns with the same texts are one row."""
    from telephone.report.turn_spans import text_spans

    game = found.game
    made = table("turn", "distance", "facts kept", "text", numbers=("turn", "distance", "facts kept"))
    made.title = plain(f"{game.name}  {game.t2i} draws, {game.i2t} describes  ({game.level})")
    if game.first == "text":
        made.add_row("0", "", "", f"[red]{plain(game.prompt)}[/red]")
    for span in text_spans(game):
        turn, last = span.first, span.turns[-1].number
        number = str(turn.number) if turn.number == last else f"{turn.number}-{last}"
        made.add_row(number, _number(turn.distance), _share(turn.recall), _text(turn))
    print_table(made)
    echo(f"key {found.key}")


def _text(turn: "Turn") -> str:
    if turn.after is not None:
        return f"[green]{plain(turn.after)}[/green]"
    return f"[yellow]{turn.outcome}[/yellow] {plain(turn.reason)}".rstrip()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
