"""From a run to what its report says: the one place where the report asks the analysis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from telephone.report import words
from telephone.report.games import games_of
from telephone.report.html import write_page
from telephone.report.model import ReportData

if TYPE_CHECKING:
    import pandas as pd

    from telephone.store import Run


def write_report(run: Run, path: Path | str | None = None) -> Path:
    """Writes the report of a run as one HTML file that loads nothing from outside, and returns its path.

    Args:
        run: A run at any stage: unfinished games and missing scores are told as such.
        path: The file; `report.html` in the run's folder if None.

    Raises:
        StoreError: the file cannot be written.
    """
    return write_page(report_data(run), Path(path) if path is not None else run.folder / "report.html")


def report_data(run: Run) -> ReportData:
    """Returns all that the report of a run says."""
    from telephone.analysis.frames import scored

    frame, description = scored(run), run.description
    games = games_of(frame, description.turns, run.pictures.path)
    planned = len(run.games())
    unscored = int((frame["text_after"].notna() & frame["text_after_dist"].isna()).sum())
    return ReportData(
        title=words.title(description, planned),
        lead=words.lead(description),
        counts=words.counts(games, planned, unscored),
        answers=(),
        boards=(),
        drift=_by_turn(frame, "text_after_dist"),
        facts=_by_turn(frame, "facts_recall"),
        games=tuple(games),
        settings=words.settings(description, run.judges(), frame),
    )


def _by_turn(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    keys = ["level", "t2i_model", "i2t_model", "step_number"]
    if column not in frame.columns:
        return frame.iloc[:0][keys].assign(mean=0.0)
    return frame.groupby(keys, sort=False)[column].mean().rename("mean").reset_index()
