"""A run as tables that can be averaged: its turns with the scores of one judge each, and one row a game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.store import Run


@dataclass(frozen=True)
class Measure:
    """Something that is counted for each description."""

    name: str
    column: str
    """Its column in a frame of turns."""
    low_is_best: bool
    limits: tuple[float, float]
    words: str
    """What it is, for people."""


MEASURES: dict[str, Measure] = {
    "distance": Measure("distance", "text_after_dist", True, (0.0, 2.0), "cosine distance from the prompt"),
    "recall": Measure("recall", "facts_recall", False, (0.0, 1.0), "share of the prompt's facts that are kept"),
    "precision": Measure("precision", "facts_precision", False, (0.0, 1.0), "share of the facts told that are true"),
}
WHENS: dict[str, str] = {"final": "after the last turn", "mean": "mean over all turns"}
NEEDED = ("game", "prompt_id", "level", "t2i_model", "i2t_model", "step_number", "outcome")

_FACTS = "facts_"
_DISTANCE = "text_after_dist"


def scored(run: Run, distance_judge: str | None = None, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns the frame of a run with the scores of one judge a column.

    Where several have judged distances, those of the first one are taken unless another is named; where several
    versions have counted facts, those of the newest.

    Args:
        run: A run, scored or not; what is not scored is NaN.
        distance_judge: Part of the name of a judge among `run.judges()`.
        frame: `run.frame()`, if the caller has it already; it is not changed.

    Raises:
        UsageError: no judge, or more than one, has such a name.
    """
    frame = run.frame() if frame is None else frame.copy(deep=False)
    judges = run.judges()
    extra = [column for column in frame.columns if "@" in column and not column.startswith("image_")]
    if distance_judge is not None:
        judge = _only(distance_judge, [name for name in judges if _measures_distance(run, name)])
        frame[_DISTANCE] = frame.get(f"{_DISTANCE}@{judge}", frame[_DISTANCE])
    for judge in judges:
        for column in [each for each in extra if each.startswith(_FACTS) and each.endswith(f"@{judge}")]:
            frame[column.partition("@")[0]] = frame[column]
    return frame.drop(columns=extra)


def _measures_distance(run: Run, judge: str) -> bool:
    return any(each.name == "distance" for each in run.scores(judge))


def _only(part: str, judges: list[str]) -> str:
    found = [judge for judge in judges if part in judge]
    if len(found) != 1:
        which = "no judge" if not found else "more than one judge"
        raise UsageError(
            f"There is {which} of distances called {part!r} in this run: name one of {', '.join(judges) or 'none yet'}."
        )
    return found[0]


def by_game(frame: pd.DataFrame, turns: int | None = None) -> pd.DataFrame:
    """Returns one row a game: who played what, how it ended, and what was kept.

    Columns: `game, prompt_id, level, t2i_model, i2t_model, repeat, control` (empty, or which control it is), `turns`
    (finished ones), `outcome` (ok, refused, failed or pending) and, for each measure, `NAME_final` and `NAME_mean`:
    after the last turn and over all turns. A game that did not reach its last turn has neither, as a short game would
    look good; and one turn without a score leaves no mean.

    Args:
        frame: One row a turn, as `scored` gives it.
        turns: Turns of a whole game; None is the most that a game of the frame has.

    Raises:
        UsageError: a column is missing.
    """
    check(frame)
    planned = turns if turns is not None else int(frame["step_number"].max()) + 1 if len(frame) else 0
    keys = ["game"]
    ordered = frame.sort_values("step_number", kind="stable")
    grouped = ordered.groupby(keys, sort=False)
    extra = [name for name in ("repeat", "control") if name in frame.columns]
    head = ["prompt_id", "level", "t2i_model", "i2t_model", *extra]
    games = grouped[head].first()
    games["turns"] = (ordered["outcome"] == "ok").groupby(ordered["game"], sort=False).sum()
    ended = grouped["outcome"].last()
    whole = games["turns"] >= planned
    games["outcome"] = ended.where(ended.isin(["refused", "failed"]), np.where(whole, "ok", "pending"))
    played = ordered[ordered["step_number"] < planned]
    for measure in MEASURES.values():
        _add(games, played, measure, (games["outcome"] == "ok") & whole, planned)
    usual = {name: value for name, value in (("repeat", 0), ("control", "")) if name not in games.columns}
    return games.reset_index().assign(**usual)


def _add(games: pd.DataFrame, played: pd.DataFrame, measure: Measure, whole: pd.Series, planned: int) -> None:
    if measure.column not in played.columns:
        games[f"{measure.name}_final"] = games[f"{measure.name}_mean"] = np.nan
        return
    values = played.groupby("game", sort=False)[measure.column]
    last = played[played["step_number"] == planned - 1].set_index("game")[measure.column]
    games[f"{measure.name}_final"] = last.reindex(games.index).where(whole).astype(float)
    games[f"{measure.name}_mean"] = values.mean().where(whole & (values.count() == planned)).astype(float)


def check(frame: pd.DataFrame) -> None:
    """Checks that a frame is one of turns.

    Raises:
        UsageError: a column that every run has is missing.
    """
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise UsageError(f"The frame has no column {missing[0]!r}: hand over telephone.analysis.scored(run).")


def battle(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of the battle itself, without those of control lines.

    Args:
        table: One row a turn or a game; all of it is battle if it has no column `control`.
    """
    return table[table["control"] == ""] if "control" in table.columns else table


def measure_of(name: str) -> Measure:
    """Returns the measure of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in MEASURES:
        raise UsageError(f"There is no measure {name!r}: take one of {', '.join(MEASURES)}.")
    return MEASURES[name]
