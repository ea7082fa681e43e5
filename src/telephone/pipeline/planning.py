"""How large a battle must be to show a difference, with the cost and time of its calls where models are named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from telephone import battle as battles
from telephone.core import settings
from telephone.core.errors import UsageError
from telephone.core.records import Prompt
from telephone.pipeline.battle_config import BattleConfig
from telephone.pipeline.battles import open_battle
from telephone.store import RunSpec

if TYPE_CHECKING:
    from telephone.analysis import BattlePlan, ScoreDeviations

DEFAULT_SIZE = (3, 4)
"""Text-to-image and image-to-text models of a battle of which nothing is known."""


@dataclass(frozen=True)
class SizeQuestion:
    """Which difference a battle should show."""

    gap: float = 0.05
    """The smallest difference between two models that should be found."""
    power: float = 0.8
    """The probability that it is found if it exists."""
    turns: int = 10
    seeds: int | None = None
    """Games of a pair and prompt; None takes the cheapest number."""
    prompts: int | None = None
    """Asks what so many prompts would show; None asks how many are needed."""
    measure: str = "distance"
    """distance, recall or precision."""
    models: tuple[int, int] | None = None
    """Numbers of text-to-image and image-to-text models; None takes those of the battle or the run."""


@dataclass(frozen=True)
class BattleSize:
    """A plan, and what its calls take."""

    plan: BattlePlan
    forecast: battles.Forecast | None
    """None if no models are named."""


def battle_size(
    question: SizeQuestion, battle: BattleConfig | None = None, folder: str | Path | None = None
) -> BattleSize:
    """Returns how large a battle must be, or what a given size can show.

    Args:
        question: the difference, and how certainly it should be found.
        battle: names models, for cost and time; None names none.
        folder: a run whose spreads, and models, are used; None assumes spreads.

    Raises:
        UsageError: a number is out of range, or there is no run in the folder.
        StoreError: the run cannot be read.
    """
    from telephone.analysis import PlanGoal, plan_battle

    lines = battles.grid(*battle.models()) if battle is not None else []
    spread, known = _of_run(folder, question.measure)
    t2i, i2t = question.models or _sizes(lines, known)
    goal = PlanGoal(question.gap, t2i, i2t, question.power, question.turns, question.seeds)
    plan = plan_battle(goal, spread, question.prompts)
    return BattleSize(plan, _forecast(plan, lines, known if question.models is None else None, folder))


def _of_run(folder: str | Path | None, measure: str) -> tuple[ScoreDeviations | None, RunSpec | None]:
    if folder is None:
        return None, None
    from telephone.analysis import estimate_deviations, game_scores, scored_frame

    with open_battle(folder) as run:
        return estimate_deviations(game_scores(scored_frame(run), run.spec.turns), measure), run.spec


def _sizes(lines: list[tuple[str, str]], known: RunSpec | None) -> tuple[int, int]:
    if not lines and known is not None:
        lines = [line for line in known.lines if line not in known.control_lines]
    return (len({t2i for t2i, _ in lines}), len({i2t for _, i2t in lines})) if lines else DEFAULT_SIZE


def _forecast(
    plan: BattlePlan, lines: list[tuple[str, str]], known: RunSpec | None, folder: str | Path | None
) -> battles.Forecast | None:
    """Returns the forecast for models that are known, with placeholders for the prompts."""
    prompts = tuple(Prompt(f"Prompt number {number}.", "easy") for number in range(plan.prompts))
    if lines:
        spec = battles.plan(lines, prompts, turns=plan.goal.turns, repeats=plan.seeds)
        return battles.forecast(spec, near=settings.load().runs_dir)
    if known is None:
        return None
    own = tuple(line for line in known.lines if line not in known.control_lines)
    playing = {ref for line in own for ref in line}
    spec = replace(
        known,
        models=tuple(row for row in known.models if row.ref in playing),
        lines=own,
        prompts=prompts,
        turns=plan.goal.turns,
        repeats=plan.seeds,
        controls=(),
    )
    return battles.forecast(spec, near=Path(folder).parent if folder is not None else None)


def parse_size(text: str) -> tuple[int, int]:
    """Returns the numbers of a size such as `3x4`.

    Raises:
        UsageError: it is not two numbers with an x between them.
    """
    one, cross, other = text.lower().replace("×", "x").partition("x")
    if not (cross and one.strip().isdigit() and other.strip().isdigit()):
        raise UsageError(
            f"{text!r} is no size: write the numbers of text-to-image and image-to-text models, such as 3x4."
        )
    return int(one), int(other)
