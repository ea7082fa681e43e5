"""The control lines of a run by turn: what wording, silence, chance and perfect players score on its prompts."""

from __future__ import annotations

import pandas as pd

from telephone.analysis.tables import by_step

COLUMNS = ("control", "line", "level", "t2i_model", "i2t_model", "step_number", "mean", "low", "high", "n", "unscored")
TEXTLESS = "reencode"
"""The control whose texts are pictures in letters: only distances between its pictures mean something."""


def controls_table(frame: pd.DataFrame, measure: str = "distance") -> pd.DataFrame:
    """Returns the mean of a measure by control line, level and turn.

    Columns: `control` (paraphrase, fixed, shuffled or oracle), `line` (who draws and who describes), and those of
    `by_step`. The chain of pictures alone has no words and is not among them. Empty if no control was played.

    Args:
        frame: One row a turn, as `scored` gives it.
        measure: A name of `MEASURES`.

    Raises:
        UsageError: there is no such measure, or a column is missing.
    """
    kinds = frame["control"].drop_duplicates() if "control" in frame.columns else pd.Series(dtype=object)
    tables = []
    for kind in kinds[~kinds.isin(["", TEXTLESS])]:
        found = by_step(frame[frame["control"] == kind].assign(control=""), measure)
        found = found[found["n"] + found["unscored"] > 0]
        line = found["t2i_model"].astype(str) + " + " + found["i2t_model"].astype(str)
        tables.append(found.assign(control=kind, line=line)[list(COLUMNS)])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))
