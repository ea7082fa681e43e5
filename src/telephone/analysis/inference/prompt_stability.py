"""Whether the first model stays first if any one prompt is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from telephone.analysis.inference.sign_flips import first_at
from telephone.analysis.tables.prompt_scores import KEYS, Side, prompt_by_model
from telephone.analysis.tables.score_frames import get_measure


@dataclass(frozen=True)
class PromptStability:
    """How much the first place depends on single prompts."""

    first: str
    """The first model or pair over all levels; empty without scores."""
    share: float
    """Share of prompts without which it stays first; NaN with fewer than two prompts or models."""
    prompts: int
    """Prompts on which it has a score."""
    flips: pd.DataFrame
    """One row for each prompt without which another model is first. Columns `prompt_id`, `level`, `first` (that model)
    and `lead` (by which the first model of all prompts is ahead of it on this prompt, above 0)."""


def prompt_stability(
    games: pd.DataFrame, side: Side, measure: str = "distance", when: str = "final"
) -> PromptStability:
    """Returns whether the first model stays first if any one prompt is left out.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        side: t2i, i2t or pair.
        measure: A name of `MEASURES`.
        when: final or mean.

    Raises:
        UsageError: there is no such measure.
    """
    what = get_measure(measure)
    wide, levels = prompt_by_model(games, KEYS[side], f"{what.name}_{when}")
    values = wide.to_numpy(dtype=float)
    names = [" + ".join(name) if isinstance(name, tuple) else str(name) for name in wide.columns]
    rows = pd.DataFrame(columns=["prompt_id", "level", "first", "lead"])
    first = first_at(values, what.low_is_best)
    if first is None:
        return PromptStability("", float("nan"), 0, rows)
    scored = [int(at) for at in np.flatnonzero(~np.isnan(values[:, first]))]
    models = int((~np.isnan(values).all(axis=0)).sum())
    if len(scored) < 2 or models < 2:
        return PromptStability(names[first], float("nan"), len(scored), rows)
    found = []
    for at in scored:
        other = first_at(np.delete(values, at, axis=0), what.low_is_best)
        if other is not None and other != first:
            lead = (values[at, other] - values[at, first]) * (1.0 if what.low_is_best else -1.0)
            found.append((str(wide.index[at]), levels[at], names[other], float(lead)))
    table = pd.DataFrame(found, columns=list(rows.columns)) if found else rows
    return PromptStability(names[first], 1 - len(found) / len(scored), len(scored), table)
