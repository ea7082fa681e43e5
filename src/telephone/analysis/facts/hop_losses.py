"""The signed loss of each hop: how much further from the prompt each artefact is than the previous one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import estimate_means
from telephone.analysis.tables.prompt_scores import ALL
from telephone.analysis.tables.score_frames import check_frame, ordered_levels, without_controls

COLUMNS = ("level", "kind", "player", "step_number", "loss", "low", "high", "n", "unscored")
EVERY = -1
"""The step of rows over all turns."""


def hop_losses(
    frame: pd.DataFrame,
    text: str = "facts_recall",
    image: str = "image_facts_recall",
    offset: float = 0.0,
    start: float | None = None,
) -> pd.DataFrame:
    """Returns the mean loss of each hop kind and model, by level (`all` is last) and turn.

    The losses of all hops of a game add up to the loss of the game. A loss below 0 is a gain: a fact was restored or
    guessed. Columns: `level`, `kind` (image or text: what the hop made), `player` (model), `step_number` (-1 is the
    mean over all turns), `loss`, `low`, `high` (95 % interval over prompts), `n` (prompts) and `unscored` (hops without
    a number).

    Args:
        frame: One row a turn, as `scored_frame` gives it; text-first games are used, controls are left out.
        text: Column with the score of a description; a name that contains `dist` is a distance, where lower is
            better.
        image: Column of the same for images, in the same units.
        offset: How much worse than the prompt a perfect image of it scores. A judge that compares texts with images has
            such a modality gap; without the offset every text-to-image hop would seem to lose it.
        start: The score of the prompt itself; None is 1 for a share and 0 for a distance.

    Raises:
        UsageError: a column is missing.
    """
    check_frame(frame)
    table = without_controls(frame)
    table = table[table["first"] == "text"] if "first" in table.columns else table
    if not len(table) or text not in table.columns or image not in table.columns:
        return pd.DataFrame(columns=list(COLUMNS))
    sign = 1.0 if "dist" in text else -1.0
    begin = start if start is not None else (0.0 if sign > 0 else 1.0)
    ordered = table.sort_values(["game", "step_number"], kind="stable")
    before = ordered.groupby("game")[text].shift().where(ordered["step_number"] > 0, begin)
    picture = ordered[image] - sign * offset
    hops = [
        _hops(ordered, "image", "t2i_model", sign * (picture - before)),
        _hops(ordered, "text", "i2t_model", sign * (ordered[text] - picture)),
    ]
    every = pd.concat(hops, ignore_index=True)
    levels = ordered_levels(table)
    made = [_level(every, level) for level in levels + ([ALL] if len(levels) > 1 else [])]
    return pd.concat(made, ignore_index=True)[list(COLUMNS)]


def _hops(table: pd.DataFrame, kind: str, side: str, loss: pd.Series) -> pd.DataFrame:
    return table[["prompt_id", "level", "step_number"]].assign(
        kind=kind, player=table[side].astype(str), loss=loss.astype(float)
    )


def _level(hops: pd.DataFrame, level: str) -> pd.DataFrame:
    inside = hops if level == ALL else hops[hops["level"] == level]
    both = pd.concat([inside, inside.assign(step_number=EVERY)])
    keys = ["kind", "player", "step_number"]
    wide = both.groupby(["prompt_id", *keys])["loss"].mean().unstack(keys).sort_index(axis=1)  # noqa: PD010
    strata = inside.drop_duplicates("prompt_id").set_index("prompt_id")["level"].reindex(wide.index)
    found = estimate_means(wide.to_numpy(dtype=float), [str(each) for each in strata])
    missing = both["loss"].isna().groupby([both[key] for key in keys]).sum().reindex(wide.columns)
    named = wide.columns.to_frame(index=False)
    numbers = {"loss": found.mean, "low": found.low, "high": found.high, "n": found.n}
    return named.assign(level=level, **numbers, unscored=np.asarray(missing, dtype=int))
