"""A run as tables: one row a turn with scores, one row a game, one row a hop, and means by turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import estimate_means
from telephone.analysis.inference.share_interval import mean_share_bounds
from telephone.core.errors import UsageError
from telephone.core.records import LEVELS
from telephone.store.frame import DISTANCE
from telephone.store.records import ScorerKind

if TYPE_CHECKING:
    from telephone.store import Run


@dataclass(frozen=True)
class Measure:
    """A score of each description."""

    name: str
    column: str
    """Its column in a frame of turns."""
    low_is_best: bool
    limits: tuple[float, float]
    words: str
    """Description for people."""


MEASURES: dict[str, Measure] = {
    "distance": Measure("distance", "text_after_dist", True, (0.0, 2.0), "cosine distance from the prompt"),
    "similarity": Measure(
        "similarity",
        "text_after_similarity",
        False,
        (0.0, 1.0),
        "calibrated similarity to the prompt (1 is a rewording)",
    ),
    "recall": Measure("recall", "facts_recall", False, (0.0, 1.0), "share of the prompt's facts that are kept"),
    "precision": Measure("precision", "facts_precision", False, (0.0, 1.0), "share of the stated facts that are true"),
    "f1": Measure("f1", "facts_f1", False, (0.0, 1.0), "F1 of facts: kept, against missing, wrong and invented ones"),
    "complete": Measure("complete", "facts_complete", False, (0.0, 1.0), "share of games that keep every fact"),
}
WHENS: dict[str, str] = {"final": "after the last turn", "mean": "mean over all turns"}
NEEDED = ("game", "prompt_id", "level", "t2i_model", "i2t_model", "step_number", "outcome")

HOP_COLUMNS = (
    "game", "prompt_id", "level", "t2i_model", "i2t_model", "line", "repeat", "first",
    "generation", "turn", "kind", "player", "sha", "before", "start",
)  # fmt: skip
_GAME_COLUMNS = ("game", "prompt_id", "level", "t2i_model", "i2t_model", "repeat", "first")
_STEP_COLUMNS = ["level", "t2i_model", "i2t_model", "step_number", "mean", "low", "high", "se", "n", "unscored"]
_DISTANCE = "text_after_dist"
_SIMILARITY = "text_after_similarity"


def scored_frame(run: Run, distance_judge: str | None = None, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns the frame of a run with one judge for each score column, and the calibrated similarity of its distances.

    The column `text_after_similarity` is in [0, 1] (1: no farther than a rewording of the prompt) and NaN where the
    judge has no calibration. With several judges of distances, the first one is taken unless another is named; with
    several versions of the fact judge, the newest.

    Args:
        run: A run, scored or not; what is not scored is NaN.
        distance_judge: Part of the name of a scorer among `run.scorers(ScorerKind.DISTANCE)`.
        frame: `run.frame()`, if the caller has it already; it is not changed.

    Raises:
        UsageError: no judge, or more than one, has such a name.
    """
    frame = run.frame() if frame is None else frame.copy(deep=False)
    extra = {name: about for name, about in run.score_columns().items() if not about.first and name in frame.columns}
    if distance_judge is not None:
        judge = _only(distance_judge, [row.identity for row in run.scorers(ScorerKind.DISTANCE)])
        for column, about in extra.items():
            if about.kind == DISTANCE and about.scorer.identity == judge:
                frame[_DISTANCE] = frame[column]
    for column, about in extra.items():  # the newest version of the fact judge comes last
        if about.scorer.kind is ScorerKind.TEXT_FACTS:
            frame[about.kind] = frame[column]
        elif about.scorer.kind is ScorerKind.IMAGE_FACTS:
            frame[f"image_{about.kind}"] = frame[column]
    frame = frame.drop(columns=[name for name, about in extra.items() if not about.of_images])
    return frame.assign(**{_SIMILARITY: _similarity(run, frame[_DISTANCE], distance_judge)})


def _similarity(run: Run, distances: pd.Series, distance_judge: str | None) -> pd.Series:
    """Returns the calibrated similarity of distances; NaN where the judge that measured them has no calibration."""
    from telephone.store.similarity_calibration import calibration_for

    judges = run.scorers(ScorerKind.DISTANCE)
    if distance_judge is not None:
        judges = [row for row in judges if distance_judge in row.identity]
    found = calibration_for(run, judges[0]) if judges else None
    if found is None:
        return pd.Series(np.nan, index=distances.index)
    return pd.Series(found.similarity(distances.to_numpy(dtype=float)), index=distances.index)


