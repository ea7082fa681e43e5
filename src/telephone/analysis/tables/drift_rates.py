"""Semantic drift rate: how fast the similarity to the start decays, with a reason wherever the data cannot tell.

The Semantic Drift Protocol (arXiv 2509.04438, first version) fits `s(g) = a exp(-b g) + c` to the mean similarity s of
generation g. Its published code fits without bounds: on games that have settled it stops with an error or returns
parameters without meaning, and it gives no interval. Here the rate b is searched on a grid, a and c follow by least
squares, prompts are resampled for the interval, and a rate at the end of the grid is not reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import NORMAL_QUANTILE, Floats, bootstrap_weights, student_stretch

COLUMNS = (
    "embedder", "t2i_model", "i2t_model", "mapping", "rate", "low", "high", "half_life", "floor", "r2", "generations",
    "prompts", "reason",
)  # fmt: skip
RATES: Floats = np.geomspace(0.01, 5.0, 160)
"""Rates that are tried, a generation; the first and the last one mean that the data do not identify a rate."""
MIN_PROMPTS, MIN_GENERATIONS = 3, 4
FLAT = 0.01
"""Below this range of the mean similarities there is no decay to fit."""
MAX_UNIDENTIFIED = 0.1
"""Above this share of resamples at an end of the grid, the rate is not identified."""
_DRAWS = 400


@dataclass(frozen=True)
class DecayFit:
    """The least-squares fit of `a exp(-b g) + c`; all arrays have one entry a curve."""

    rate: Floats
    """b, 1 / generation."""
    height: Floats
    """a."""
    floor: Floats
    """c."""
    identified: Any
    """bool: the rate is inside the grid and the curve decays (a > 0)."""
    r2: Floats
    """Share of the variance that the fit explains; 0 to 1."""


def drift_rates(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the decay rate of the similarity to the start of each embedder, pair of models and pair of kinds.

    Columns: `embedder, t2i_model, i2t_model, mapping` (such as text-text), `rate` (b, 1 / generation), `low`,
    `high` (95 % interval over prompts), `half_life` (generations, ln 2 / b), `floor` (c, the similarity that remains),
    `r2`, `generations`, `prompts`, and `reason`: why there is no rate; empty where there is one.

    Args:
        table: As `drift_table` gives it.
    """
    rows = []
    keys = ["embedder", "t2i_model", "i2t_model", "mapping"]
    for own, part in table[table["to_start"].notna()].groupby(keys, sort=False):
        by_prompt = part.groupby(["prompt_id", "generation"])["to_start"].mean().unstack("generation")  # noqa: PD010
        levels = part.groupby("prompt_id")["level"].first().reindex(by_prompt.index)
        complete = by_prompt.notna().all(axis=1)
        wide = 1 - by_prompt[complete].to_numpy(dtype=float)
        strata = tuple(str(level) for level in levels[complete])
        generations = by_prompt.columns.to_numpy(dtype=float)
        found = _rate(wide, generations, strata)
        counts = {"generations": len(generations), "prompts": len(wide)}
        rows.append(dict(zip(keys, own, strict=True)) | counts | found)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def fit_decay(curves: Floats, generations: Floats) -> DecayFit:
    """Returns the least-squares fits of `a exp(-b g) + c`, with b on the grid `RATES`.

    Args:
        curves: [curves, generations]: mean similarities.
        generations: [generations]: g of each column.
    """
    decay = np.exp(-RATES[:, None] * generations[None])
    centred = decay - decay.mean(axis=1, keepdims=True)
    deviation = curves - curves.mean(axis=1, keepdims=True)
    height = (deviation @ centred.T) / (centred**2).sum(axis=1)
    total = (deviation**2).sum(axis=1)
    rest = total[:, None] - height**2 * (centred**2).sum(axis=1)
    best = rest.argmin(axis=1)
    row = np.arange(len(curves))
    a = height[row, best]
    explained = 1 - np.divide(rest[row, best], total, out=np.ones_like(total), where=total > 0)
    return DecayFit(
        rate=RATES[best],
        height=a,
        floor=curves.mean(axis=1) - a * decay.mean(axis=1)[best],
        identified=(best > 0) & (best < len(RATES) - 1) & (a > 0),
        r2=explained,
    )


def _rate(wide: Floats, generations: Floats, strata: tuple[str, ...]) -> dict[str, Any]:
    """Returns the rate of [prompts, generations] with its interval, or the reason why there is none."""
    nothing = dict.fromkeys(("rate", "low", "high", "half_life", "floor", "r2"), float("nan"))
    if len(wide) < MIN_PROMPTS or len(generations) < MIN_GENERATIONS:
        return nothing | {"reason": f"needs {MIN_PROMPTS} prompts and {MIN_GENERATIONS} generations"}
    mean = wide.mean(axis=0)
    if np.ptp(mean) < FLAT:
        return nothing | {"reason": "the similarity does not change"}
    fit = fit_decay(mean[None], generations)
    if fit.height[0] <= 0:
        return nothing | {"reason": "the similarity does not decrease"}
    weights = bootstrap_weights(strata, _DRAWS)
    draws = fit_decay(weights @ wide / weights.sum(axis=1, keepdims=True), generations)
    if not fit.identified[0] or (~draws.identified).mean() > MAX_UNIDENTIFIED:
        return nothing | {"reason": "the rate is not identified"}
    rate = float(fit.rate[0])
    # Rates are positive and skewed, so the interval is symmetric on the logarithm.
    half = NORMAL_QUANTILE * student_stretch(strata) * float(np.log(draws.rate[draws.identified]).std())
    found = {"rate": rate, "low": rate * float(np.exp(-half)), "high": rate * float(np.exp(half))}
    return found | {
        "half_life": float(np.log(2) / rate), "floor": float(fit.floor[0]), "r2": float(fit.r2[0]), "reason": "",
    }  # fmt: skip
