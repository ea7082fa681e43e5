"""Models compared with the control line that only rewords: what is not worse than it has lost nothing measurable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.analysis.inference.bootstrap import estimate_means
from telephone.analysis.tables.measure_choice import FACTS
from telephone.analysis.tables.prompt_scores import KEYS, Side, prompt_by_model
from telephone.analysis.tables.score_frames import Measure

if TYPE_CHECKING:
    import pandas as pd

CONTROL = "paraphrase"
"""The control line whose descriptions state the same facts in other words at every turn."""


def not_worse_than_paraphrase(
    games: pd.DataFrame, controls: pd.DataFrame | None, side: Side, measure: Measure, when: str = "final"
) -> list[str]:
    """Returns the models of a side that are not worse than the paraphrase line, which keeps every fact.

    A distance or a similarity also changes with the wording. The paraphrase line shows by how much on the same prompts.
    A model is worse if the 95 % interval of its mean difference from this line lies on the worse side of 0; a model
    that is not has lost nothing that the measure can detect. Facts do not depend on the wording, so that no model is
    returned for them, as without the control line or with fewer than two prompts.

    Args:
        games: One row a game of the battle, as `game_scores` gives it.
        controls: The same of the control lines; None if none were played.
        side: t2i, i2t or pair.
        measure: The measure that is compared.
        when: final or mean.
    """
    if measure.name == FACTS or controls is None or not len(controls):
        return []
    column = f"{measure.name}_{when}"
    line = controls.loc[controls["control"] == CONTROL].groupby("prompt_id")[column].mean()
    wide, strata = prompt_by_model(games, KEYS[side], column)
    gaps = wide.sub(line.reindex(wide.index), axis=0)
    if not len(gaps) or not gaps.notna().any().any():
        return []
    found = estimate_means(gaps.to_numpy(dtype=float), strata)
    worse = found.low > 0 if measure.low_is_best else found.high < 0
    names = [" + ".join(name) if isinstance(name, tuple) else str(name) for name in wide.columns]
    return [name for name, bad, n in zip(names, worse, found.n, strict=True) if n >= 2 and not bad]