def _only(part: str, judges: list[str]) -> str:
    found = [judge for judge in judges if part in judge]
    if len(found) != 1:
        which = "no judge" if not found else "more than one judge"
        raise UsageError(
            f"There is {which} of distances called {part!r} in this run: name one of {', '.join(judges) or 'none yet'}."
        )
    return found[0]


def game_scores(frame: pd.DataFrame, turns: int | None = None) -> pd.DataFrame:
    """Returns one row a game: models, prompt, outcome and scores.

    Columns: `game, prompt_id, level, t2i_model, i2t_model, repeat, control` (empty, or the kind of the control),
    `turns` (finished ones), `outcome` (ok, refused, failed or pending) and, for each measure, `NAME_final` and
    `NAME_mean`: after the last turn and over all turns. Both are NaN for a game that did not reach its last turn,
    because a short game would have a better score; the mean is NaN if one turn has no score.

    Args:
        frame: One row a turn, as `scored_frame` gives it.
        turns: Turns of a complete game; None is the maximum in the frame.

    Raises:
        UsageError: a column is missing.
    """
    check_frame(frame)
    planned = turns if turns is not None else int(frame["step_number"].max()) + 1 if len(frame) else 0
    keys = ["game"]
    ordered = frame.sort_values("step_number", kind="stable")
    grouped = ordered.groupby(keys, sort=False)
    extra = [name for name in ("repeat", "control") if name in frame.columns]
    head = ["prompt_id", "level", "t2i_model", "i2t_model", *extra]
    games = grouped[head].first()
    games["turns"] = (ordered["outcome"] == "ok").groupby(ordered["game"], sort=False).sum()
    ended = grouped["outcome"].last()
    complete = games["turns"] >= planned
    games["outcome"] = ended.where(ended.isin(["refused", "failed"]), np.where(complete, "ok", "pending"))
    played = with_fact_scores(ordered[ordered["step_number"] < planned])
    for measure in MEASURES.values():
        _add(games, played, measure, (games["outcome"] == "ok") & complete, planned)
    usual = {name: value for name, value in (("repeat", 0), ("control", "")) if name not in games.columns}
    return games.reset_index().assign(**usual)


