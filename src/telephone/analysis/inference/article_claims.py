"""What the first article of this game observed, each observation put to the test on the run at hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from telephone.analysis.facts.fact_tracking import subject_change_turns
from telephone.analysis.inference.bootstrap import MeanEstimate, estimate_means
from telephone.analysis.inference.side_importance import SideGap, side_gap
from telephone.analysis.tables.score_frames import without_controls

if TYPE_CHECKING:
    from collections.abc import Sequence

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told"
EARLY, SUBJECT, STABLE = 3, (4, 5), 6
"""Turns that count as early (and, at the other end, as late); those at which the subject should change; the one after
which games should be stable."""
MOST = 0.5
"""What "most games" means."""
FAR = 1.5
"""How many times as large as another a distance must be to be "far larger"."""
SETTLED = 0.05
"""A cosine distance below which two descriptions in a row count as the same."""


@dataclass(frozen=True)
class Claim:
    """An observation of the article, and what a run says of it."""

    name: str
    """A word for links and JSON."""
    said: str
    """The observation."""
    test: str
    """What is measured, and when it counts as true."""
    verdict: str = OPEN
    """holds, does not hold, or cannot be told."""
    why: str = ""
    """The numbers in a sentence, or what is lacking."""
    value: float | None = None
    low: float | None = None
    """Bounds of the 95 % interval."""
    high: float | None = None
    limit: float = 0.0
    """What the value is compared with."""


_CLAIMS = {
    claim.name: claim
    for claim in (
        Claim(
            "easy",
            "For easy prompts, the text-to-image model matters most.",
            "Variance of the final distance between those who draw, minus that between those who describe: above 0.",
        ),
        Claim(
            "medium",
            "For medium prompts, the subject of nearly every game changes at the fourth or fifth step.",
            f"Share of medium games whose description first lacks the prompt's first thing at turn {SUBJECT[0]} or "
            f"{SUBJECT[1]}: more than half.",
            limit=MOST,
        ),
        Claim(
            "hard",
            "For hard prompts, the image-to-text model matters most at first, the text-to-image model later.",
            f"The same as for easy prompts: below 0 over the first {EARLY} turns, above 0 over the last {EARLY}.",
        ),
        Claim(
            "stable",
            "By about the fifth or sixth turn, most games have come to rest.",
            f"Share of games whose descriptions from turn {STABLE} on differ by less than {SETTLED} from one to the "
            "next (not at all, where no embedder has judged): more than half.",
            limit=MOST,
        ),
        Claim(
            "modalities",
            "A picture and its description are far farther apart than two pictures, or two descriptions, in a row.",
            "Mean distance between what goes into a call and what comes out of it, as a multiple of that between two "
            f"descriptions or two pictures in a row, whichever is larger: above {FAR}.",
            limit=FAR,
        ),
        Claim(
            "style",
            "Models that describe at length keep the style better than those that name the subject.",
            "Share of style facts that the longest describer keeps at the end, minus that of the shortest: above 0.",
        ),
    )
}


def check_article_claims(
    frame: pd.DataFrame, followed: pd.DataFrame | None = None, drift: pd.DataFrame | None = None
) -> tuple[Claim, ...]:
    """Returns the observations of the article, tested.

    Args:
        frame: One row a turn, as `scored_frame` gives it; controls are left out.
        followed: As `track_facts` gives it, where the prompts state facts that can be counted.
        drift: As `drift_table` gives it, where an embedder of texts and pictures has judged.

    Raises:
        UsageError: a column is missing.
    """
    frame = without_controls(frame)
    turns = int(frame["step_number"].max()) + 1 if len(frame) else 0
    followed, drift = (None if table is None else _of(table, frame) for table in (followed, drift))
    return (
        _easy(frame, turns),
        _medium(followed),
        _hard(frame, turns),
        _stable(frame, drift, turns),
        _modalities(drift),
        _style(frame, followed),
    )


def _of(table: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    return table[table["game"].isin(frame["game"].unique())]


def _easy(frame: pd.DataFrame, turns: int) -> Claim:
    made = _CLAIMS["easy"]
    return _by_gap(made, side_gap(frame, "easy", [turns - 1]) if turns else None, "easy", 1)


def _by_gap(made: Claim, found: SideGap | None, level: str, sign: int) -> Claim:
    if found is None:
        return _open(made, f"It takes two models on each side and three {level} prompts that every pair has played.")
    words = (
        f"At the end, models that draw differ by {found.drawing:.3f}, models that describe by {found.describing:.3f}"
    )
    return _judged(made, (found.gap, found.low, found.high), f"{words} ({found.n} prompts).", sign)


def _medium(followed: pd.DataFrame | None) -> Claim:
    made = _CLAIMS["medium"]
    table = (
        subject_change_turns(followed) if followed is not None and len(followed) else pd.DataFrame(columns=["level"])
    )
    table = table[table["level"] == "medium"]
    if table.empty:
        return _open(made, "No medium prompt has facts that can be followed.")
    hit = table["turn"].between(*SUBJECT).astype(float)
    found = _over_prompts(hit, table)
    changed = table["turn"].dropna()
    when = f"half of the changes come by turn {changed.median():.0f}" if len(changed) else "none changes it"
    kept = 1 - len(changed) / len(table)
    words = f"{found.mean[0]:.0%} of {len(table)} games change it then; {when}, and {kept:.0%} keep it to the end."
    return _judged(made, _numbers(found), words)


def _hard(frame: pd.DataFrame, turns: int) -> Claim:
    made = _CLAIMS["hard"]
    if turns < 2 * EARLY:
        return _open(made, f"It takes games of {2 * EARLY} turns or more.")
    early = side_gap(frame, "hard", range(EARLY))
    late = side_gap(frame, "hard", range(turns - EARLY, turns))
    if early is None or late is None:
        return _open(made, "It takes two models on each side and three hard prompts that every pair has played.")
    words = " ".join(
        f"{when}, models that draw differ by {one.drawing:.3f}, models that describe by {one.describing:.3f}."
        for when, one in (("At first", early), ("Later", late))
    )
    sides = [_judged(made, (one.gap, one.low, one.high), words, sign) for one, sign in ((early, -1), (late, 1))]
    verdicts = {side.verdict for side in sides}
    verdict = FAILS if FAILS in verdicts else OPEN if OPEN in verdicts else HOLDS
    return replace(sides[1], verdict=verdict, why=words)


def _stable(frame: pd.DataFrame, drift: pd.DataFrame | None, turns: int) -> Claim:
    made = _CLAIMS["stable"]
    if turns <= STABLE:
        return _open(made, f"It takes games of more than {STABLE} turns.")
    whole = frame.groupby("game").filter(lambda own: len(own) == turns and bool((own["outcome"] == "ok").all()))
    if whole.empty:
        return _open(made, "No game was played to its end.")
    rest = _at_rest(whole, drift)
    found = _over_prompts(rest["rest"].astype(float), rest)
    words = f"{found.mean[0]:.0%} of {len(rest)} games stay as they are after turn {STABLE}."
    return _judged(made, _numbers(found), words)


def _at_rest(whole: pd.DataFrame, drift: pd.DataFrame | None) -> pd.DataFrame:
    """Returns one row a game: whether it changes no more."""
    heads = whole.groupby("game")[["prompt_id", "level"]].first()
    if drift is not None and "to_same" in drift.columns and drift["to_same"].notna().any():
        own = drift[(drift["kind"] == "text") & (drift["turn"] > STABLE) & drift["game"].isin(heads.index)]
        own = own[own["embedder"] == own["embedder"].iloc[0]] if len(own) else own
        farthest = own.groupby("game")["to_same"].max()
        return heads.assign(rest=farthest.reindex(heads.index) < SETTLED)
    late = whole[whole["step_number"] >= STABLE - 1]
    return heads.assign(rest=late.groupby("game")["text_after"].nunique().reindex(heads.index) == 1)


def _modalities(drift: pd.DataFrame | None) -> Claim:
    made = _CLAIMS["modalities"]
    both = _embeds_both(drift)
    if both is None:
        return _open(made, "It takes an embedder of texts and pictures: telephone judge RUN --embedder pocket/clip.")
    found = both.dropna(subset=["to_before"])
    across = found.groupby("prompt_id")["to_before"].mean()
    within = both.dropna(subset=["to_same"]).groupby(["prompt_id", "kind"])["to_same"].mean().unstack("kind")
    table = pd.DataFrame({"across": across}).join(within).dropna()
    if len(table) < 2 or not (table[["image", "text"]].to_numpy() > 0).any():
        return _open(made, "It takes two prompts or more whose games go on changing.")
    levels = found.groupby("prompt_id")["level"].first().reindex(table.index)
    means = estimate_means(table[["across", "image", "text"]].to_numpy(dtype=float), [str(level) for level in levels])
    ratio = means.mean[0] / means.mean[1:].max()
    draws = means.draws[:, 0] / np.maximum(means.draws[:, 1:].max(axis=1), 1e-9)
    low, high = np.quantile(draws, [0.025, 0.975])
    words = (
        f"{means.mean[0]:.2f} between a picture and a text, {means.mean[1]:.2f} between pictures in a row, "
        f"{means.mean[2]:.2f} between descriptions: {ratio:.1f} times as much."
    )
    return _judged(made, (float(ratio), float(low), float(high)), words)


def _embeds_both(drift: pd.DataFrame | None) -> pd.DataFrame | None:
    if drift is None or "to_before" not in drift.columns:
        return None
    for _, own in drift.groupby("embedder", sort=False):
        if own["to_before"].notna().any():
            return own
    return None


def _style(frame: pd.DataFrame, followed: pd.DataFrame | None) -> Claim:
    made = _CLAIMS["style"]
    words = frame["text_after"].dropna().map(lambda text: len(str(text).split())).astype(float)
    lengths = words.groupby(frame["i2t_model"]).mean().sort_values()
    if len(lengths) < 2 or lengths.iloc[-1] < 1.2 * lengths.iloc[0]:
        return _open(made, "It takes two models that describe, one at least a fifth longer than the other.")
    own = pd.DataFrame() if followed is None else followed[followed["attribute"] == "style"]
    own = own[(own["kind"] != "image") & (own["turn"] == own["turn"].max())] if len(own) else own
    own = own[own["i2t_model"].isin([lengths.index[0], lengths.index[-1]])] if len(own) else own
    if own.empty or own["i2t_model"].nunique() < 2:
        return _open(made, "No prompt here states a style that can be followed.")
    kept = own.assign(kept=(own["state"] == "kept").astype(float))
    wide = kept.groupby(["prompt_id", "i2t_model"])["kept"].mean().unstack("i2t_model")
    gaps = (wide[lengths.index[-1]] - wide[lengths.index[0]]).dropna()
    levels = own.groupby("prompt_id")["level"].first().reindex(gaps.index)
    found = estimate_means(gaps.to_numpy(dtype=float)[:, None], [str(level) for level in levels], (-1.0, 1.0))
    told = " and ".join(
        f"{name} ({lengths[name]:.0f} words) keeps {wide[name].mean():.0%}" for name in lengths.index[[-1, 0]]
    )
    return _judged(made, _numbers(found), f"{told} of the styles ({len(gaps)} prompts).")


def _over_prompts(values: pd.Series, table: pd.DataFrame) -> MeanEstimate:
    """Returns the mean over prompts of each prompt's mean over its games."""
    by_prompt = values.groupby(table["prompt_id"]).mean()
    levels = table.groupby("prompt_id")["level"].first().reindex(by_prompt.index)
    return estimate_means(by_prompt.to_numpy(dtype=float)[:, None], [str(level) for level in levels], (0.0, 1.0))


def _numbers(found: MeanEstimate) -> tuple[float, float, float]:
    return float(found.mean[0]), float(found.low[0]), float(found.high[0])


def _judged(made: Claim, numbers: Sequence[float], words: str, sign: int = 1) -> Claim:
    """Returns the claim with its verdict: the whole interval must lie on one side of the limit."""
    value, low, high = numbers
    known = low == low and high == high
    above, below = known and low > made.limit, known and high < made.limit
    holds, fails = (above, below) if sign > 0 else (below, above)
    if not known:
        return replace(made, why=f"{words} These are too few prompts for an interval.", value=value)
    verdict = HOLDS if holds else FAILS if fails else OPEN
    return replace(made, verdict=verdict, why=words, value=value, low=low, high=high)


def _open(made: Claim, why: str) -> Claim:
    return replace(made, why=why)
