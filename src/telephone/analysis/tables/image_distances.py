"""How far the images of a game move from its first one: by pixels and by the objects that they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import estimate_means
from telephone.analysis.tables.score_frames import hop_table, without_controls
from telephone.store.records import ScorerKind

if TYPE_CHECKING:
    from telephone.store import Run

KINDS = ("pixel_distance", "object_distance")
COLUMNS = ("t2i_model", "i2t_model", "turn", "kind", "to", "mean", "low", "high", "n", "unscored")


def image_distances(run: Run, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns the mean distance of the images of each pair of models by turn.

    Columns: `t2i_model, i2t_model, turn` (from 1), `kind` (pixel_distance or object_distance), `to` (first or
    previous: the image of the game that is compared), `mean` (0 to 1, over repeats and then over prompts), `low`,
    `high` (95 % interval over prompts), `n` (prompts) and `unscored` (images). Empty without `telephone judge RUN
    --images`.

    Args:
        run: A judged run.
        frame: Rows of `run.frame()`; None is the battle without its control lines.
    """
    scores = {
        (score.subject, score.reference, score.kind): score.value
        for scorer in run.scorers(ScorerKind.IMAGE_DISTANCE)
        for score in run.scores(scorer)
    }
    if not scores:
        return pd.DataFrame(columns=list(COLUMNS))
    rows = _compared(hop_table(without_controls(run.turns()) if frame is None else frame))
    tables = []
    for kind in KINDS:
        keys = zip(rows["sha"], rows["other"], strict=True)
        values = np.array([_number(scores.get((str(sha), str(other), kind))) for sha, other in keys], dtype=float)
        tables.append(rows.assign(kind=kind, value=values))
    return _means(pd.concat(tables, ignore_index=True))


def _compared(hops: pd.DataFrame) -> pd.DataFrame:
    """Returns one row for each image and each earlier image that it is compared with, `other`."""
    images = hops[hops["kind"] == "image"].sort_values(["game", "turn"], kind="stable")
    same = images.groupby("game", sort=False)["sha"]
    starts = images["start"].where(images["first"] == "image")
    first = starts.fillna(same.transform("first"))
    previous = same.shift(1).fillna(starts)
    both = [images.assign(to=to, other=other) for to, other in (("first", first), ("previous", previous))]
    table = pd.concat(both, ignore_index=True)
    is_begin = (table["first"] == "text") & (table["turn"] == 1)
    return table[~is_begin & table["other"].notna()].drop(columns="kind")


def _means(table: pd.DataFrame) -> pd.DataFrame:
    keys = ["t2i_model", "i2t_model", "turn", "kind", "to"]
    wide = table.groupby(["prompt_id", *keys])["value"].mean().unstack(keys).sort_index(axis=1)  # noqa: PD010
    levels = table.drop_duplicates("prompt_id").set_index("prompt_id")["level"].reindex(wide.index)
    found = estimate_means(wide.to_numpy(dtype=float), [str(level) for level in levels], (0.0, 1.0))
    missing = table["value"].isna().groupby([table[key] for key in keys]).sum().reindex(wide.columns)
    numbers = {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}
    made = wide.columns.to_frame(index=False).assign(**numbers, unscored=missing.to_numpy(dtype=int))
    return made[list(COLUMNS)]


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