def with_fact_scores(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns the frame with `facts_f1` and `facts_complete`, which follow from its counts of facts.

    F1 is the harmonic mean of recall and precision; `facts_complete` is 1 for a description that keeps every fact of
    the prompt, else 0 (GenEval 2's strict score). Both are NaN where facts are not counted.

    Args:
        frame: One row a turn, as `scored_frame` gives it.
    """
    counts = ["facts_kept", "facts_wrong", "facts_missing", "facts_invented"]
    if not set(counts) <= set(frame.columns):
        return frame
    kept, wrong, missing, invented = (frame[name].astype(float) for name in counts)
    total = 2 * kept + 2 * wrong + missing + invented
    complete = (wrong + missing == 0).astype(float).where((kept + wrong + missing).gt(0))
    return frame.assign(facts_f1=(2 * kept / total).where(total > 0), facts_complete=complete)


def _add(games: pd.DataFrame, played: pd.DataFrame, measure: Measure, complete: pd.Series, planned: int) -> None:
    if measure.column not in played.columns:
        games[f"{measure.name}_final"] = games[f"{measure.name}_mean"] = np.nan
        return
    values = played.groupby("game", sort=False)[measure.column]
    last = played[played["step_number"] == planned - 1].set_index("game")[measure.column]
    games[f"{measure.name}_final"] = last.reindex(games.index).where(complete).astype(float)
    games[f"{measure.name}_mean"] = values.mean().where(complete & (values.count() == planned)).astype(float)


def check_frame(frame: pd.DataFrame) -> None:
    """Checks that a frame has one row a turn.

    Raises:
        UsageError: a required column is missing.
    """
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise UsageError(f"The frame has no column {missing[0]!r}: pass telephone.analysis.scored_frame(run).")


def without_controls(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of the battle itself, without those of control lines.

    Args:
        table: One row a turn or a game; without a column `control` it is returned as it is.
    """
    return table[table["control"] == ""] if "control" in table.columns else table


def get_measure(name: str) -> Measure:
    """Returns the measure of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in MEASURES:
        raise UsageError(f"There is no measure {name!r}: choose from {', '.join(MEASURES)}.")
    return MEASURES[name]


def ordered_levels(frame: pd.DataFrame) -> list[str]:
    """Returns the levels that occur, from easy to impossible, then others."""
    found = [str(level) for level in frame["level"].drop_duplicates()]
    return [level for level in LEVELS if level in found] + sorted(set(found) - set(LEVELS))


def turn_means(frame: pd.DataFrame, measure: str = "distance") -> pd.DataFrame:
    """Returns the mean of a measure by turn, for each level and pair.

    Averaged over repeats, then over prompts; intervals of shares are those of `mean_share_bounds`. Columns: `level,
    t2i_model, i2t_model, step_number, mean, low, high` (95 % interval over prompts, NaN below two), `se, n` (prompts),
    `unscored` (turns without a score). A game that stopped early counts in the turns that it reached.

    Args:
        frame: One row a turn, as `scored_frame` gives it; controls are left out.
        measure: A name of `MEASURES`, such as distance or recall.

    Raises:
        UsageError: there is no such measure, or a column is missing.
    """
    check_frame(frame)
    frame = with_fact_scores(without_controls(frame))
    what = get_measure(measure)
    tables = [_steps(frame[frame["level"] == level], level, what) for level in ordered_levels(frame)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_STEP_COLUMNS)


def _steps(frame: pd.DataFrame, level: str, measure: Measure) -> pd.DataFrame:
    keys = ["t2i_model", "i2t_model", "step_number"]
    values = frame[measure.column] if measure.column in frame.columns else pd.Series(np.nan, frame.index)
    by_prompt = frame.assign(_value=values.astype(float)).groupby(["prompt_id", *keys], sort=True)["_value"].mean()
    wide = by_prompt.unstack(keys).sort_index(axis=1)  # noqa: PD010
    found = estimate_means(wide.to_numpy(dtype=float), [level] * len(wide), measure.limits)
    missing = values.isna().groupby([frame[key] for key in keys]).sum().reindex(wide.columns)
    table = wide.columns.to_frame(index=False)
    table.insert(0, "level", level)
    low, high = found.low, found.high
    if measure.limits == (0.0, 1.0):
        sizes = facts_per_prompt(frame, measure).reindex(wide.index).to_numpy(dtype=float)
        low, high = mean_share_bounds(wide.to_numpy(dtype=float), sizes, [level] * len(wide))
    return table.assign(
        mean=found.mean, low=low, high=high, se=found.se, n=found.n, unscored=missing.to_numpy(dtype=int)
    )[_STEP_COLUMNS]


def facts_per_prompt(frame: pd.DataFrame, measure: Measure) -> pd.Series:
    """Returns the mean number of facts behind a share, by `prompt_id`; NaN where they are not counted.

    Args:
        frame: One row a turn, as `scored_frame` gives it.
        measure: recall counts the facts of the prompt, precision those of the description.
    """
    last = {"recall": "facts_missing", "precision": "facts_invented", "f1": "facts_missing"}.get(measure.name, "")
    columns = ["facts_kept", "facts_wrong", last]
    if not set(columns) <= set(frame.columns):
        return pd.Series(np.nan, frame["prompt_id"].unique())
    return frame[columns].sum(axis=1, min_count=len(columns)).groupby(frame["prompt_id"]).mean()


def hop_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns one row for each text or image, in the order of games in the frame, then of calls.

    Columns: `game, prompt_id, level, t2i_model, i2t_model, line, repeat, first` (text or image: kind of the
    prompt), `generation` (number of the call, from 1), `turn` (from 1), `kind` (image or text), `player` (the model of
    the call), `sha` (content hash of the result), `before` (that of its input), `start` (that of the prompt).

    Args:
        frame: One row a turn, as `Run.frame()` or `scored_frame` gives it.

    Raises:
        UsageError: it is no such frame.
    """
    check_frame(frame)
    rows = frame.assign(repeat=frame["repeat"] if "repeat" in frame.columns else 0)
    made = pd.concat([_half(rows, 1), _half(rows, 2)], ignore_index=True)
    made = made[made["sha"].notna()]
    order = {game: at for at, game in enumerate(frame["game"].drop_duplicates())}
    made = made.assign(_order=made["game"].map(order)).sort_values(["_order", "generation"], kind="stable")
    made["before"] = made.groupby("game", sort=False)["sha"].shift(1).fillna(made["start"])
    return made[list(HOP_COLUMNS)].reset_index(drop=True)


def _half(rows: pd.DataFrame, which: int) -> pd.DataFrame:
    """Returns the first or the second call of each turn."""
    draws = (rows["first"] == "text") == (which == 1)
    table = rows[list(_GAME_COLUMNS)].copy()
    table["line"] = rows["t2i_model"] + " + " + rows["i2t_model"]
    table["generation"] = 2 * rows["step_number"] + which
    table["turn"] = rows["step_number"] + 1
    table["kind"] = np.where(draws, "image", "text")
    table["player"] = np.where(draws, rows["t2i_model"], rows["i2t_model"])
    table["sha"] = rows["image_sha256"].where(draws, rows["text_sha256"])
    table["start"] = rows["prompt_sha256"]
    return table
