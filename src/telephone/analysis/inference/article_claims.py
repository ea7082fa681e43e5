"""The observations of the first article about this game, each tested on a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from telephone.analysis.convergence.overview import TextSpace
from telephone.analysis.convergence.rest_evidence import RestEvidence
from telephone.analysis.facts.fact_tracking import subject_change_turns
from telephone.analysis.inference.bootstrap import MIN_PROMPTS, MeanEstimate, estimate_means
from telephone.analysis.inference.side_importance import SideGap, side_gap
from telephone.analysis.tables.score_frames import get_measure, without_controls

if TYPE_CHECKING:
    from collections.abc import Sequence

HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"
EARLY, SUBJECT, STABLE = 3, (4, 5), 6
"""Number of turns that count as early and as late; turns at which the subject should change; the turn after which games
should be stable."""
MOST = 0.5
"""A share above this is "most games"."""
FAR = 1.5
"""A distance that is this many times as large as another is "far larger"."""
SETTLED = 0.05
"""Cosine distance below which two consecutive descriptions count as equal."""


@dataclass(frozen=True)
class Claim:
    """An observation of the article with the result of its test on a run."""

    name: str
    """Identifier for links and JSON."""
    observation: str
    """The observation in a sentence."""
    test: str
    """What is measured, and the condition under which it holds."""
    verdict: str = OPEN
    """holds, does not hold, or undecided."""
    explanation: str = ""
    """The numbers in a sentence, or what is missing."""
    value: float | None = None
    low: float | None = None
    """Bounds of the 95 % interval."""
    high: float | None = None
    limit: float = 0.0
    """The value that it is compared with."""


_CLAIMS = {
    claim.name: claim
    for claim in (
        Claim(
            "easy",
            "For easy prompts, the text-to-image model matters most.",
            "Variance of the final score between text-to-image models minus that between image-to-text models: "
            "above 0.",
        ),
        Claim(
            "medium",
            "For medium prompts, the subject of nearly every game changes at the fourth or fifth step.",
            f"Share of medium games whose description first lacks the prompt's first object at turn {SUBJECT[0]} or "
            f"{SUBJECT[1]}: more than half.",
            limit=MOST,
        ),
        Claim(
            "hard",
            "For hard prompts, the image-to-text model matters most at first, the text-to-image model later.",
            f"As for easy prompts: below 0 over the first {EARLY} turns, above 0 over the last {EARLY}. The "
            f"number is that of the last {EARLY}.",
        ),
        Claim(
            "stable",
            "By about the fifth or sixth turn, most games are stable.",
            f"Share of games whose consecutive descriptions from turn {STABLE} on differ by less than the judge's "
            f"floor ({SETTLED} where none was measured; not at all, where no embedder has judged): more than half.",
            limit=MOST,
        ),
        Claim(
            "modalities",
            "The distance between an image and its description is far larger than between two consecutive images or "
            "descriptions.",
            "Mean distance between input and output of a call, without that of a true image from its caption, as a "
            f"multiple of that between two consecutive descriptions or images, whichever is larger: above {FAR}.",
            limit=FAR,
        ),
        Claim(
            "style",
            "Models with long descriptions keep the style better than those that only name the subject.",
            "Share of style facts kept at the end by the image-to-text model with the longest descriptions, minus "
            "that of the one with the shortest: above 0.",
        ),
    )
}


def check_article_claims(
    frame: pd.DataFrame,
    tracked: pd.DataFrame | None = None,
    drift: pd.DataFrame | None = None,
    evidence: RestEvidence | None = None,
    space: TextSpace | None = None,
    measure: str = "distance",
) -> tuple[Claim, ...]:
    """Returns the observations of the article, tested.

    Args:
        frame: One row a turn, as `scored_frame` gives it; controls are left out.
        tracked: As `track_facts` gives it, where the prompts state facts that can be counted.
        drift: As `add_retention` gives it, where an embedder of texts and images has judged.
        evidence: As `rest_evidence(run.spec)` gives it. With fixed noise games rest by construction, so that rest is no
            evidence for a claim, and its absence is evidence against it.
        space: As `text_space_of` gives it: the embedder and the floor by which rest is judged, as in `Convergence`.
        measure: A name of `MEASURES`, by which models are compared.

    Raises:
        UsageError: a column is missing, or there is no such measure.
    """
    frame = without_controls(frame)
    turns = int(frame["step_number"].max()) + 1 if len(frame) else 0
    tracked, drift = (None if table is None else _of(table, frame) for table in (tracked, drift))
    return (
        _easy(frame, turns, measure),
        _medium(tracked),
        _hard(frame, turns, measure),
        _with_evidence(_stable(frame, drift, turns, space), evidence),
        _modalities(drift),
        _style(frame, tracked),
    )


def _of(table: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    return table[table["game"].isin(frame["game"].unique())]


def _easy(frame: pd.DataFrame, turns: int, measure: str) -> Claim:
    made = _CLAIMS["easy"]
    found = side_gap(frame, "easy", [turns - 1], measure) if turns else None
    return _by_gap(made, found, ("easy", measure), 1)


def _by_gap(made: Claim, found: SideGap | None, about: tuple[str, str], sign: int) -> Claim:
    level, measure = about
    if found is None:
        return _open(made, f"This needs two models on each side and three {level} prompts with scores of every pair.")
    words = f"At the end, {_spreads(found)} ({get_measure(measure).words}, {found.n} prompts)."
    return _judged(made, (found.gap, found.low, found.high), words, sign)


def _spreads(found: SideGap) -> str:
    """Returns the standard deviations between models of both sides in words, to two significant digits."""
    one, other = (
        f"by a standard deviation of {each:.2g}" if each else "no more than by chance"
        for each in (found.drawing, found.describing)
    )
    return f"text-to-image models differ {one}, image-to-text models {other}"


def _medium(tracked: pd.DataFrame | None) -> Claim:
    made = _CLAIMS["medium"]
    table = subject_change_turns(tracked) if tracked is not None and len(tracked) else pd.DataFrame(columns=["level"])
    table = table[table["level"] == "medium"]
    if table.empty:
        return _open(made, "No medium prompt has facts that can be tracked.")
    hit = table["turn"].between(*SUBJECT).astype(float)
    found = _over_prompts(hit, table)
    changed = table["turn"].dropna()
    when = f"half of the changes come by turn {changed.median():.0f}" if len(changed) else "no game changes it"
    kept = 1 - len(changed) / len(table)
    words = f"{_percent(found.mean[0])} of {len(table)} games change it then; {when}, and {_percent(kept)} keep it"
    words += " to the end."
    return _judged(made, _numbers(found), words)


def _hard(frame: pd.DataFrame, turns: int, measure: str) -> Claim:
    made = _CLAIMS["hard"]
    if turns < 2 * EARLY:
        return _open(made, f"This needs games of {2 * EARLY} turns or more.")
    early = side_gap(frame, "hard", range(EARLY), measure)
    late = side_gap(frame, "hard", range(turns - EARLY, turns), measure)
    if early is None or late is None:
        return _open(made, "This needs two models on each side and three hard prompts that every pair has played.")
    words = " ".join(f"{when}, {_spreads(one)}." for when, one in (("At first", early), ("Later", late)))
    sides = [_judged(made, (one.gap, one.low, one.high), words, sign) for one, sign in ((early, -1), (late, 1))]
    verdicts = {side.verdict for side in sides}
    verdict = FAILS if FAILS in verdicts else OPEN if OPEN in verdicts else HOLDS
    return replace(sides[1], verdict=verdict, explanation=words)


def _stable(frame: pd.DataFrame, drift: pd.DataFrame | None, turns: int, space: TextSpace | None) -> Claim:
    made = _CLAIMS["stable"]
    if turns <= STABLE:
        return _open(made, f"This needs games of more than {STABLE} turns.")
    whole = frame.groupby("game").filter(lambda own: len(own) == turns and bool((own["outcome"] == "ok").all()))
    if whole.empty:
        return _open(made, "No game has finished.")
    rest = _at_rest(whole, drift, space)
    found = _over_prompts(rest["rest"].astype(float), rest)
    words = f"{_percent(found.mean[0])} of {len(rest)} games are stable after turn {STABLE}."
    return _judged(made, _numbers(found), words)


def _with_evidence(claim: Claim, evidence: RestEvidence | None) -> Claim:
    """Returns a claim of rest as far as the noise of the run lets it stand."""
    if evidence is None or claim.value is None:
        return claim
    verdict = OPEN if evidence.by_construction and claim.verdict == HOLDS else claim.verdict
    return replace(claim, verdict=verdict, explanation=f"{claim.explanation} {evidence.words}")


def _at_rest(whole: pd.DataFrame, drift: pd.DataFrame | None, space: TextSpace | None) -> pd.DataFrame:
    """Returns one row a game with a column `rest`: whether it is stable."""
    heads = whole.groupby("game")[["prompt_id", "level"]].first()
    if drift is not None and "to_same" in drift.columns and drift["to_same"].notna().any():
        own = drift[(drift["kind"] == "text") & (drift["turn"] > STABLE) & drift["game"].isin(heads.index)]
        known = space is not None and bool((own["embedder"] == space.name).any())
        chosen = space.name if space is not None and known else own["embedder"].iloc[0] if len(own) else ""
        farthest = own[own["embedder"] == chosen].groupby("game")["to_same"].max()
        floor = space.floor if space is not None and known else SETTLED
        return heads.assign(rest=farthest.reindex(heads.index) < floor)
    late = whole[whole["step_number"] >= STABLE - 1]
    return heads.assign(rest=late.groupby("game")["text_after"].nunique().reindex(heads.index) == 1)


def _modalities(drift: pd.DataFrame | None) -> Claim:
    made = _CLAIMS["modalities"]
    both = _embeds_both(drift)
    if both is None:
        return _open(made, "This needs an embedder of texts and images: telephone judge RUN --embedder pocket/clip.")
    table = _modality_distances(both)
    if table is None:
        return _open(made, "This cannot be determined: the embedder has no distance of a true image from its caption.")
    if len(table) < 2 or not (table[["image", "text"]].to_numpy() > 0).any():
        return _open(made, "This needs two or more prompts whose images and descriptions keep changing.")
    levels = both.groupby("prompt_id")["level"].first().reindex(table.index)
    values = table[["excess", "image", "text", "across"]].to_numpy(dtype=float)
    means = estimate_means(values, [str(level) for level in levels])
    excess, image, text, across = means.mean
    within = max(image, text)
    draws = means.draws[:, 0] / np.maximum(means.draws[:, 1:3].max(axis=1), 1e-9)
    low, high = np.quantile(draws, [0.025, 0.975])
    words = (
        f"{across:.2f} between an image and a text, {abs(excess):.2f} {'more' if excess > 0 else 'less'} than the "
        f"{across - excess:.2f} between a true image and its caption; {image:.2f} between consecutive images, "
        f"{text:.2f} between consecutive descriptions."
    )
    if len(table) < MIN_PROMPTS:
        low = high = float("nan")
    return _judged(made, (float(excess / within), float(low), float(high)), words)


def _modality_distances(both: pd.DataFrame) -> pd.DataFrame | None:
    """Returns by prompt the distances `across` kinds, their `excess` over the floor, and within `image` and `text`.

    An embedder of texts and images places even a true caption at a distance from its image. What is beyond this floor
    is the distance that the models add. None where no floor between the kinds was measured.
    """
    if "floor" not in both.columns:
        return None
    floors = both[both["mapping"].isin(("text-image", "image-text"))].groupby("level")["floor"].mean()
    if floors.isna().all():
        return None
    made = both.dropna(subset=["to_before"])
    across = made.groupby("prompt_id")["to_before"].mean()
    levels = made.groupby("prompt_id")["level"].first()
    within = both.dropna(subset=["to_same"]).groupby(["prompt_id", "kind"])["to_same"].mean().unstack("kind")
    table = pd.DataFrame({"across": across, "excess": across - levels.map(floors)})
    return table.join(within.reindex(columns=["image", "text"])).dropna()


def _embeds_both(drift: pd.DataFrame | None) -> pd.DataFrame | None:
    if drift is None or not {"to_before", "to_same"} <= set(drift.columns):
        return None
    for _, own in drift.groupby("embedder", sort=False):
        if own["to_before"].notna().any():
            return own
    return None


def _style(frame: pd.DataFrame, tracked: pd.DataFrame | None) -> Claim:
    made = _CLAIMS["style"]
    words = frame["text_after"].dropna().map(lambda text: len(str(text).split())).astype(float)
    lengths = words.groupby(frame["i2t_model"]).mean().sort_values()
    if len(lengths) < 2 or lengths.iloc[-1] < 1.2 * lengths.iloc[0]:
        return _open(
            made, "This needs two image-to-text models, one with descriptions at least 20 % longer than the other."
        )
    own = pd.DataFrame() if tracked is None else tracked[tracked["attribute"] == "style"]
    own = own[(own["kind"] != "image") & (own["turn"] == own["turn"].max())] if len(own) else own
    own = own[own["i2t_model"].isin([lengths.index[0], lengths.index[-1]])] if len(own) else own
    if own.empty or own["i2t_model"].nunique() < 2:
        return _open(made, "No prompt states a style that can be tracked.")
    kept = own.assign(kept=(own["state"] == "kept").astype(float))
    wide = kept.groupby(["prompt_id", "i2t_model"])["kept"].mean().unstack("i2t_model")
    gaps = (wide[lengths.index[-1]] - wide[lengths.index[0]]).dropna()
    levels = own.groupby("prompt_id")["level"].first().reindex(gaps.index)
    found = estimate_means(gaps.to_numpy(dtype=float)[:, None], [str(level) for level in levels], (-1.0, 1.0))
    kept_by = " and ".join(
        f"{name} ({lengths[name]:.0f} words) keeps {_percent(wide[name].mean())}" for name in lengths.index[[-1, 0]]
    )
    return _judged(made, _numbers(found), f"{kept_by} of the styles ({len(gaps)} prompts).")


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
        return replace(made, explanation=f"{words} There are too few prompts for an interval.", value=value)
    verdict = HOLDS if holds else FAILS if fails else OPEN
    return replace(made, verdict=verdict, explanation=words, value=value, low=low, high=high)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _open(made: Claim, explanation: str) -> Claim:
    return replace(made, explanation=explanation)
