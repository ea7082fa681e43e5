"""Judge validation: rank agreement between embedders, and their correlation with exact facts."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from telephone.analysis.facts.fact_tracking import track_facts
from telephone.analysis.inference.bootstrap import bootstrap_weights, interval_bounds, student_stretch
from telephone.analysis.tables.drift import Floats, drift_table
from telephone.analysis.tables.retention import add_retention, calibration_lines
from telephone.analysis.tables.score_frames import ordered_levels, without_controls

if TYPE_CHECKING:
    from telephone.store import Run

ALL = "all"
FACTS = {"text": "facts of texts", "image": "facts of pictures"}
"""The exact judges, by the kind of artefact."""
COLUMNS = ["game", "prompt_id", "level", "t2i_model", "i2t_model", "generation", "turn", "judge", "value"]
SIDES: dict[str, list[str]] = {"t2i": ["t2i_model"], "i2t": ["i2t_model"], "pair": ["t2i_model", "i2t_model"]}
_DRAWS = 1000
_FEWEST = 10
"""Number of descriptions below which no correlation is reported."""


def judge_values(run: Run, frame: pd.DataFrame | None = None, retention: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns the value of each text and image by each judge, on scales where higher is better.

    Columns: `game, prompt_id, level, t2i_model, i2t_model, generation, turn, judge, value`. Judges are each embedder
    with each pair of kinds (`clip text-image`; the value is the retention) and the counted facts of texts and images
    (the share of the prompt's facts that are kept).

    Args:
        run: A run that was judged in full.
        frame: Rows of `run.frame()`; None is the battle without its control lines.
        retention: As `add_retention` gives it for all embedders of the run, if the caller has it already.
    """
    rows = without_controls(run.turns()) if frame is None else frame
    if retention is None:
        retention = add_retention(drift_table(run, frame=rows), calibration_lines(run, frame=rows))
    judged = retention.assign(judge=retention["embedder"] + " " + retention["mapping"], value=retention["retention"])
    facts = track_facts(run, rows, mend=False)
    facts = facts.assign(value=(facts["state"] == "kept").astype(float), generation=facts["generation"])
    facts["judge"] = np.where(facts["kind"] == "image", FACTS["image"], FACTS["text"])
    shares = facts.groupby(COLUMNS[:-1], sort=False)["value"].mean().reset_index()
    return pd.concat([judged.loc[judged["value"].notna(), COLUMNS], shares[COLUMNS]], ignore_index=True)


def rank_agreement(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the rank correlation of the model means of each two judges.

    Columns: `side` (t2i, i2t or pair), `one`, `other` (judges), `players`, `kendall` (tau-b) and `spearman` (rho), both
    in [-1, 1], NaN below three models.

    Args:
        table: As `judge_values` gives it.
    """
    rows = []
    for side, keys in SIDES.items():
        by_prompt = table.groupby(["judge", "prompt_id", *keys])["value"].mean()
        means = by_prompt.groupby(["judge", *keys]).mean().unstack("judge")  # noqa: PD010
        for one, other in combinations(means.columns, 2):
            pair = means[[one, other]].dropna()
            rows.append({"side": side, "one": one, "other": other, "players": len(pair), **_alike(pair)})
    return pd.DataFrame(rows, columns=["side", "one", "other", "players", "kendall", "spearman"])


def fact_correlation(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the rank correlation of each embedder with the exact facts, over all descriptions and images of a level.

    Columns: `judge, level` (`all` last), `spearman` (rank correlation of the value with the share of facts in
    the same text or image), `low`, `high` (95 % interval over prompts), `n` (texts or images), `prompts`.

    Args:
        table: As `judge_values` gives it.
    """
    exact = table[table["judge"].isin(list(FACTS.values()))]
    truth = exact[["game", "generation", "value"]].rename(columns={"value": "facts"})
    both = table[~table["judge"].isin(list(FACTS.values()))].merge(truth, on=["game", "generation"])
    rows = []
    for judge, own in both.groupby("judge", sort=False):
        for level in [*ordered_levels(own), ALL]:
            part = own if level == ALL else own[own["level"] == level]
            rows.append({"judge": judge, "level": level, **_follows(part)})
    return pd.DataFrame(rows, columns=["judge", "level", "spearman", "low", "high", "n", "prompts"])


def kendall(one: Floats, other: Floats) -> float:
    """Returns Kendall's tau-b of two lists of numbers, NaN if one of them is constant."""
    from scipy.stats import kendalltau

    return float(kendalltau(one, other).statistic)


def spearman(one: Floats, other: Floats) -> float:
    """Returns Spearman's rho of two lists of numbers, NaN if one of them is constant; ties share a rank."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(spearmanr(one, other).statistic)


def _alike(pair: pd.DataFrame) -> dict[str, float]:
    if len(pair) < 3:
        return {"kendall": float("nan"), "spearman": float("nan")}
    one, other = (pair.iloc[:, at].to_numpy(dtype=float).round(9) for at in (0, 1))
    return {"kendall": kendall(one, other), "spearman": spearman(one, other)}


def _follows(part: pd.DataFrame) -> dict[str, Any]:
    """Returns Spearman's rho with a bootstrap interval over prompts; ranks are those of the full sample."""
    from scipy.stats import rankdata

    prompts, number = np.unique(part["prompt_id"].to_numpy(dtype=str), return_inverse=True)
    counts = {"n": len(part), "prompts": len(prompts)}
    nothing = {"spearman": float("nan"), "low": float("nan"), "high": float("nan")}
    if len(part) < _FEWEST:
        return nothing | counts
    one, other = (rankdata(part[name].to_numpy(float)) for name in ("value", "facts"))
    sums = np.zeros((len(prompts), 6))
    np.add.at(sums, number, np.stack([np.ones(len(one)), one, other, one * one, other * other, one * other], axis=1))
    value = float(_from_sums(sums.sum(axis=0)[None])[0])
    if len(prompts) < 2 or value != value:
        return nothing | {"spearman": value} | counts
    levels = part.drop_duplicates("prompt_id").set_index("prompt_id")["level"]
    strata = [str(levels[prompt]) for prompt in prompts]
    draws = _from_sums(bootstrap_weights(tuple(strata), _DRAWS) @ sums)
    stretched = value + (draws - value)[:, None] * student_stretch(strata)
    low, high = np.clip(interval_bounds(stretched), -1, 1)[:, 0]
    return {"spearman": value, "low": float(low), "high": float(high)} | counts


def _from_sums(sums: Floats) -> Floats:
    """Returns Pearson's correlation of each row of sums: 1, x, y, xx, yy, xy; NaN where one is constant."""
    n, x, y, xx, yy, xy = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (xx - x * x / n) * (yy - y * y / n)
        return np.where(spread > 1e-9, (xy - x * y / n) / np.sqrt(np.where(spread > 0, spread, 1.0)), np.nan)
