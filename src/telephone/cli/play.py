"""`telephone play`: a battle of all pairs of players over a set of prompts, from nothing to the leaderboard."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from telephone.cli.cost_confirmation import SpendingOptions, agree, as_json, print_shares, words
from telephone.cli.options import (
    JUDGE,
    Budget,
    DryRun,
    EmbedderRef,
    InFlight,
    Json,
    Levels,
    NoReport,
    Retry,
    RosterName,
    Seed,
    UnknownCost,
    Yes,
)
from telephone.cli.output import print_json, say, tell
from telephone.cli.parsing import counted, levels, refs
from telephone.cli.run_lookup import paid_run, there
from telephone.cli.sitting import Wishes, sit

if TYPE_CHECKING:
    from telephone.battle import Forecast
    from telephone.cli.battle import Battle
    from telephone.store import RunSpec

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
    roster: RosterName = None,
    stand_ins: Annotated[
        bool, typer.Option("--stand-ins", help="Let others stand in for players that can no longer be called.")
    ] = False,
    prompts: Annotated[str, typer.Option("--prompts", metavar="NAME|FILE", help="A set, or a file.")] = "pocket",
    level: Levels = None,
    turns: Annotated[int, typer.Option("--turns", min=1, help="How many times there and back.")] = 10,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Games of each pair and prompt.")] = 1,
    seed: Seed = 0,
    controls: Annotated[
        bool,
        typer.Option("--controls", help="Also play control lines: paraphrase, re-encode, fixed, shuffled, oracle."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="The run's folder; runs/NAME-HASH.", show_default=False),
    ] = None,
    embedder: EmbedderRef = JUDGE,
    retry_failed: Retry = False,
    no_report: NoReport = False,
    budget: Budget = None,
    allow_unknown_cost: UnknownCost = False,
    in_flight: InFlight = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Play a battle, judge it, print the leaderboard and write report.html.

    Without options it is the pocket battle: everybody of the roster pocket (`telephone players --roster pocket`), ten
    prompts, ten turns. The same command again goes on where it stopped. More turns, repeats, players or prompts are
    added to the run in the folder, and only what is new is played. Where it costs money you are asked before.
    """
    from telephone import models
    from telephone.battle import begin, forecast
    from telephone.cli.battle import Battle, cast

    drawers, describers = cast(refs(t2i) if t2i else None, refs(i2t) if i2t else None, roster, stand_ins)
    battle = Battle(drawers, describers, prompts, levels(level or ()), turns, repeats, seed, controls)
    for ref in refs([embedder]):
        models.embedder(ref)  # an unknown judge is told now, not after hours of play
    wish = battle.describe()
    folder = out or _folder(battle, wish)
    purse = SpendingOptions(budget, allow_unknown_cost, yes, in_flight)
    before = there(folder, wish)
    try:
        whole = before.spec.grown(wish) if before is not None else wish
        ahead = forecast(whole, before, limits=purse.limits(), near=folder.parent, retry_failed=retry_failed)
    finally:
        if before is not None:
            before.close()
    if dry_run:
        _print_plan(whole, ahead, folder, purse, json)
        return
    agree(ahead, purse)
    with begin(folder, wish) as run:
        tell(f"{_size(run.spec)} in {folder}")
        sit(run, Wishes(embedder, report=not no_report, json=json, retry_failed=retry_failed, purse=purse))


def _folder(battle: "Battle", wish: "RunSpec") -> Path:
    from telephone.core import settings

    runs = settings.load().runs_dir
    usual = runs / battle.folder_name(wish)
    if usual.exists() or all(row.price == 0 for row in wish.models):
        return usual
    return paid_run(runs, battle.stem, wish) or usual


def _size(description: "RunSpec") -> str:
    parts = [counted(len(description.lines), "line"), counted(len(description.prompts), "prompt")]
    if description.repeats > 1:
        parts.append(f"{description.repeats} repeats")
    return f"{' x '.join(parts)} = {counted(_games(description), 'game')} of {counted(description.turns, 'turn')}"


def _games(description: "RunSpec") -> int:
    return len(description.lines) * len(description.prompts) * description.repeats


def _print_plan(description: "RunSpec", ahead: "Forecast", folder: Path, purse: SpendingOptions, json: bool) -> None:
    begun = (folder / "run.sqlite").exists()
    if json:
        print_json(
            {
                "folder": str(folder),
                "begun": begun,
                "lines": [{"t2i": t2i, "i2t": i2t} for t2i, i2t in description.lines],
                "controls": [{"t2i": t2i, "i2t": i2t, "kind": kind} for t2i, i2t, kind in description.controls],
                "prompts": [{"id": p.id, "level": p.level, "text": p.text} for p in description.prompts],
                "turns": description.turns,
                "repeats": description.repeats,
                "seed": description.seed,
                "games": _games(description),
                "games_left": ahead.games,
                **as_json(ahead),
            }
        )
        return
    say(_size(description))
    marks = description.control_lines
    for t2i, i2t in description.lines:
        say(f"  {t2i} draws, {i2t} describes" + (f" (control: {marks[t2i, i2t]})" if (t2i, i2t) in marks else ""))
    print_shares(ahead)
    for line in words(ahead, purse):
        say(line)
    left = f": {counted(ahead.games, 'game')} of {_games(description):,} left" if begun else ""
    say(f"{'Goes on in' if begun else 'Would be written to'} {folder}{left}")
