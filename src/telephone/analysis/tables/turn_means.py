"""Tables for figures: means by turn with 95 % intervals over prompts, each level and pair for itself."""

from __future__ import annotations

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import estimate
from telephone.analysis.tables.score_frames import Measure, battle, check, measure_of
from telephone.core.records import LEVELS

_STEP_COLUMNS = ["level", "t2i_model", "i2t_model", "step_number", "mean", "low", "high", "se", "n", "unscored"]


def levels_of(frame: pd.DataFrame) -> list[str]:
    """Returns the levels that occur, from easy to impossible, others behind."""
    found = [str(level) for level in frame["level"].drop_duplicates()]
    return [level for level in LEVELS if level in found] + sorted(set(found) - set(LEVELS))


def by_step(frame: pd.DataFrame, measure: str = "distance") -> pd.DataFrame:
    """Returns the mean of a measure by turn, for each level and pair.

    Repeats of a prompt are averaged first, then prompts. Columns: `level, t2i_model, i2t_model, step_number, mean, low,
    high` (95 % interval over prompts, NaN below two), `se, n` (prompts), `unscored` (turns begun, without a number). A
    game that broke off counts in the turns that it reached.

    Args:
        frame: One row a turn, as `scored` gives it; controls are left out.
        measure: distance, recall or precision.

    Raises:
        UsageError: there is no such measure, or a column is missing.
    """
    check(frame)
    frame = battle(frame)
    what = measure_of(measure)
    tables = [_steps(frame[frame["level"] == level], level, what) for level in levels_of(frame)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_STEP_COLUMNS)


def _steps(frame: pd.DataFrame, level: str, measure: Measure) -> pd.DataFrame:
    keys = ["t2i_model", "i2t_model", "step_number"]
    values = frame[measure.column] if measure.column in frame.columns else pd.Series(np.nan, frame.index)
    by_prompt = frame.assign(_value=values.astype(float)).groupby(["prompt_id", *keys], sort=True)["_value"].mean()
    wide = by_prompt.unstack(keys).sort_index(axis=1)  # noqa: PD010
    found = estimate(wide.to_numpy(dtype=float), [level] * len(wide), measure.limits)
    missing = values.isna().groupby([frame[key] for key in keys]).sum().reindex(wide.columns)
    table = wide.columns.to_frame(index=False)
    table.insert(0, "level", level)
    return table.assign(
        mean=found.mean, low=found.low, high=found.high, se=found.se, n=found.n, unscored=missing.to_numpy(dtype=int)
    )[_STEP_COLUMNS]
