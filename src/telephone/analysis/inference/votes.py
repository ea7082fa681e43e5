"""Whether the measures of a battle agree with pairwise votes of models and people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from telephone.analysis.inference.judge_agreement import kendall
from telephone.analysis.inference.share_interval import clustered_proportion
from telephone.analysis.tables.score_frames import without_controls
from telephone.store.records import ScorerKind

if TYPE_CHECKING:
    from telephone.store import Run

COLUMNS = ("voter", "measure", "agreement", "low", "high", "kendall", "pairs_of_models", "votes", "ties", "prompts")
VOTE_MEASURES = {
    "image_facts_recall": ("facts of the image", 1.0),
    "facts_recall": ("facts of the description", 1.0),
    "text_after_dist": ("distance of the description", -1.0),
}
"""Column of a frame, its name, and 1 if higher keeps more, else -1."""


def vote_agreement(run: Run, frame: pd.DataFrame) -> pd.DataFrame:
    """Returns for each voter and measure how often the measure prefers the image that got the vote.

    Columns: `voter`, `measure`, `agreement` (share of the votes that are no tie; equal scores count half), `low`,
    `high` (95 % interval over prompts), `kendall` (rank correlation of the pairs of models by their share of votes and
    by their mean score), `pairs_of_models`, `votes` (without ties), `ties`, `prompts`.

    Args:
        run: A run with votes (`telephone judge --votes`).
        frame: One row a turn, as `scored_frame` gives it.
    """
    last = without_controls(frame)
    last = last[last["step_number"] == last["step_number"].max()] if len(last) else last
    rows = []
    for scorer in run.scorers(ScorerKind.VOTE):
        votes = [score for score in run.scores(scorer) if score.value is not None]
        for column in VOTE_MEASURES:
            if column in last.columns and votes:
                rows.append({"voter": scorer.name, **_agreement(votes, last, column)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _agreement(votes: list[Any], last: pd.DataFrame, column: str) -> dict[str, Any]:
    words, sign = VOTE_MEASURES[column]
    scores = sign * last.groupby(["prompt_id", "t2i_model", "i2t_model"])[column].mean()
    found = []
    for vote in votes:
        prompt = vote.detail["prompt_id"]
        one, other = (scores.get((prompt, *vote.detail[side]), np.nan) for side in ("first", "second"))
        first, second = (" + ".join(vote.detail[side]) for side in ("first", "second"))
        found.append((prompt, first, second, float(vote.value), float(np.sign(one - other))))
    table = pd.DataFrame(found, columns=["prompt_id", "first", "second", "vote", "gap"]).dropna()
    decided = table[table["vote"] != 0.5]
    right = 0.5 + 0.5 * decided["gap"] * (2 * decided["vote"] - 1)
    by_prompt = right.groupby(decided["prompt_id"]).agg(["sum", "size"])
    levels = last.drop_duplicates("prompt_id").set_index("prompt_id")["level"].reindex(by_prompt.index)
    share, low, high = clustered_proportion(
        by_prompt["sum"].to_numpy(dtype=float), by_prompt["size"].to_numpy(dtype=float), [str(each) for each in levels]
    )
    counts = {"votes": len(decided), "ties": len(table) - len(decided), "prompts": len(by_prompt)}
    return {"measure": words, "agreement": share, "low": low, "high": high, **_ranking(table, scores), **counts}


def _ranking(table: pd.DataFrame, scores: pd.Series) -> dict[str, Any]:
    """Returns the rank correlation of the pairs of models by votes and by the measure; NaN below three pairs."""
    wins = pd.concat([
        table[["first", "vote"]].set_axis(["pair", "won"], axis=1),
        table[["second"]].assign(won=1 - table["vote"]).set_axis(["pair", "won"], axis=1),
    ])  # fmt: skip
    by_votes = wins.groupby("pair")["won"].mean()
    means = scores.groupby(["t2i_model", "i2t_model"]).mean()
    by_score = pd.Series(means.to_numpy(), index=[" + ".join(pair) for pair in means.index])
    both = pd.DataFrame({"votes": by_votes, "score": by_score}).dropna()
    known = len(both) > 2
    value = kendall(both["votes"].to_numpy(float), both["score"].to_numpy(float)) if known else float("nan")
    return {"kendall": value, "pairs_of_models": len(both)}
