"""Which side decides the score at each turn: unbiased variance between the models of each side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import Floats, student_quantile
from telephone.analysis.tables.score_frames import check_frame, get_measure, ordered_levels, without_controls

COLUMNS = ("level", "step_number", "drawing", "describing", "gap", "low", "high", "n")
MIN_PROMPTS = 3
"""Below this many, a gap has no interval: the jackknife must leave two prompts."""


@dataclass(frozen=True)
class SideGap:
    """The variance between text-to-image models minus that between image-to-text models."""

    gap: float
    """In squared units of the measure."""
    low: float
    """Bounds of the 95 % interval; NaN with too few prompts."""
    high: float
    drawing: float
    """Standard deviation between text-to-image models without chance; 0 where chance explains all of it."""
    describing: float
    """The same between image-to-text models."""
    n: int
    """Prompts on which every pair has a score at these turns."""


def side_importance(frame: pd.DataFrame, measure: str = "distance") -> pd.DataFrame:
    """Returns for each level and turn how much the models of each side differ, and which side differs more.

    The products of a model's effects on *different* prompts are averaged, so that chance adds nothing in expectation.
    Columns: `level, step_number` (from 0), `drawing, describing` (standard deviations between models), `gap` (variance
    between text-to-image models minus that between image-to-text models), `low, high` (95 % jackknife interval over
    prompts; NaN below three), `n` (prompts).

    Args:
        frame: One row a turn, as `scored_frame` gives it; controls are left out.
        measure: A name of `MEASURES`.

    Raises:
        UsageError: there is no such measure, or a column is missing.
    """
    check_frame(frame)
    column = get_measure(measure).column
    rows = []
    for level in ordered_levels(frame):
        tensor = _tensor(frame, level, column)
        for step in range(tensor.shape[3]):
            found = _gap(tensor[..., [step]])
            if found is not None:
                numbers = (found.drawing, found.describing, found.gap, found.low, found.high, found.n)
                rows.append((level, step, *numbers))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def side_gap(frame: pd.DataFrame, level: str, steps: Sequence[int], measure: str = "distance") -> SideGap | None:
    """Returns which side differs more in some turns of a level; None with one model on a side or a single prompt.

    Args:
        frame: One row a turn, as `scored_frame` gives it.
        level: Only prompts of this level.
        steps: Turns from 0; their means are compared.
        measure: A name of `MEASURES`.

    Raises:
        UsageError: there is no such measure.
    """
    tensor = _tensor(frame, level, get_measure(measure).column)
    return _gap(tensor[..., list(steps)]) if max(steps, default=-1) < tensor.shape[3] else None


def _gap(scores: Floats) -> SideGap | None:
    """Returns the gap of [drawing, describing, prompts, turns]; prompts on which a pair lacks a score are left out."""
    tensor = scores.mean(axis=3) if scores.shape[3] else np.empty((0, 0, 0))
    tensor = tensor[:, :, ~np.isnan(tensor).any(axis=(0, 1))]
    t2i_models, i2t_models, prompts = tensor.shape
    if min(t2i_models, i2t_models) < 2 or prompts < 2:
        return None
    by_side = np.array(_variances(tensor))
    value = float(by_side[0] - by_side[1])
    low = high = float("nan")
    if prompts >= MIN_PROMPTS:
        left_out = [_variances(np.delete(tensor, at, axis=2)) for at in range(prompts)]
        values = prompts * value - (prompts - 1) * np.array([one - other for one, other in left_out])
        half_width = student_quantile(prompts - 1) * float(values.std(ddof=1)) / np.sqrt(prompts)
        low, high = value - half_width, value + half_width
    drawing, describing = (float(np.sqrt(max(each, 0.0))) for each in by_side)
    return SideGap(value, float(low), float(high), drawing, describing, prompts)


def _tensor(frame: pd.DataFrame, level: str, column: str) -> Floats:
    """Returns the scores of a level, means over repeats: [drawing, describing, prompts, turns], NaN where none is."""
    table = without_controls(frame)
    table = table[table["level"] == level]
    if column not in table.columns or table.empty:
        return np.empty((0, 0, 0, 0))
    keys = ["t2i_model", "i2t_model", "prompt_id"]
    codes, sizes = zip(*(_coded(table[key]) for key in keys), strict=True)
    turns = int(table["step_number"].max()) + 1
    values = pd.DataFrame({
        "at": np.ravel_multi_index((*codes, table["step_number"].to_numpy(dtype=int)), (*sizes, turns)),
        "value": table[column].to_numpy(dtype=float),
    })  # fmt: skip
    means = values.groupby("at")["value"].mean()
    tensor = np.full(int(np.prod(sizes)) * turns, np.nan)
    tensor[means.index.to_numpy()] = means.to_numpy()
    return tensor.reshape(*sizes, turns)


def _coded(names: pd.Series) -> tuple[NDArray[np.intp], int]:
    codes, distinct = pd.factorize(names, sort=True)
    return codes, len(distinct)


def _variances(tensor: Floats) -> tuple[float, float]:
    """Returns the unbiased variance between text-to-image and between image-to-text models."""
    prompts = tensor.shape[2]
    found = []
    for other in (1, 0):
        effects = tensor.mean(axis=other)
        effects = effects - effects.mean(axis=0)
        products = effects.sum(axis=1) ** 2 - (effects**2).sum(axis=1)
        found.append(float(products.sum() / (len(effects) - 1) / (prompts * (prompts - 1))))
    return found[0], found[1]
