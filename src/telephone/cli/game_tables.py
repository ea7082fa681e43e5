"""Games in a terminal and in JSON documents: a row a game, or a row a turn."""

from typing import TYPE_CHECKING, Any

from telephone.cli.formatting import counted
from telephone.cli.output import echo, plain, print_json
from telephone.cli.tables import print_table, table
from telephone.core.file_names import shell_word

if TYPE_CHECKING:
    from telephone.pipeline import FoundGame, RunGames
    from telephone.report import PlayedGame, Turn

PROMPT = 4
"""Index of the prompt among the columns."""
_COLOURS = {"done": "green", "failed": "red", "refused": "yellow", "pending": "dim"}


def print_games(run: "RunGames", json: bool) -> None:
    """Writes the games of a run, a row each, or one JSON document."""
    if json:
        spec = run.spec
        facts = {"turns": spec.turns, "repeats": spec.repeats, "seed": spec.seed, "planned": run.planned}
        print_json({"folder": str(run.folder), **facts, "games": [game_json(each, brief=True) for each in run.games]})
        return
    numbers = ("turns", "distance", "facts kept")
    names = ("game", "level", "draws", "describes", "outcome")
    made = table("game", "level", "draws", "describes", "prompt", *numbers, "outcome", numbers=numbers, names=names)
    prompt = made.columns[PROMPT]
    prompt.ratio, prompt.no_wrap, prompt.overflow = 1, True, "ellipsis"  # it takes the width that the others leave
    for each in run.games:
        ended = "done" if each.outcome == "ok" else each.outcome
        made.add_row(
            f"[bold]{each.name}[/bold]", each.level, plain(each.t2i), plain(each.i2t), plain(each.prompt),
            str(sum(1 for turn in each.turns if turn.number)), _number(each.distance), _share(each.recall),
            f"[{_COLOURS.get(ended, 'default')}]{ended}[/]",
        )  # fmt: skip
    print_table(made, lead=2)
    echo(f"{counted(len(run.games), 'game')} of {run.planned} started.")
    if run.games:
        echo(f"One of them: telephone show {shell_word(run.folder)} {run.games[0].name}")
    else:
        echo(f"Play them: telephone resume {shell_word(run.folder)}")


def print_game(found: "FoundGame") -> None:
    """Writes one game, a row a turn."""
    game = found.game
    made = table("turn", "distance", "facts kept", "text", numbers=("turn", "distance", "facts kept"))
    made.title = plain(f"{game.name}  {game.t2i} draws, {game.i2t} describes  ({game.level})")
    if game.first == "text":
        made.add_row("0", "", "", f"[red]{plain(game.prompt)}[/red]")
    for turn in game.turns:
        made.add_row(str(turn.number), _number(turn.distance), _share(turn.recall), _text(turn))
    print_table(made)
    echo(f"key {found.key}")


def game_json(game: "PlayedGame", brief: bool = False) -> dict[str, Any]:
    """Returns a game for a JSON document; `brief` leaves its turns out."""
    made: dict[str, Any] = {
        "name": game.name,
        "level": game.level,
        "prompt": game.prompt,
        "t2i": game.t2i,
        "i2t": game.i2t,
        "repeat": game.repeat,
        "first": game.first,
        "outcome": game.outcome,
        "distance": game.distance,
        "facts_recall": game.recall,
    }
    return made if brief else made | {"turns": [_turn_json(turn) for turn in game.turns]}


def _turn_json(turn: "Turn") -> dict[str, Any]:
    return {
        "turn": turn.number,
        "before": turn.before,
        "after": turn.after,
        "picture": None if turn.image is None else str(turn.image),
        "outcome": turn.outcome,
        "reason": turn.reason,
        "distance": turn.distance,
        "facts_recall": turn.recall,
    }


def _text(turn: "Turn") -> str:
    if turn.after is not None:
        return f"[green]{plain(turn.after)}[/green]"
    return f"[yellow]{turn.outcome}[/yellow] {plain(turn.reason)}".rstrip()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
