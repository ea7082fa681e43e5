"""`telephone plan`: how many prompts, seeds, calls, dollars and hours a battle needs to see a difference."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from telephone.cli.cost_confirmation import as_json as forecast_as_json
from telephone.cli.cost_confirmation import print_shares, words
from telephone.cli.options import Json, RosterName
from telephone.cli.output import print_json, print_table, print_text, say, table
from telephone.cli.parsing import counted, refs
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.analysis.planning.battle_size import BattlePlan
    from telephone.battle import Forecast
    from telephone.store import RunSpec

NAME = "plan"
_SIDES = {"t2i": "two drawing models", "i2t": "two describing models"}


def command(
    gap: Annotated[float, typer.Option("--gap", help="The smallest difference that shall be seen.")] = 0.05,
    players: Annotated[
        str | None, typer.Option("--players", metavar="TxC", help="How many draw and describe.", show_default=False)
    ] = None,
    t2i: Annotated[
        list[str] | None, typer.Option("--t2i", metavar="REF", help="Who draws, for cost and time.", show_default=False)
    ] = None,
    i2t: Annotated[
        list[str] | None, typer.Option("--i2t", metavar="REF", help="Who describes (likewise).", show_default=False)
    ] = None,
    roster: RosterName = None,
    power: Annotated[float, typer.Option("--power", help="The chance that it is seen if it is there.")] = 0.8,
    turns: Annotated[int, typer.Option("--turns", min=1, help="Turns of a game.")] = 10,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, help="Games of a pair and prompt; the cheapest.", show_default=False)
    ] = None,
    prompts: Annotated[
        int | None, typer.Option("--prompts", min=1, help="Tell what so many would show.", show_default=False)
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", metavar="FOLDER", help="A run whose spreads and players it takes.", show_default=False),
    ] = None,
    measure: Annotated[str, typer.Option("--measure", help="distance, recall or precision.")] = "distance",
    json: Json = False,
) -> None:
    """Tell how large a battle must be to see a difference, and what a small one cannot show.

    Spreads are assumed unless a run is given that has them. Cost and time are told for players that are named, by
    --t2i and --i2t, a roster or a run; `--players 3x4` alone counts calls.
    """
    from telephone.analysis.planning.battle_size import PlanGoal, plan_battle

    lines = _lines(t2i, i2t, roster)
    spread, known = _of_run(run, measure)
    drawers, describers = _sizes(players, lines, known)
    plan = plan_battle(PlanGoal(gap, drawers, describers, power, turns, seeds), spread, prompts)
    ahead = _forecast(plan, lines, known if players is None else None, run)
    if json:
        forecast = None if ahead is None else forecast_as_json(ahead)
        print_json(_as_json(plan) | {"forecast": forecast})
        return
    _print(plan, ahead)


def _as_json(plan: "BattlePlan") -> dict[str, Any]:
    """Returns the plan under the names of the JSON document."""
    found = asdict(plan)
    goal, deviations = found.pop("goal"), found.pop("deviations")
    sizes = {"drawers": goal.pop("t2i_models"), "describers": goal.pop("i2t_models")}
    return {"wish": goal | sizes, **found, "spread": deviations}


def _lines(t2i: list[str] | None, i2t: list[str] | None, roster: str | None) -> list[tuple[str, str]]:
    """Returns the lines of named players; none if nobody is named."""
    from telephone.battle import grid
    from telephone.cli.battle import cast

    if not (t2i or i2t or roster):
        return []
    return grid(*cast(refs(t2i) if t2i else None, refs(i2t) if i2t else None, roster, False))


def _of_run(folder: Path | None, measure: str) -> "tuple[Any, RunSpec | None]":
    """Returns the spreads and the description of a run, or nothing."""
    if folder is None:
        return None, None
    from telephone.analysis import game_scores, scored_frame
    from telephone.analysis.planning.battle_size import estimate_deviations
    from telephone.store import Run

    with Run.open(folder) as found:
        games = game_scores(scored_frame(found), found.spec.turns)
        return estimate_deviations(games, measure), found.spec


def _sizes(players: str | None, lines: list[tuple[str, str]], known: "RunSpec | None") -> tuple[int, int]:
    if players is not None:
        one, cross, other = players.lower().replace("×", "x").partition("x")
        if not (cross and one.strip().isdigit() and other.strip().isdigit()):
            raise UsageError(f"{players!r} is no size of a roster: write how many draw and describe, such as 3x4.")
        return int(one), int(other)
    if not lines and known is not None:
        lines = [line for line in known.lines if line not in known.control_lines]
    if not lines:
        return 3, 4
    return len({t2i for t2i, _ in lines}), len({i2t for _, i2t in lines})


def _forecast(
    plan: "BattlePlan", lines: list[tuple[str, str]], known: "RunSpec | None", folder: Path | None
) -> "Forecast | None":
    """Returns what the planned battle takes of players that are known; prompts of no consequence stand for its own."""
    from telephone import battle
    from telephone.core import settings
    from telephone.core.records import Prompt

    stand_ins = tuple(Prompt(f"Prompt number {number}.", "easy") for number in range(plan.prompts))
    if lines:
        wish = battle.plan(lines, stand_ins, turns=plan.goal.turns, repeats=plan.seeds)
        return battle.forecast(wish, near=settings.load().runs_dir)
    if known is None:
        return None
    own = tuple(line for line in known.lines if line not in known.control_lines)
    seated = {ref for line in own for ref in line}
    wish = replace(
        known,
        models=tuple(row for row in known.models if row.ref in seated),
        lines=own,
        prompts=stand_ins,
        turns=plan.goal.turns,
        repeats=plan.seeds,
        controls=(),
    )
    return battle.forecast(wish, near=folder.parent if folder is not None else None)


def _print(plan: "BattlePlan", ahead: "Forecast | None") -> None:
    goal = plan.goal
    size = f"{goal.t2i_models} x {goal.i2t_models} players"
    say(
        f"{counted(plan.prompts, 'prompt')} x {counted(plan.seeds, 'seed')} x {size} = {counted(plan.games, 'game')} "
        f"of {counted(goal.turns, 'turn')}, at most {counted(plan.calls, 'call')}."
    )
    for side, gap in plan.gap.items():
        sd = plan.sd[side]
        seen = f"is seen in {goal.power:.0%} of such battles (standard deviation {sd:.3f})"
        say(f"A difference of {gap:.3f} between {_SIDES[side]} {seen}.")
    say(f"Spreads: {plan.deviations.source}.")
    if len(plan.options) > 1:
        columns = ("seeds", "prompts", "games", "calls")
        made = table(*columns, numbers=columns)
        for option in plan.options:
            made.add_row(*(f"{getattr(option, name):,}" for name in columns))
        print_table(made)
    if ahead is not None:
        print_shares(ahead)
        for line in words(ahead):
            say(line)
    else:
        say("Cost and time: name the players with --t2i and --i2t, --roster or --run.")
    for warning in plan.warnings:
        print_text(f"[bold yellow]Warning:[/] {warning}")
