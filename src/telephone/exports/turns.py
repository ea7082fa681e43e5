"""Which turns of a run go into an export, and under which column names."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephone.analysis.tables.score_frames import without_controls
from telephone.store.records import ScorerKind

if TYPE_CHECKING:
    import pandas as pd

    from telephone.store import Run, ScoreColumn


@dataclass(frozen=True)
class Turns:
    """Turns of the battle that have a picture."""

    table: "pd.DataFrame"
    """The columns of `Run.frame()`; a second embedder's distance is `text_after_dist_NAME`."""
    left_out: int
    """Number of the turns without a picture: refused, failed or not played yet."""


def turns_with_pictures(run: "Run") -> Turns:
    """Returns the turns of a run that have a picture; control lines, which are no part of the battle, are left out."""
    played = without_controls(run.frame())
    table = played[played["filepath"].notna()].reset_index(drop=True)
    columns = run.score_columns()
    # Of two scorers of one name the first stays.
    names = {_plain(name, columns.get(name)): name for name in reversed(list(table.columns))}
    kept = {name: plain for plain, name in reversed(names.items()) if plain}
    return Turns(table[list(kept)].rename(columns=kept), len(played) - len(table))


def suffix(embedder: str) -> str:
    """Returns an embedder's name as the end of a field's name: `_all_minilm_l6_v2` of `minilm/all-MiniLM-L6-v2`."""
    return "_" + re.sub(r"\W+", "_", embedder.rpartition("/")[2]).strip("_").lower()


def _plain(column: str, scores: "ScoreColumn | None") -> str:
    """Returns the column's name in an export, empty for what is left out: scores of a second scorer of facts."""
    if scores is None or scores.first:
        return column
    return f"text_after_dist{suffix(scores.scorer.model)}" if scores.scorer.kind is ScorerKind.DISTANCE else ""
