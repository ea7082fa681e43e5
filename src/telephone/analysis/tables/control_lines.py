"""The control lines of a run by turn: scores of rewording, a fixed sentence, shuffled prompts and lossless models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from telephone.analysis.tables.drift import cosine_distances, drift_curves, matching_embedders
from telephone.analysis.tables.score_frames import hop_table, turn_means

if TYPE_CHECKING:
    from telephone.store import Run

COLUMNS = ("control", "line", "level", "t2i_model", "i2t_model", "step_number", "mean", "low", "high", "n", "unscored")
TEXTLESS = "reencode"
"""The control whose texts encode its images: only distances between its images are meaningful."""


def control_means(frame: pd.DataFrame, measure: str = "distance") -> pd.DataFrame:
    """Returns the mean of a measure by control line, level and turn.

    Columns: `control` (paraphrase, fixed, shuffled or oracle), `line` (text-to-image and image-to-text model) and those
    of `turn_means`. The control `reencode` has no words: see `reencoding_drift`. Empty if no control was played.

    Args:
        frame: One row a turn, as `scored_frame` gives it.
        measure: A name of `MEASURES`.

    Raises:
        UsageError: there is no such measure, or a column is missing.
    """
    kinds = frame["control"].drop_duplicates() if "control" in frame.columns else pd.Series(dtype=object)
    tables = []
    for kind in kinds[~kinds.isin(["", TEXTLESS])]:
        found = turn_means(frame[frame["control"] == kind].assign(control=""), measure)
        found = found[found["n"] + found["unscored"] > 0]
        line = found["t2i_model"].astype(str) + " + " + found["i2t_model"].astype(str)
        tables.append(found.assign(control=kind, line=line)[list(COLUMNS)])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def reencoding_drift(run: Run, embedder: str | None = None, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns the distance of a repeatedly re-encoded image from the first one, by turn.

    Columns: those of `drift_curves`; `mean` is the cosine distance to the game's first image, 0 at turn 1. Empty if
    this control was not played, or no embedder has judged its images.

    Args:
        run: A judged run.
        embedder: Part of the name of an embedder; None is all of them.
        frame: Rows of `run.frame()`, control lines among them; None reads them.

    Raises:
        UsageError: no embedder has such a name.
    """
    frame = run.turns() if frame is None else frame
    made = hop_table(frame[frame["control"] == TEXTLESS])
    pictures = made[made["kind"] == "image"].assign(mapping="image-image")
    first = pictures.groupby("game", sort=False)["sha"].transform("first")
    tables = [pictures.iloc[:0].assign(embedder="", to_start=0.0)]
    for identity in matching_embedders(run, embedder):
        apart = cosine_distances(run.vectors(identity), list(pictures["sha"]), list(first))
        tables.append(pictures.assign(embedder=identity.name, to_start=apart))
    filled = [table for table in tables if len(table)]
    return drift_curves(pd.concat(filled, ignore_index=True) if filled else tables[0])
