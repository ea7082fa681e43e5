"""The turns of a run that are exported, and their column names."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephone.analysis.tables.score_frames import without_controls
from telephone.store.records import ScorerKind

if TYPE_CHECKING:
    import pandas as pd

    from telephone.store import Run, ScoreColumn


@dataclass(frozen=True)
class ExportedTurns:
    """Turns of the battle that have an image."""

    table: "pd.DataFrame"
    """The columns of `Run.frame()`; a second embedder's distance is `text_after_dist_NAME`."""
    left_out: int
    """Number of turns without an image: refused, failed or not played yet."""


def turns_with_images(run: "Run") -> ExportedTurns:
    """Returns the turns of a run that have an image; controls are left out."""
    played = without_controls(run.frame())
    table = played[played["filepath"].notna()].reset_index(drop=True)
    columns = run.score_columns()
    # Two scorers may have the same name in an export; the first one is kept.
    names = {_export_name(name, columns.get(name)): name for name in reversed(list(table.columns))}
    kept = {name: plain for plain, name in reversed(names.items()) if plain}
    return ExportedTurns(table[list(kept)].rename(columns=kept), len(played) - len(table))


def suffix(embedder: str) -> str:
    """Returns the suffix of field names for an embedder: `_all_minilm_l6_v2` for `minilm/all-MiniLM-L6-v2`."""
    return "_" + re.sub(r"\W+", "_", embedder.rpartition("/")[2]).strip("_").lower()


def _export_name(column: str, scores: "ScoreColumn | None") -> str:
    """Returns the name of a column in an export; empty for columns that are left out: facts of a second scorer."""
    if scores is None or scores.first:
        return column
    return f"text_after_dist{suffix(scores.scorer.model)}" if scores.scorer.kind is ScorerKind.DISTANCE else ""
