"""`telephone show`: the games of a run, or one game as its chain of texts, as a film strip, as a film."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from telephone.cli.options import Folder, Json, Levels
from telephone.cli.output import plain, print_json, print_table, say, short, table
from telephone.cli.parsing import counted, levels
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.report import PlayedGame, Turn
    from telephone.store import Run

NAME = "show"
SHORTEST = 3
"""Characters that are taken for the beginning of a name or a key."""
WIDEST = 24
"""Characters of a player's name."""
PROMPT = 4
"""Place of the prompt among the columns."""


def command(
    folder: Folder,
    game: Annotated[
        str | None,
        typer.Argument(metavar="[GAME]", help="Its six-digit name, or how that or its key begins.", show_default=False),
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
    json: Json = False,
) -> None:
    """Show a run's games with what they kept, or one game turn by turn."""
    if game is None and (strip is not None or animate is not None):
        raise UsageError("A strip or a film shows one game: name it, as in `telephone show FOLDER GAME --strip FILE`.")
    from telephone.analysis import scored_frame
    from telephone.report import games_of
    from telephone.store import Run

    with Run.open(folder) as run:
        games = games_of(scored_frame(run), run.spec.turns, run.pictures.path)
        if game is None:
            chosen_levels = levels(level or ())
            _overview(run, [each for each in games if not chosen_levels or each.level in chosen_levels], json)
            return
        chosen = _find(run, game, games)
        key = next(row.key for row in run.games() if row.conversation == chosen.name)
    written = _write(chosen, strip, animate)
    if json:
        print_json(_as_json(chosen) | {"key": key, "files": written})
        return
    _print_game(chosen, key)
    for path in written:
        say(path)


def _overview(run: "Run", games: "list[PlayedGame]", json: bool) -> None:
    planned = len(run.games())
    if json:
        plan = run.spec
        facts = {"turns": plan.turns, "repeats": plan.repeats, "seed": plan.seed, "planned": planned}
        print_json({"folder": str(run.folder), **facts, "games": [_as_json(each, brief=True) for each in games]})
        return
    numbers = ("turns", "distance", "facts kept")
    made = table("game", "level", "draws", "describes", "prompt", *numbers, "outcome", numbers=numbers)
    made.expand = True
    for column in made.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    made.columns[PROMPT].ratio = 1  # it gets what the others leave
    for each in games:
        ended = "done" if each.outcome == "ok" else each.outcome
        made.add_row(
            f"[bold]{each.name}[/bold]", each.level, _player(each.t2i), _player(each.i2t), plain(each.prompt),
            str(sum(1 for turn in each.turns if turn.number)), _number(each.distance), _share(each.recall),
            f"[{_COLOURS.get(ended, 'default')}]{ended}[/]",
        )  # fmt: skip
    print_table(made)
    say(f"{counted(len(games), 'game')} of {planned} begun.")
    if games:
        say(f"One of them: telephone show {run.folder} {games[0].name}")
    else:
        say(f"Play them: telephone resume {run.folder}")


def _player(name: str) -> str:
    return plain(short(name, WIDEST))


_COLOURS = {"done": "green", "failed": "red", "refused": "yellow", "pending": "dim"}


def _find(run: "Run", name: str, games: "list[PlayedGame]") -> "PlayedGame":
    rows = run.games()
    wanted = name.strip().lower()
    found = [row.conversation for row in rows if row.conversation == wanted]
    if not found and len(wanted) >= SHORTEST:
        found = [row.conversation for row in rows if row.conversation.startswith(wanted) or row.key.startswith(wanted)]
    if len(found) > 1:
        raise UsageError(f"{len(found)} games begin with {name!r} ({', '.join(found[:5])}): write more of it.")
    if not found:
        near = difflib.get_close_matches(wanted, [row.conversation for row in rows], n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"There is no game {name!r} in {run.folder}.{hint} `telephone show {run.folder}` lists them.")
    begun = [game for game in games if game.name == found[0]]
    if not begun:
        raise UsageError(f"The game {found[0]} has not begun: play it with `telephone resume {run.folder}`.")
    return begun[0]


def _write(game: "PlayedGame", strip: Path | None, film: Path | None) -> list[str]:
    from telephone.core.images import encode_png
    from telephone.report import animate, film_strip, write_atomic

    written = []
    if strip is not None:
        if strip.suffix.lower() != ".png":
            raise UsageError(f"{strip.name} is not written: let the name of a strip end in .png.")
        write_atomic(strip, encode_png(film_strip(game)))
        written.append(str(strip))
    if film is not None:
        written.append(str(animate(game, film)))
    return written


def _print_game(game: "PlayedGame", key: str) -> None:
    made = table("turn", "distance", "facts kept", "text", numbers=("turn", "distance", "facts kept"))
    made.title = plain(f"{game.name}  {game.t2i} draws, {game.i2t} describes  ({game.level})")
    if game.first == "text":
        made.add_row("0", "", "", f"[red]{plain(game.prompt)}[/red]")
    for turn in game.turns:
        made.add_row(str(turn.number), _number(turn.distance), _share(turn.recall), _words(turn))
    print_table(made)
    say(f"key {key}")


def _words(turn: "Turn") -> str:
    if turn.after is not None:
        return f"[green]{plain(turn.after)}[/green]"
    return f"[yellow]{turn.outcome}[/yellow] {plain(turn.reason)}".rstrip()


def _as_json(game: "PlayedGame", brief: bool = False) -> dict[str, Any]:
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
    if not brief:
        made["turns"] = [
            {
                "turn": turn.number,
                "before": turn.before,
                "after": turn.after,
                "picture": None if turn.image is None else str(turn.image),
                "outcome": turn.outcome,
                "reason": turn.reason,
                "distance": turn.distance,
                "facts_recall": turn.recall,
            }
            for turn in game.turns
        ]
    return made


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
