"""The analyses of a run beyond its summary: facts followed, judges checked, endings, claims of the article."""

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
    """Tables as the analysis returns them; None where the run lacks the data."""

    references: pd.DataFrame | None = None
    """Floor and chance of text distances by level, of the judge whose distances are shown."""
    survival: dict[str, pd.DataFrame] = field(default_factory=dict)
    """Survival curves by grouping: attribute, level."""
    half_lives: pd.DataFrame | None = None
    """By level and pair."""
    losses: dict[str, pd.DataFrame] = field(default_factory=dict)
    """Hazards by grouping: player (a model), attribute; text-to-image and image-to-text calls apart."""
    correction: pd.DataFrame | None = None
    """Loss rates with and without the correction of image readings, by model."""
    side_agreement: pd.DataFrame | None = None
    """Whether text-to-image and image-to-text models keep the same facts."""
    omissions: pd.DataFrame | None = None
    """Facts that image-to-text models recognise when asked, and did not mention, by model."""
    style: pd.DataFrame | None = None
    """Share of the prompt's style kept beside its content, by pair, kind and turn."""
    retrieval: pd.DataFrame | None = None
    """Whether a description can be matched to its prompt, by embedder and turn."""
    leaks: tuple[InformationLeak, ...] = ()
    agreement: pd.DataFrame | None = None
    fact_check: pd.DataFrame | None = None
    published_scores: pd.DataFrame | None = None
    drift_rates: pd.DataFrame | None = None
    importance: pd.DataFrame | None = None
    claims: tuple[Claim, ...] = ()
    image_distances: pd.DataFrame | None = None
    """How far images move from the first one of their game, by pixels and by objects."""
    votes: pd.DataFrame | None = None
    """Whether the measures agree with pairwise votes."""
    convergence: Convergence | None = None
    """Whether games reach a fixed point or a cycle, and which."""
    reencoded: pd.DataFrame | None = None
    """Distance of an image that is only saved again from its original, by embedder, level and turn."""
    opinion: str = ""
    """The model that answered questions about facts; empty where facts are counted exactly."""


def collect_findings(run: Run, summary: RunSummary, distance_judge: str | None = None) -> Findings:
    """Returns all analyses of a run beyond its summary.

    Args:
        run: A run at any stage.
        summary: Its summary.
        distance_judge: Part of the name of the judge whose distances are shown; the first one if None.
    """
    from telephone.analysis.inference.article_claims import check_article_claims
    from telephone.analysis.inference.side_importance import side_importance

    rest = (summary.rest_evidence, summary.text_space)
    facts = _facts(run, summary.frame)
    vectors = _vectors(run, summary.frame, distance_judge)
    drift = vectors.pop("drift", None)  # with the retention of each text and image
    empty = summary.frame.empty or summary.frame["text_after"].isna().all()
    return Findings(
        **facts.tables,
        **vectors,
        **_judges(run, summary.frame, drift, facts.followed is not None),
        importance=side_importance(summary.frame, summary.primary.name),
        claims=check_article_claims(summary.frame, facts.followed, drift, *rest, summary.primary.name),
        convergence=None if empty else summary.convergence,
        reencoded=_reencoded(run, summary.control_frame),
        image_distances=_image_distances(run, summary.frame),
        votes=_votes(run, summary.frame),
    )


@dataclass(frozen=True)
class _FactTables:
    followed: pd.DataFrame | None
    tables: dict[str, Any]


