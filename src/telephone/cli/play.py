"""`telephone play`: a battle of all pairs of players over a set of prompts, from nothing to the leaderboard."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from telephone.cli.options import JUDGE, EmbedderRef, Json, Levels, NoReport, Retry, Seed
from telephone.cli.printing import print_json, say, tell
from telephone.cli.sitting import Wishes, sit
from telephone.cli.words import counted, levels, refs

if TYPE_CHECKING:
    from telephone.store import Description

NAME = "play"


def command(
    t2i: Annotated[
        list[str] | None,
        typer.Option("--t2i", metavar="REF", help="Who draws (repeat it, or part them by commas).", show_default=False),
    ] = None,
    i2t: Annotated[
        list[str] | None,
        typer.Option("--i2t", metavar="REF", help="Who describes (likewise).", show_default=False),
    ] = None,
    prompts: Annotated[str, typer.Option("--prompts", metavar="NAME|FILE", help="A set, or a file.")] = "pocket",
    level: Levels = None,
    turns: Annotated[int, typer.Option("--turns", min=1, help="How many times there and back.")] = 10,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Games of each pair and prompt.")] = 1,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="The run's folder; runs/NAME-HASH.", show_default=False),
    ] = None,
    embedder: EmbedderRef = JUDGE,
    retry_failed: Retry = False,
    no_report: NoReport = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be played.")] = False,
    json: Json = False,
) -> None:
    """Play a battle, judge it, print the leaderboard and write report.html.

    Without options it is the pocket battle: oracle/renderer and pocket/stable-diffusion draw, pocket/blip describes,
    ten prompts, ten turns. The same command again goes on where it stopped; more turns or repeats prolong the run.
    """
    from telephone import players, settings
    from telephone.cli.battle import POCKET_I2T, POCKET_T2I, Battle
    from telephone.runs import begin

    battle = Battle(
        t2i=refs(t2i or POCKET_T2I),
        i2t=refs(i2t or POCKET_I2T),
        prompts=prompts,
        levels=levels(level or ()),
        turns=turns,
        repeats=repeats,
        seed=seed,
    )
    players.embedder(embedder)  # an unknown judge is told now, not after hours of play
    description = battle.describe()
    folder = out or settings.load().runs_dir / battle.folder_name(description)
    if dry_run:
        _print_plan(description, folder, json)
        return
    with begin(folder, description) as run:
        tell(f"{_size(description)} in {folder}")
        sit(run, Wishes(embedder, report=not no_report, json=json, retry_failed=retry_failed))


def _size(description: "Description") -> str:
    parts = [counted(len(description.lines), "line"), counted(len(description.prompts), "prompt")]
    if description.repeats > 1:
        parts.append(f"{description.repeats} repeats")
    return f"{' x '.join(parts)} = {counted(_games(description), 'game')} of {counted(description.turns, 'turn')}"


def _games(description: "Description") -> int:
    return len(description.lines) * len(description.prompts) * description.repeats


def _print_plan(description: "Description", folder: Path, json: bool) -> None:
    calls = 2 * description.turns * _games(description)
    cost = _cost(description)
    if json:
        print_json(
            {
                "folder": str(folder),
                "begun": (folder / "run.sqlite").exists(),
                "lines": [{"t2i": t2i, "i2t": i2t} for t2i, i2t in description.lines],
                "prompts": [{"id": p.id, "level": p.level, "text": p.text} for p in description.prompts],
                "turns": description.turns,
                "repeats": description.repeats,
                "seed": description.seed,
                "games": _games(description),
                "calls": calls,
                "cost": cost,
            }
        )
        return
    say(_size(description))
    for t2i, i2t in description.lines:
        say(f"  {t2i} draws, {i2t} describes")
    say(f"At most {counted(calls, 'call')}: equal ones are made once. {_price(cost)}")
    say(f"{'Goes on in' if (folder / 'run.sqlite').exists() else 'Would be written to'} {folder}")


def _cost(description: "Description") -> float | None:
    """US dollars if every call is made; None if a player does not say what it costs."""
    each: list[Any] = [description.player(ref).price for line in description.lines for ref in line]
    if None in each:
        return None
    return float(sum(each)) * len(description.prompts) * description.repeats * description.turns


def _price(cost: float | None) -> str:
    if cost is None:
        return "What it costs is not known."
    return "It costs nothing." if not cost else f"It costs at most {cost:.2f} US dollars."
