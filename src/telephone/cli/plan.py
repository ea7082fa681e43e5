"""`telephone plan`: how many prompts, seeds, calls, dollars and hours a battle needs to show a difference."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from telephone.cli.forecast import forecast_json, forecast_lines, print_models
from telephone.cli.formatting import counted
from telephone.cli.options import Json, RosterName
from telephone.cli.output import echo, print_json, print_text
from telephone.cli.parsing import refs
from telephone.cli.tables import print_table, table

if TYPE_CHECKING:
    from telephone.analysis import BattlePlan
    from telephone.battle import Forecast

NAME = "plan"
_SIDES = {"t2i": "two text-to-image models", "i2t": "two image-to-text models"}


def command(
    gap: Annotated[float, typer.Option("--gap", help="The smallest difference that should be found.")] = 0.05,
    players: Annotated[
        str | None,
        typer.Option("--players", metavar="TxC", help="Numbers of models, such as 3x4.", show_default=False),
    ] = None,
    t2i: Annotated[
        list[str] | None,
        typer.Option("--t2i", metavar="REF", help="Text-to-image models, for the cost.", show_default=False),
    ] = None,
    i2t: Annotated[
        list[str] | None,
        typer.Option("--i2t", metavar="REF", help="Image-to-text models, for the cost.", show_default=False),
    ] = None,
    roster: RosterName = None,
    power: Annotated[float, typer.Option("--power", help="The probability that it is found if it exists.")] = 0.8,
    turns: Annotated[int, typer.Option("--turns", min=1, help="Turns of a game.")] = 10,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", min=1, help="Games of a pair and prompt; the cheapest.", show_default=False),
    ] = None,
    prompts: Annotated[
        int | None, typer.Option("--prompts", min=1, help="Report what so many prompts would show.", show_default=False)
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", metavar="FOLDER", help="A run whose spreads and models are used.", show_default=False),
    ] = None,
    measure: Annotated[str, typer.Option("--measure", help="distance, recall or precision.")] = "distance",
    json: Json = False,
) -> None:
    """Report how large a battle must be to show a difference, and what a small one cannot show.

    Spreads are assumed unless a run is given that has them. Cost and time are estimated for named models (--t2i and
    --i2t, a roster or a run); `--players 3x4` alone counts calls.
    """
    from telephone import pipeline

    battle = None
    if t2i or i2t or roster:
        battle = pipeline.BattleConfig(refs(t2i) if t2i else None, refs(i2t) if i2t else None, roster)
    models = None if players is None else pipeline.parse_size(players)
    size = pipeline.battle_size(pipeline.SizeQuestion(gap, power, turns, seeds, prompts, measure, models), battle, run)
    if json:
        forecast = None if size.forecast is None else forecast_json(size.forecast)
        print_json(_as_json(size.plan) | {"forecast": forecast})
        return
    _print(size.plan, size.forecast)


def _as_json(plan: "BattlePlan") -> dict[str, Any]:
    """Returns the plan under the names of the JSON document."""
    found = asdict(plan)
    goal, deviations = found.pop("goal"), found.pop("deviations")
    sizes = {"drawers": goal.pop("t2i_models"), "describers": goal.pop("i2t_models")}
    return {"wish": goal | sizes, **found, "spread": deviations}


def _print(plan: "BattlePlan", ahead: "Forecast | None") -> None:
    goal = plan.goal
    size = f"{goal.t2i_models} x {goal.i2t_models} models"
    echo(
        f"{counted(plan.prompts, 'prompt')} x {counted(plan.seeds, 'seed')} x {size} = {counted(plan.games, 'game')} "
        f"of {counted(goal.turns, 'turn')}, at most {counted(plan.calls, 'call')}."
    )
    for side, gap in plan.gap.items():
        sd = plan.sd[side]
        seen = f"is found in {goal.power:.0%} of such battles (standard deviation {sd:.3f})"
        echo(f"A difference of {gap:.3f} between {_SIDES[side]} {seen}.")
    echo(f"Spreads: {plan.deviations.source}.")
    if len(plan.options) > 1:
        columns = ("seeds", "prompts", "games", "calls")
        made = table(*columns, numbers=columns)
        for option in plan.options:
            made.add_row(*(f"{getattr(option, name):,}" for name in columns))
        print_table(made)
    if ahead is not None:
        print_models(ahead)
        for line in forecast_lines(ahead):
            echo(line)
    else:
        echo("Cost and time: name the models with --t2i and --i2t, --roster or --run.")
    for warning in plan.warnings:
        print_text(f"[bold yellow]Warning:[/] {warning}")
