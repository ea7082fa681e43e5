"""Scores of published work by their own formulas, for comparison with published tables.

*Mean cumulative drift* of the Semantic Drift Protocol is, despite its name, a similarity: higher is less drift. For
each of four pairs of kinds (text-text and text-image from games that begin with a text, image-image and image-text from
those that begin with an image) the cosine with the start is averaged over games, then over all generations that make
this kind; the mean of the four is the score. `GC@T` of GenCeption weights the cosine of the image of turn t with the
first image by t, so that late turns count more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from telephone.analysis.tables.drift import MAPPINGS

AVERAGE = "mcd_avg"
GENCEPTION = "gc_at_t"
COLUMNS = ["embedder", "t2i_model", "i2t_model", "measure", "value", "chains", "generations"]


def published_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the published scores of each pair of models, as cosine similarities: HIGHER IS BETTER.

    Columns: `embedder, t2i_model, i2t_model, measure` (a pair of kinds for its mean cumulative drift, `mcd_avg` for the
    mean of all four, `gc_at_t`), `value` (NaN where a kind of game was not played or the embedder does not take both
    kinds), `chains` (games), `generations` (how many of them count; for `gc_at_t` the T).

    The published code averages cosines of embedders with different scales. Here each embedder has its own row.

    Args:
        table: As `drift_table` gives it.
    """
    rows: list[dict[str, Any]] = []
    for (embedder, t2i, i2t), part in table.groupby(["embedder", "t2i_model", "i2t_model"], sort=False):
        head = {"embedder": embedder, "t2i_model": t2i, "i2t_model": i2t}
        found = [{"measure": mapping, **_mean(part[part["mapping"] == mapping])} for mapping in MAPPINGS]
        rows += [head | each for each in (*found, _average(found), _genception(part))]
    return pd.DataFrame(rows, columns=COLUMNS)


def genception_score(cosines: list[float]) -> float:
    """Returns the sum of t * s_t over the sum of t; s_t is the cosine of turn t = 1, 2, ... with the first image."""
    weights = np.arange(1, len(cosines) + 1)
    return float((weights * np.array(cosines)).sum() / weights.sum())


def _mean(part: pd.DataFrame) -> dict[str, Any]:
    known = part[part["to_start"].notna()]
    by_generation = 1 - known.groupby("generation")["to_start"].mean()
    value = float(by_generation.mean()) if len(by_generation) else np.nan
    return {"value": value, "chains": int(known["game"].nunique()), "generations": len(by_generation)}


def _average(found: list[dict[str, Any]]) -> dict[str, Any]:
    values = [each["value"] for each in found]
    chains, generations = (sum(each[name] for each in found) for name in ("chains", "generations"))
    return {"measure": AVERAGE, "value": float(np.mean(values)), "chains": chains, "generations": generations}


def _genception(part: pd.DataFrame) -> dict[str, Any]:
    """Returns GC@T of complete games; a game that stopped early has no value."""
    known = part[(part["mapping"] == "image-image") & part["to_start"].notna()]
    turns = int(known["turn"].max()) if len(known) else 0
    games = [
        genception_score(list(1 - own.sort_values("turn")["to_start"]))
        for _, own in known.groupby("game", sort=False)
        if len(own) == turns
    ]
    value = float(np.mean(games)) if games else np.nan
    return {"measure": GENCEPTION, "value": value, "chains": len(games), "generations": turns}