def _facts(run: Run, frame: pd.DataFrame) -> _FactTables:
    """Follows facts from call to call, if prompts state any and they were counted or asked about."""
    from telephone.analysis.facts.fact_tracking import fact_details, track_facts
    from telephone.analysis.facts.hazards import hazard_rates
    from telephone.analysis.facts.omissions import omission_rates, probe_answers
    from telephone.analysis.facts.reading_correction import correction_effect
    from telephone.analysis.facts.side_agreement import side_agreement
    from telephone.analysis.facts.survival import half_lives, survival_curves
    from telephone.analysis.tables.style_drift import style_curves, style_table

    counted, opinion = bool(fact_details(run)), _opinion(run)
    if not counted and not opinion:
        return _FactTables(None, {})
    table = track_facts(run, frame, opinion=None if counted else opinion)
    if table.empty:
        return _FactTables(None, {})
    answers = probe_answers(run)
    pairs = ("level", "t2i_model", "i2t_model")
    tables = {
        "survival": {by: survival_curves(table, (by,)) for by in ("attribute", "level")},
        "half_lives": half_lives(table, pairs),
        "losses": {by: hazard_rates(table, ("kind", by)) for by in ("player", "attribute")},
        "correction": correction_effect(run, frame, table) if counted else None,
        "side_agreement": side_agreement(table) if counted else None,
        "omissions": omission_rates(answers, ("player",)) if len(answers) else None,
        "style": style_curves(style_table(run, frame)) if counted else None,
        "opinion": "" if counted else opinion,
    }
    return _FactTables(table if counted else None, tables)


def _opinion(run: Run) -> str:
    """Returns the model that answered yes-or-no questions about the images; empty if there is none."""
    from telephone.store import ScorerKind

    return next((scorer.model for scorer in run.scorers(ScorerKind.OPINION)), "")


def _vectors(run: Run, frame: pd.DataFrame, distance_judge: str | None) -> dict[str, Any]:
    """Returns the analyses of stored vectors; nothing if no embedder has judged the run."""
    from telephone.analysis.inference.caption_retrieval import (
        caption_retrieval_bits,
        find_information_leaks,
        match_captions,
    )
    from telephone.analysis.tables.drift import drift_table
    from telephone.analysis.tables.drift_rates import drift_rates
    from telephone.analysis.tables.published_scores import published_scores
    from telephone.analysis.tables.retention import add_retention, calibration_lines

    if not run.embedders() or frame.empty:
        return {}
    calibration = calibration_lines(run, frame=frame)
    drift = add_retention(drift_table(run, frame=frame), calibration)
    matched = match_captions(run, frame=frame)
    return {
        "drift": drift,
        "references": text_references(calibration, _distance_embedder(run, distance_judge)),
        "retrieval": caption_retrieval_bits(matched, ("embedder", "turn")) if len(matched) else None,
        "leaks": find_information_leaks(matched) if len(matched) else (),
        "published_scores": published_scores(drift),
        "drift_rates": drift_rates(drift),
    }


def _distance_embedder(run: Run, distance_judge: str | None) -> str | None:
    """Returns the embedder of the judge whose distances are shown; None if there is no such judge."""
    from telephone.store import ScorerKind

    scorers = run.scorers(ScorerKind.DISTANCE)
    return next((scorer.model for scorer in scorers if (distance_judge or "") in scorer.identity), None)


def text_references(table: pd.DataFrame, embedder: str | None = None) -> pd.DataFrame | None:
    """Returns floor and chance of text distances by level, of one embedder.

    Args:
        table: `embedder, mapping, level, floor, chance`.
        embedder: Its name; the first one of the table if None.
    """
    own = table[table["mapping"] == "text-text"]
    if own.empty:
        return None
    own = own[own["embedder"] == (own["embedder"].iloc[0] if embedder is None else embedder)]
    return own if len(own) else None


def _judges(run: Run, frame: pd.DataFrame, drift: pd.DataFrame | None, has_facts: bool) -> dict[str, Any]:
    from telephone.analysis.inference.judge_agreement import fact_correlation, judge_values, rank_agreement

    if drift is None or not has_facts:
        return {}
    table = judge_values(run, frame, drift)
    return {"agreement": rank_agreement(table), "fact_check": fact_correlation(table)}


def _reencoded(run: Run, controls: pd.DataFrame) -> pd.DataFrame | None:
    from telephone.analysis.tables.control_lines import reencoding_drift

    if controls.empty:
        return None
    table = reencoding_drift(run, frame=controls)
    return table if len(table) else None


def _image_distances(run: Run, frame: pd.DataFrame) -> pd.DataFrame | None:
    from telephone.analysis.tables.image_distances import image_distances

    table = image_distances(run, frame)
    return table if len(table) else None


def _votes(run: Run, frame: pd.DataFrame) -> pd.DataFrame | None:
    from telephone.analysis.inference.votes import vote_agreement

    table = vote_agreement(run, frame)
    return table if len(table) else None
