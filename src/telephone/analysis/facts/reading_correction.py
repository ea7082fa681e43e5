"""What the correction of image readings changes: loss rates with and without it.

`track_facts` corrects the reading of an image where the texts before and after it agree on a fact. That moves losses
from text-to-image calls, and apparent restorations from image-to-text calls, to nothing, so loss rates fall on both
sides. Both rates are reported, because the correction assumes that the reader errs more often than two models do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from telephone.analysis.facts.fact_tracking import track_facts
from telephone.analysis.facts.hazards import hazard_rates

if TYPE_CHECKING:
    from telephone.store import Run

COLUMNS = (
    "kind", "player", "hazard", "low", "high", "raw_hazard", "raw_low", "raw_high", "corrected", "states", "prompts",
)  # fmt: skip
_KEYS = ["kind", "player"]


def correction_effect(run: Run, frame: pd.DataFrame | None = None, tracked: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns the loss rates of each model with and without the correction of image readings.

    Columns: `kind` (image or text: what the call makes), `player` (model), `hazard`, `low`, `high` (as `hazard_rates`,
    with the correction), `raw_hazard`, `raw_low`, `raw_high` (the same without it), `corrected` (facts of the
    model's images whose reading was changed; 0 for models that make texts), `states` (facts of its artefacts) and
    `prompts`. Calls whose image was not read have no row.

    Args:
        run: A run that was judged in full.
        frame: Rows of `run.frame()`; None is the battle without its control lines.
        tracked: `track_facts(run, frame)`, if the caller has it already.
    """
    with_correction = track_facts(run, frame) if tracked is None else tracked
    without = track_facts(run, frame, mend=False)
    single = [table[table["kind"].isin(["image", "text"])] for table in (with_correction, without)]
    rates, raw = (hazard_rates(table, _KEYS) for table in single)
    joined = rates.merge(
        raw[[*_KEYS, "hazard", "low", "high"]].rename(columns=lambda name: name if name in _KEYS else f"raw_{name}"),
        on=_KEYS,
    )
    changed = single[0].assign(corrected=single[0]["state"].to_numpy() != single[1]["state"].to_numpy())
    counts = changed.groupby(_KEYS)["corrected"].agg(["sum", "size"]).reset_index()
    joined = joined.merge(counts.rename(columns={"sum": "corrected", "size": "states"}), on=_KEYS)
    return joined[list(COLUMNS)]
