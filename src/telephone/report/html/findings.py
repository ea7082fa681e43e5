"""What a report tells beyond the leaderboards, as tables: facts followed, judges checked, ends, claims."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from telephone.analysis import InformationLeak, RunSummary
    from telephone.analysis.convergence.overview import Convergence
    from telephone.analysis.inference.article_claims import Claim
    from telephone.store import Run


@dataclass(frozen=True)
class Findings:
    """Tables as the analysis makes them; None where the run has nothing to make them of."""

    yardsticks: pd.DataFrame | None = None
    """Floor and chance by level, of the judge whose distances are shown."""
    survival: dict[str, pd.DataFrame] = field(default_factory=dict)
    """Survival curves by what a curve stands for: attribute, level."""
    half_lives: pd.DataFrame | None = None
    """By level and pair."""
    losses: dict[str, pd.DataFrame] = field(default_factory=dict)
    """Hazards by what a row stands for: player, attribute; drawing and describing apart."""
    unsaid: pd.DataFrame | None = None
    """What describers had seen and did not say, by player."""
    style: pd.DataFrame | None = None
    """The prompt's style kept beside its content, by pair, kind and turn."""
    bits: pd.DataFrame | None = None
    """By turn."""
    leaks: tuple[InformationLeak, ...] = ()
    agreement: pd.DataFrame | None = None
    fact_check: pd.DataFrame | None = None
    published: pd.DataFrame | None = None
    importance: pd.DataFrame | None = None
    claims: tuple[Claim, ...] = ()
    ends: Convergence | None = None
    """Whether games come to rest, and where."""
    reencoded: pd.DataFrame | None = None
    """How far a picture moves that is only saved again."""
    opinion: str = ""
    """Who answered the questions that stand for facts; empty where facts are counted."""


def findings(run: Run, found: RunSummary) -> Findings:
    """Returns all that a run has to say beyond its summary; what was not judged is left out.

    Args:
        run: A run at any stage.
        found: Its summary.
    """
    from telephone.analysis.inference.article_claims import check_article_claims
    from telephone.analysis.inference.side_importance import side_importance

    facts = _facts(run, found.frame)
    vectors = _vectors(run, found.frame)
    drifted = vectors.pop("drift", None)
    return Findings(
        **facts.tables,
        **vectors,
        **_judges(run, found.frame, bool(vectors), facts.followed is not None),
        importance=side_importance(found.frame),
        claims=check_article_claims(found.frame, facts.followed, drifted),
        ends=None if found.frame.empty or found.frame["text_after"].isna().all() else found.convergence,
        reencoded=_reencoded(run, found.control_frame),
    )


@dataclass(frozen=True)
class _Facts:
    followed: pd.DataFrame | None
    tables: dict[str, Any]


def _facts(run: Run, frame: pd.DataFrame) -> _Facts:
    """Follows the facts, where some prompt has any and they were counted one by one."""
    from telephone.analysis.facts.fact_tracking import fact_details, track_facts
    from telephone.analysis.facts.hazards import hazard_rates
    from telephone.analysis.facts.omissions import omission_rates, probe_answers
    from telephone.analysis.facts.survival import half_lives, survival_curves
    from telephone.analysis.tables.style_drift import style_curves, style_table

    counted, opinion = bool(fact_details(run)), _opinion(run)
    if not counted and not opinion:
        return _Facts(None, {})
    table = track_facts(run, frame, opinion=None if counted else opinion)
    if table.empty:
        return _Facts(None, {})
    asked = probe_answers(run)
    lines = ("level", "t2i_model", "i2t_model")
    tables = {
        "survival": {by: survival_curves(table, (by,)) for by in ("attribute", "level")},
        "half_lives": half_lives(table, lines),
        "losses": {by: hazard_rates(table, ("kind", by)) for by in ("player", "attribute")},
        "unsaid": omission_rates(asked, ("player",)) if len(asked) else None,
        "style": style_curves(style_table(run, frame)) if counted else None,
        "opinion": "" if counted else opinion,
    }
    return _Facts(table if counted else None, tables)


def _opinion(run: Run) -> str:
    """Returns who answered yes-or-no questions about the pictures, if anybody did."""
    from telephone.analysis.tables.drift import short_name

    begins = "opinion of "
    return next((short_name(judge).removeprefix(begins) for judge in run.judges() if judge.startswith(begins)), "")


def _vectors(run: Run, frame: pd.DataFrame) -> dict[str, Any]:
    """Measures with the vectors that embedders have left, where they have left any."""
    from telephone.analysis.inference.caption_retrieval import (
        caption_retrieval_bits,
        find_information_leaks,
        match_captions,
    )
    from telephone.analysis.tables.drift import drift_table
    from telephone.analysis.tables.published_scores import published_scores
    from telephone.analysis.tables.retention import calibration_lines

    if not run.embedders() or frame.empty:
        return {}
    drifted = drift_table(run, frame=frame)
    matched = match_captions(run, frame=frame)
    return {
        "drift": drifted,
        "yardsticks": calibration_lines(run, frame=frame),
        "bits": caption_retrieval_bits(matched, ("embedder", "turn")) if len(matched) else None,
        "leaks": find_information_leaks(matched) if len(matched) else (),
        "published": published_scores(drifted),
    }


def _judges(run: Run, frame: pd.DataFrame, vectors: bool, facts: bool) -> dict[str, Any]:
    from telephone.analysis.inference.judge_agreement import fact_correlation, judge_values, rank_agreement

    if not vectors or not facts:
        return {}
    table = judge_values(run, frame)
    return {"agreement": rank_agreement(table), "fact_check": fact_correlation(table)}


def _reencoded(run: Run, controls: pd.DataFrame) -> pd.DataFrame | None:
    from telephone.analysis.tables.control_lines import reencoding_drift

    if controls.empty:
        return None
    table = reencoding_drift(run, frame=controls)
    return table if len(table) else None
