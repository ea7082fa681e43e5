"""Judge validation: rank agreement between embedders, and their correlation with exact facts."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from telephone.analysis.facts.fact_tracking import track_facts
from telephone.analysis.inference.bootstrap import estimate_means
from telephone.analysis.inference.correlation import MIN_PROMPTS, clustered_correlation
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
_FEWEST = 10
"""Number of descriptions below which no correlation is reported."""
_MOST_ORDERED = 7
"""Up to this number of models all orders are tried."""
CORRELATION_COLUMNS = (
    "judge", "level", "spearman", "low", "high", "within", "within_low", "within_high", "within_prompts", "n",
    "prompts",
)  # fmt: skip


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
    in [-1, 1], NaN below three models, and `chance` (share of all orders of the models that agree at least as well by
    Kendall's tau: three models have the same order in 1 of 6).

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
    return pd.DataFrame(rows, columns=["side", "one", "other", "players", "kendall", "spearman", "chance"])


def fact_correlation(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the rank correlation of each embedder with the exact facts, pooled and within prompts.

    The pooled correlation is larger where prompts differ in difficulty: a judge that only tells easy prompts from hard
    ones has a high one. Models are compared on the same prompts, so a ranking depends on the correlation within them.

    Columns: `judge, level` (`all` last), `spearman` (rank correlation of the value with the share of facts in the same
    text or image, over all texts or images of the level), `low`, `high` (95 % interval over prompts), `within` (mean
    over prompts of the correlation within each), `within_low`, `within_high` (95 % interval), `within_prompts` (prompts
    in which both vary), `n` (texts or images), `prompts`. An interval is NaN below three prompts that vary, and
    where the correlation depends on a single one of them.

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
            counts = {"n": len(part), "prompts": int(part["prompt_id"].nunique())}
            rows.append({"judge": judge, "level": level, **_pooled(part), **_within(part), **counts})
    return pd.DataFrame(rows, columns=list(CORRELATION_COLUMNS))


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
        return dict.fromkeys(("kendall", "spearman", "chance"), float("nan"))
    one, other = (pair.iloc[:, at].to_numpy(dtype=float).round(9) for at in (0, 1))
    tau = kendall(one, other)
    return {"kendall": tau, "spearman": spearman(one, other), "chance": chance_agreement(one, other, tau)}


def chance_agreement(one: Floats, other: Floats, tau: float) -> float:
    """Returns the probability that a random order of the models agrees with the first judge at least as well.

    Args:
        one: Means of the models by the first judge.
        other: The same by the second judge.
        tau: Their Kendall's tau-b; NaN gives NaN.

    Returns:
        Over all orders for up to seven models, by scipy's approximation above.
    """
    if tau != tau:
        return float("nan")
    if len(one) > _MOST_ORDERED:
        from scipy.stats import kendalltau

        return float(kendalltau(one, other, alternative="greater").pvalue)
    first, second = (np.sign(values[:, None] - values[None, :]) for values in (one, other))
    orders = np.array(list(permutations(range(len(one)))))
    reached = (first[None] * second[orders[:, :, None], orders[:, None, :]]).sum(axis=(1, 2))
    return float((reached >= (first * second).sum() - 1e-9).mean())


def _pooled(part: pd.DataFrame) -> dict[str, float]:
    """Returns Spearman's rho over all rows with its interval; none if the facts vary in too few prompts."""
    from scipy.stats import rankdata

    found = dict.fromkeys(("spearman", "low", "high"), float("nan"))
    if len(part) < _FEWEST:
        return found
    prompts, number = np.unique(part["prompt_id"].to_numpy(dtype=str), return_inverse=True)
    one, other = (rankdata(part[name].to_numpy(float)) for name in ("value", "facts"))
    levels = part.drop_duplicates("prompt_id").set_index("prompt_id")["level"]
    value, low, high = clustered_correlation(one, other, number, [str(levels[prompt]) for prompt in prompts])
    if _varying(part) < MIN_PROMPTS:
        return found | {"spearman": value}
    return {"spearman": value, "low": low, "high": high}


def _varying(part: pd.DataFrame) -> int:
    """Returns the number of prompts within which the facts vary."""
    return int((part.groupby("prompt_id")["facts"].nunique() > 1).sum())


def _within(part: pd.DataFrame) -> dict[str, float]:
    """Returns the mean over prompts of Spearman's rho within each prompt, with its interval."""
    found = {
        str(prompt): (spearman(own["value"].to_numpy(float), own["facts"].to_numpy(float)), str(own["level"].iloc[0]))
        for prompt, own in part.groupby("prompt_id", sort=True)
        if len(own) >= _FEWEST
    }
    known = [each for each in found.values() if each[0] == each[0]]
    if not known:
        return dict.fromkeys(("within", "within_low", "within_high"), float("nan")) | {"within_prompts": 0}
    values, strata = np.array([each[0] for each in known]), [each[1] for each in known]
    means = estimate_means(values[:, None], strata, (-1.0, 1.0))
    enough = len(known) >= MIN_PROMPTS
    low, high = (float(each[0]) if enough else float("nan") for each in (means.low, means.high))
    return {"within": float(means.mean[0]), "within_low": low, "within_high": high, "within_prompts": len(known)}
