"""Omissions: whether image-to-text models recognise the facts that their descriptions left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from telephone.analysis.inference.share_interval import clustered_proportion
from telephone.store.records import ScorerKind

if TYPE_CHECKING:
    from telephone.store import Run

_ROWS = ["player", "prompt_id", "level", "attribute", "sort", "agrees"]
_COLUMNS = ("lost", "asked", "not_said", "not_seen", "unsure", "share_not_said", "low", "high", "guessed", "corrected")


def probe_answers(run: Run) -> pd.DataFrame:
    """Returns one row for each probe question and its answer by an image-to-text model.

    Columns: `player` (model), `prompt_id, level, attribute, sort` (lost: the image has the fact and the description
    omits it; blank: the image lacks it), `question`, `answer`, `agrees` (1 the answer states the fact, 0 it states
    another, NaN it states none).

    Args:
        run: A run with an omission probe (`telephone judge --ask`).
    """
    names = {row.ref: row.name for row in run.spec.models}
    prompts = {prompt.id: prompt for prompt in run.spec.prompts}
    of_sha = _prompts(run)
    rows = []
    for scorer in run.scorers(ScorerKind.OMISSION_PROBE):
        player = scorer.model
        for score in run.scores(scorer):
            prompt = prompts[of_sha[score.reference]]
            probe = {name: score.detail[name] for name in ("attribute", "question", "answer")}
            value = np.nan if score.value is None else score.value
            head = {"player": names.get(player, player), "prompt_id": prompt.id, "level": prompt.level}
            rows.append(head | probe | {"sort": score.kind, "agrees": value})
    return pd.DataFrame(rows, columns=[*_ROWS[:-1], "question", "answer", "agrees"])


def omission_rates(table: pd.DataFrame, by: Sequence[str] = ("player", "attribute")) -> pd.DataFrame:
    """Returns the share of omitted facts that the image-to-text models recognise when asked.

    Columns: those of `by`, `asked` (omitted facts with a question), `not_said` (correct answers), `not_seen` (other
    answers), `unsure` (answers that cannot be parsed), `share_not_said` of the parsed answers, `low`, `high` (95 %
    interval over prompts), `guessed` (share that agrees to facts the image lacks) and `corrected` (the share corrected
    for guessing: (share - guessed) / (1 - guessed), NaN without questions about absent facts).

    Args:
        table: As `probe_answers` gives it.
        by: Some of `player, attribute, level`.
    """
    rows = []
    for own, part in table.groupby(list(by), sort=True):
        lost, blank = part[part["sort"] == "lost"], part[part["sort"] == "blank"]
        if len(lost):
            head = dict(zip(by, own if isinstance(own, tuple) else (own,), strict=True))
            rows.append(head | _shares(lost, blank))
    return pd.DataFrame(rows, columns=[*by, *_COLUMNS[1:]])


def _shares(lost: pd.DataFrame, blank: pd.DataFrame) -> dict[str, Any]:
    known = lost[lost["agrees"].notna()]
    by_prompt = known.groupby("prompt_id").agg(yes=("agrees", "sum"), n=("agrees", "size"), level=("level", "first"))
    share, low, high = clustered_proportion(
        by_prompt["yes"].to_numpy(float), by_prompt["n"].to_numpy(float), list(by_prompt["level"])
    )
    guessed = float(blank["agrees"].mean()) if blank["agrees"].notna().any() else float("nan")
    recognised = int(known["agrees"].sum())
    return {
        "asked": len(lost),
        "not_said": recognised,
        "not_seen": len(known) - recognised,
        "unsure": len(lost) - len(known),
        "share_not_said": share,
        "low": low,
        "high": high,
        "guessed": guessed,
        "corrected": (share - guessed) / (1 - guessed) if guessed < 1 else float("nan"),
    }


def _prompts(run: Run) -> dict[str, str]:
    """Returns the id of each prompt by the hash of what the game began with."""
    from telephone.core.images import content_hash

    return {
        content_hash(prompt.text.encode() if prompt.image is None else prompt.image): prompt.id
        for prompt in run.spec.prompts
    }
