"""The measure that answers the questions of a battle: counted facts, else calibrated similarity, else distance.

A distance also grows with the wording: two descriptions that state the same facts in different words are at different
distances from the prompt. So facts answer wherever they are counted for every prompt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephone.analysis.tables.score_frames import MEASURES, Measure, without_controls

if TYPE_CHECKING:
    import pandas as pd

FACTS, SIMILARITY, DISTANCE = "recall", "similarity", "distance"
"""Names of the measures that can answer, in the order of preference."""


@dataclass(frozen=True)
class MeasureChoice:
    """The measure of a battle's answers, and the prompts that it covers."""

    measure: Measure
    prompts: int
    """Prompts with a finished game."""
    covered: int
    """Of these, those with a score by the measure."""
    facts: int
    """Of these, those whose facts are counted."""

    @property
    def partly_counted(self) -> bool:
        """Whether facts are counted for some prompts, and another measure answers for all of them."""
        return self.measure.name != FACTS and self.facts > 0


def choose_measure(games: pd.DataFrame, when: str = "final") -> MeasureChoice:
    """Returns the measure that answers for these games.

    Facts, if they are counted for every prompt with a finished game; else the calibrated similarity, if it has a score
    wherever the distance has one; else the distance; facts of some prompts, if there is no distance at all.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        when: final or mean.
    """
    own = without_controls(games)
    own = own[own["outcome"] == "ok"]
    scored = {
        name: int(own.loc[own[f"{name}_{when}"].notna(), "prompt_id"].nunique())
        for name in (FACTS, SIMILARITY, DISTANCE)
    }
    prompts = int(own["prompt_id"].nunique())
    return MeasureChoice(MEASURES[_chosen(scored, prompts)], prompts, scored[_chosen(scored, prompts)], scored[FACTS])


def _chosen(scored: dict[str, int], prompts: int) -> str:
    if prompts and scored[FACTS] == prompts:
        return FACTS
    if scored[SIMILARITY] and scored[SIMILARITY] == scored[DISTANCE]:
        return SIMILARITY
    return FACTS if scored[FACTS] and not scored[DISTANCE] else DISTANCE
